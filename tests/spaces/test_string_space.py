"""Strings to coordinates and back: exact counts lead back to the string, decoders only improve, rules are kept, bad input is refused."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.city_names import CityNames
from rkdiff.data.dna_motifs import DnaMotifs
from rkdiff.data.grammar import Grammar
from rkdiff.kernels._strings_automaton import Automaton
from rkdiff.kernels.strings import Spectrum, lengths, to_codes, to_words
from rkdiff.spaces._string_beam import Beam
from rkdiff.spaces._string_search import edited, search
from rkdiff.spaces.strings import Strings


def of(words, **meta):
    codes = to_codes(words)
    return Dataset("made", "strings", codes, codes, meta=meta)


@cache
def words_of_the_grammar():
    return Grammar(n=80).make(Rng(0))


def test_the_exact_counts_of_random_dna_lead_back_to_strings_with_these_counts():
    rng = np.random.default_rng(0)
    codes = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (30, 12))]
    features = Spectrum.fit(codes, 3)
    counts = features(codes)
    found, score = Beam(4, 60)(features.tables(counts), np.full(30, 8), np.full(30, 14))
    back = np.append(features.alphabet, 0)[found[:, 0]].astype(np.uint8)
    np.testing.assert_allclose(score[:, 0], -(counts**2).sum(1))  # ||c - g||^2 is 0
    np.testing.assert_array_equal(features(back), counts)


@settings(max_examples=20)
@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=2, max_size=3), st.integers(1, 3), st.integers(0, 99))
def test_a_wide_beam_finds_the_nearest_of_all_strings(some, p, seed):
    train = to_codes([*some, "ab"], 4)
    features = Spectrum.fit(train, p)
    everything = to_codes([f"{i:0{n}b}".replace("0", "a").replace("1", "b") for n in range(1, 5) for i in range(2**n)], 4)
    wanted = np.random.default_rng(seed).normal(0.5, 1.0, (3, len(features.grams) + 1))
    wanted[:, -1] = 0.0
    v = features(everything)
    best = ((v**2).sum(1)[None] - 2 * wanted @ v.T).min(1)
    found, score = Beam(2, 64)(features.tables(wanted), np.full(3, 1), np.full(3, 4))
    np.testing.assert_allclose(score[:, 0], best, atol=1e-9)
    back = features(np.append(features.alphabet, 0)[found[:, 0]].astype(np.uint8))
    np.testing.assert_allclose((back**2).sum(1) - 2 * (wanted * back).sum(1), best, atol=1e-9)


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
def test_training_words_come_back_from_all_coordinates(kernel):
    data = words_of_the_grammar()
    fitted = Strings(kernel=kernel, r=200).fit(data, Rng(0))
    back = fitted.decode(fitted.encode(data.train[:30]), Rng(0))
    assert to_words(back) == to_words(data.train[:30])


def test_nearly_all_unseen_words_of_the_grammar_come_back_from_the_default_space():
    data = Grammar().make(Rng(11))
    fitted = Strings().fit(data, Rng(0))
    back = fitted.decode(fitted.encode(data.held_out[:50]), Rng(0))
    assert (back == data.held_out[:50]).all(1).mean() >= 0.96


def test_a_beam_ends_nearer_in_h_with_both_aims_than_with_either():
    data = DnaMotifs(n=100).make(Rng(0))
    fitted = Strings().fit(data, Rng(0))
    x = fitted.encode(data.held_out[:20])
    z = fitted.kernel_coordinates(x)
    near = np.argsort(fitted.embedding.distances2(z, fitted.candidates), axis=1)[:, :5]
    wanted = fitted._wanted(z, near)
    assert len(wanted) == 2
    best = [fitted.residual(fitted.decode(x, Rng(0)), x)]
    for one in wanted:
        fitted._wanted = lambda z, near, one=one: [one]
        best.append(fitted.residual(fitted.decode(x, Rng(0)), x))
    assert (best[0] <= np.minimum(best[1], best[2]) + 1e-9).all()
    assert best[0].mean() < 0.9 * best[1].mean()


@pytest.mark.parametrize("features", ["spectrum", "gappy"])
def test_the_decoder_that_knows_the_rule_keeps_it_with_every_kind_of_features(features):
    data = Grammar(language="small", n=60).make(Rng(0))
    fitted = Strings(features=features, longest=2, decoder="grammar").fit(data, Rng(0))
    x = np.random.default_rng(0).normal(size=(25, fitted.dim))
    assert fitted.valid(fitted.decode(x, Rng(0))).all()
    assert fitted.valid(fitted.decode(x, Rng(0), start=np.roll(data.train[:25], 1, axis=1))).all()


def test_without_a_rule_the_decoder_that_needs_one_is_neither_listed_nor_taken():
    data = of(["ab", "ba", "bb"])
    assert Strings().fit(data, Rng(0)).decoders == ("beam", "search", "nearest")
    assert "grammar" in Strings().fit(words_of_the_grammar(), Rng(0)).decoders
    with pytest.raises(PartError, match="choose decoder 'beam'"):
        Strings(decoder="grammar").fit(data, Rng(0))
    with pytest.raises(PartError, match="choose decoder 'beam'"):
        Strings().fit(data, Rng(0)).with_decoder("grammar")


def test_strings_that_share_little_come_out_short_which_is_said_and_shares_of_substrings_keep_their_length():
    data = CityNames().make(Rng(7))
    spaces = {n: Strings(normalised=n).fit(data, Rng(0)) for n in (False, True)}
    assert ["normalised" in " ".join(s.advice) for s in spaces.values()] == [True, False]
    assert Strings().fit(words_of_the_grammar(), Rng(0)).advice == ()
    middle = {n: s.encode(data.train[:40]) / 2 + s.encode(data.train[40:80]) / 2 for n, s in spaces.items()}
    mean = {n: lengths(s.decode(middle[n], Rng(0))).mean() for n, s in spaces.items()}
    usual = lengths(data.train).mean()
    assert abs(mean[True] - usual) < 0.5 * abs(mean[False] - usual)


def test_names_are_judged_by_the_list_that_no_decoder_sees():
    words = ["abab", "abba", "baab"]
    taught, judge = ([f"^{w}$"[i : i + 3] for w in some for i in range(len(w))] for some in (words, [*words, "aabb"]))
    fitted = Strings(r=2, longest=2).fit(of(words, trigrams=taught, judge=judge), Rng(0))
    assert fitted.valid(to_codes(["aabb"])).all()
    assert not fitted.automaton(to_codes(["aabb"])).any()


def test_nearly_all_unseen_words_come_back_from_all_coordinates():
    data = Grammar(n=300).make(Rng(1))
    fitted = Strings(kernel="linear", r=200).fit(data, Rng(0))
    back = fitted.decode(fitted.encode(data.held_out[:40]), Rng(0))
    assert (back == data.held_out[:40]).all(1).mean() >= 0.97


@pytest.mark.parametrize("decoder", ["beam", "grammar", "search"])
def test_no_decoder_does_worse_than_the_nearest_training_string_or_the_start(decoder):
    fitted = Strings(decoder=decoder).fit(words_of_the_grammar(), Rng(0))
    x = np.random.default_rng(0).normal(size=(8, fitted.dim))
    near = fitted.residual(fitted.with_decoder("nearest").decode(x, Rng(0)), x)
    begin = words_of_the_grammar().held_out[:8]
    assert (fitted.residual(fitted.decode(x, Rng(0)), x) <= near + 1e-9).all()
    assert (fitted.residual(fitted.decode(x, Rng(0), start=begin), x) <= fitted.residual(begin, x) + 1e-9).all()


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
def test_the_beam_that_knows_the_rule_makes_valid_words_only(kernel):
    for data in (words_of_the_grammar(), DnaMotifs(n=60).make(Rng(0))):
        fitted = Strings(kernel=kernel, decoder="grammar").fit(data, Rng(0))
        x = 2 * np.random.default_rng(0).normal(size=(15, fitted.dim))
        assert fitted.valid(fitted.decode(x, Rng(0))).all()
        assert fitted.valid(fitted.decode(x, Rng(0), start=np.roll(data.train[:15], 1, axis=1))).all()


def test_the_energy_of_the_search_is_the_residual():
    for space in (Strings(), Strings(kernel="linear"), Strings(features="gappy", longest=2), Strings(normalised=True)):
        fitted = space.fit(words_of_the_grammar(), Rng(0))
        x = np.random.default_rng(1).normal(size=(5, fitted.dim))
        some = words_of_the_grammar().held_out[:5]
        values = fitted.energy(fitted.kernel_coordinates(x))(some, np.arange(5))
        np.testing.assert_allclose(values, fitted.residual(some, x), atol=1e-9)


@settings(max_examples=15)
@given(members(Strings, search_steps=st.integers(1, 4), beam=st.integers(1, 8), longest=st.integers(1, 3)), st.integers(0, 99))
def test_whatever_the_knobs_decoded_strings_are_of_the_alphabet_and_length(space, seed):
    data = DnaMotifs(n=25).make(Rng(seed))
    fitted = space.fit(data, Rng(seed))
    x = 2 * np.random.default_rng(seed).normal(size=(4, fitted.dim))
    found = fitted.decode(x, Rng(seed))
    assert found.shape == (4, data.train.shape[1])
    assert set("".join(to_words(found))) <= set("ACGT")
    assert (lengths(found) >= lengths(data.train).min()).all()
    assert (found[np.arange(found.shape[1]) >= lengths(found)[:, None]] == 0).all()
    assert fitted.decode(x, Rng(seed)).tobytes() == found.tobytes()


@given(st.lists(st.text("abc", max_size=5), min_size=1, max_size=8), st.integers(0, 99))
def test_an_edit_changes_one_letter_or_exchanges_two(some, seed):
    codes = to_codes(some, 5)
    after = to_words(edited(codes, np.frombuffer(b"abc", np.uint8), (0, 5), np.random.default_rng(seed)))
    for s, t in zip(some, after, strict=True):
        near = {s, *(s[:i] + s[i + 1 :] for i in range(len(s)))}
        near |= {s[:i] + c + s[i:] for i in range(len(s) + 1) for c in "abc"}
        near |= {s[:i] + c + s[i + 1 :] for i in range(len(s)) for c in "abc"}
        near |= {s[:i] + s[i + 1] + s[i] + s[i + 2 :] for i in range(len(s) - 1)}
        assert t in near
        assert len(t) <= 5


def test_the_search_spells_a_word_from_another():
    wanted = to_codes(["banana"], 8)
    features = Spectrum.fit(to_codes(["banana", "nab"], 8), 2)
    energy = lambda codes, row: ((features(codes) - features(wanted)) ** 2).sum(1)
    found = search(energy, to_codes(["nab"], 8), features.alphabet, (1, 8), 200, 8, np.random.default_rng(0))
    assert energy(found, np.zeros(1, int))[0] < energy(to_codes(["nab"], 8), np.zeros(1, int))[0]


def test_a_beam_with_a_rule_finds_the_nearest_word_of_the_rule():
    features = Spectrum.fit(to_codes(["ab", "aabb"]), 2)
    rule = Automaton.of_pattern("a{1,3}b", "ab")
    wanted = features.tables(features(to_codes(["aabb"])))
    found, score = Beam(2, 8, 2, rule)(wanted, np.array([1]), np.array([4]))
    first, second = (bytes(features.alphabet[w[w >= 0]]).decode() for w in found[0])
    assert first == "aab"
    assert second in ("ab", "aaab")  # both as near
    assert Beam(2, 8, 1, rule)(wanted, np.array([5]), np.array([6]))[1][0, 0] > 1e17
    assert score[0, 0] <= score[0, 1]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (to_codes(["ab"]), "at least two"),
        (to_codes(["ab", "ab", "ab"]), "at least two different"),
        (to_codes(["", ""], 3), "all empty"),
        (np.zeros((3, 0), np.uint8), "all empty"),
        (np.array([[97, 200], [98, 0]], np.uint8), "ASCII"),
        (to_codes(["a" * 201, "b"]), "201 letters"),
        (np.zeros((3, 4)), "uint8"),
        (np.zeros((3, 4, 2), np.uint8), "ASCII codes"),
    ],
)
@pytest.mark.parametrize("features", ["spectrum", "gappy"])
def test_strings_that_cannot_be_embedded_are_refused_with_a_reason(codes, words, features):
    with pytest.raises(PartError, match=words):
        Strings(features=features, longest=2).fit(Dataset("made", "strings", codes, codes), Rng(0))


def test_empty_strings_duplicates_and_two_strings_are_enough():
    fitted = Strings(r=5).fit(of(["", "ab", "ab", "b"]), Rng(0))
    assert to_words(fitted.decode(fitted.encode(fitted.training), Rng(0))) == ["", "ab", "ab", "b"]
    assert fitted.valid(to_codes(["ba", "", "c"], 2)).tolist() == [True, True, False]


def test_large_alphabets_count_shorter_pieces_and_many_letters_are_told_apart():
    printable = "".join(map(chr, range(33, 127)))
    some = of([printable[i : i + 8] for i in range(0, 86, 2)])
    fitted = Strings(longest=4, r=200).fit(some, Rng(0))
    assert fitted.features.longest == 2
    assert to_words(fitted.decode(fitted.encode(some.train), Rng(0))) == to_words(some.train)

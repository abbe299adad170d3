"""The sources of strings: how many words there are, that every string obeys its rule, where the names come from."""

import json
import re
from itertools import product

import numpy as np
import pytest

from rkdiff.core.parts import make
from rkdiff.core.rng import Rng
from rkdiff.data.city_names import CityNames, cities
from rkdiff.data.dna_motifs import PATTERN, DnaMotifs
from rkdiff.data.grammar import LANGUAGES, Grammar
from rkdiff.kernels._strings_automaton import Automaton
from rkdiff.kernels.strings import lengths, to_words


def test_the_large_language_has_more_than_ten_thousand_words():
    pattern, letters, longest = LANGUAGES["large"]
    automaton = Automaton.of_pattern(pattern, letters)
    slots = (range(2, 5), range(1, 4), range(2), range(3), range(4), range(1, 4), range(2), range(3), range(3))
    assert automaton.count(longest) == automaton.count(100) == len(list(product(*slots))) == 11664
    assert automaton.count(longest - 1) < 11664


def test_the_small_language_and_the_roman_numerals_can_be_listed():
    pattern, letters, longest = LANGUAGES["small"]
    assert Automaton.of_pattern(pattern, letters).count(longest) == 216
    pattern, letters, longest = LANGUAGES["roman numerals"]
    assert Automaton.of_pattern(pattern, letters).count(longest) == 9000
    assert re.fullmatch(pattern, "MMXXVI")
    assert not re.fullmatch(pattern, "MIIII")


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_the_grammar_match_its_pattern(language):
    data = Grammar(language=language, n=60).make(Rng(0))
    fresh = Grammar(language=language).fresh(20, Rng(1))
    for w in to_words(np.concatenate([data.train, data.held_out, fresh.train, fresh.held_out])):
        assert re.fullmatch(data.meta["pattern"], w)
    assert data.train.shape == (60, LANGUAGES[language][2])


def test_dna_carries_a_box_with_at_most_one_change_and_ends_in_ggc():
    data = DnaMotifs(n=300).make(Rng(0))
    strings = to_words(np.concatenate([data.train, data.held_out]))
    miss = lambda s, i: sum(a != b for a, b in zip(s[i : i + 6], "TATAAT", strict=True))
    for s in strings:
        assert re.fullmatch(PATTERN, s)
        assert s.endswith("GGC")
        assert min(miss(s, i) for i in range(len(s) - 5)) <= 1
    assert not re.fullmatch(PATTERN, "ACTATAATACGGT")
    assert not re.fullmatch(PATTERN, "ACTTTACTACGGC")


def test_mutations_are_as_frequent_as_asked():
    whole = ["TATAAT" in s for s in to_words(DnaMotifs(n=2000, mutation=0.1).make(Rng(0)).train)]
    none, one = 0.9**6, 6 * 0.1 * 0.9**5
    assert abs(np.mean(whole) - none / (none + one)) < 0.04
    assert all("TATAAT" in s for s in to_words(DnaMotifs(n=50, mutation=0.0).make(Rng(0)).train))


def test_cities_are_plain_words_and_all_of_them_are_used_once():
    names = cities()
    assert len(names) > 400
    assert {"berlin", "tokyo", "newyork", "nairobi"} <= set(names)
    assert all(re.fullmatch("[a-z]+", n) for n in names)
    data = CityNames().make(Rng(0))
    assert sorted(to_words(np.concatenate([data.train, data.held_out]))) == names


def test_decoders_know_the_neighbours_of_training_names_alone_and_the_judge_those_of_all():
    data = CityNames().make(Rng(0))
    taught, judge = (Automaton.of_neighbours(data.meta[k]) for k in ("trigrams", "judge"))
    assert taught(data.train).all()
    assert taught(data.held_out).mean() < 0.3
    assert judge(np.concatenate([data.train, data.held_out])).all()
    assert set(data.meta["trigrams"]) == {f"^{w}$"[i : i + 3] for w in to_words(data.train) for i in range(len(w))}


@pytest.mark.parametrize("name", ["grammar", "dna_motifs", "city_names"])
def test_strings_are_padded_codes_and_their_rule_is_plain_text(name):
    data = make("data", name).make(Rng(3))
    assert data.train.dtype == np.uint8
    assert (data.train[np.arange(data.train.shape[1]) >= lengths(data.train)[:, None]] == 0).all()
    assert json.loads(json.dumps(dict(data.meta))) == data.meta
    assert isinstance(data.meta["rule"], str)
    assert set("".join(to_words(data.train))) <= set(data.meta["alphabet"])

"""String kernels: known values, brute force over all substrings and subsequences, counts that lead back to the string."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.kernels._strings_euler import from_counts
from rkdiff.kernels.strings import Gappy, Spectrum, lengths, spectrum_kernel, subsequence_kernel, to_codes, to_words

words = st.text("abc", max_size=7)
sets = st.lists(words, min_size=2, max_size=6).filter(any)


def subsequences(s, p, decay):
    """Every choice of p places, weighted by the stretch they cover."""
    out = Counter()
    for places in combinations(range(len(s)), p):
        out["".join(s[i] for i in places)] += decay ** (places[-1] - places[0] + 1)
    return out


def dot(a, b):
    return sum(a[u] * b[u] for u in a)


def test_published_values_of_the_spectrum_kernel():
    assert spectrum_kernel("statistics", "computation", 3) == 2
    assert spectrum_kernel("abab", "baba", 2) == 4


def test_published_values_of_the_subsequence_kernel():
    for decay in (0.3, 0.5, 0.8, 1.0):
        assert np.isclose(subsequence_kernel("cat", "car", 2, decay), decay**4)
        assert np.isclose(subsequence_kernel("cat", "cat", 2, decay), 2 * decay**4 + decay**6)
        assert np.isclose(subsequence_kernel("cat", "car", 2, decay, normalised=True), 1 / (2 + decay**2))
    assert subsequence_kernel("gattaca", "tacgata", 3, 0.5) == 0.09716796875
    assert subsequence_kernel("ab", "cd", 1, 0.5, normalised=True) == 0.0


@given(words, words, st.integers(1, 4), st.sampled_from([0.4, 0.7, 1.0]))
def test_the_recursion_equals_the_sum_over_all_subsequences(s, t, p, decay):
    want = dot(subsequences(s, p, decay), subsequences(t, p, decay))
    assert np.isclose(subsequence_kernel(s, t, p, decay), want, atol=1e-12)


@given(sets, st.integers(1, 3), st.sampled_from([0.4, 1.0]))
def test_inner_products_of_gappy_vectors_are_sums_of_subsequence_kernels(some, p, decay):
    codes = to_codes(some, 1)
    v = Gappy.fit(codes, p, decay)(codes)
    want = [[sum(subsequence_kernel(s, t, q, decay) for q in range(1, p + 1)) for t in some] for s in some]
    np.testing.assert_allclose(v @ v.T, want, atol=1e-12)


@given(sets, sets, st.integers(1, 4))
def test_spectrum_vectors_count_marked_substrings_and_keep_norms_of_unknown_ones(train, new, p):
    features = Spectrum.fit(to_codes(train, 1), p)
    grams = lambda w: Counter(f"^{w}$"[i : i + q] for q in range(1, p + 1) for i in range(len(w) + 3 - q)) - Counter("^$")
    a, b = features(to_codes(train, 1)), features(to_codes(new, 1))
    np.testing.assert_array_equal(a @ b.T, [[dot(grams(s), grams(t)) for t in new] for s in train])
    np.testing.assert_allclose((b**2).sum(1), [dot(grams(t), grams(t)) for t in new])
    assert (a[:, -1] == 0).all()


@given(sets, st.integers(1, 3))
def test_gram_matrices_are_positive_semi_definite(some, p):
    codes = to_codes(some, 1)
    for features in (Spectrum.fit(codes, p), Gappy.fit(codes, p, 0.6)):
        v = features(codes)
        assert np.linalg.eigvalsh(v @ v.T).min() > -1e-8
    k = np.array([[subsequence_kernel(s, t, p, 0.6) for t in some] for s in some])
    assert np.linalg.eigvalsh(k).min() > -1e-8


@given(sets, st.integers(1, 3))
def test_tables_hold_the_counts_at_their_letters(some, p):
    codes = to_codes(some, 1)
    f = Spectrum.fit(codes, p)
    tables = f.tables(f(codes))
    symbols = [*bytes(f.alphabet).decode(), "^", "$"]
    for q, table in enumerate(tables, start=1):
        for place in product(range(len(symbols)), repeat=q):
            gram = "".join(symbols[i] for i in place)
            want = [0 if gram in ("^", "$") else sum(f"^{w}$"[i : i + q] == gram for i in range(len(w) + 3 - q)) for w in some]
            np.testing.assert_array_equal(table[(slice(None), *place)], want)


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9), max_size=5))
def test_words_and_codes_are_the_same_thing(some):
    codes = to_codes(some)
    assert codes.dtype == np.uint8
    assert to_words(codes) == some
    assert lengths(codes).tolist() == [len(w) for w in some]


@given(words, st.integers(2, 4))
def test_a_walk_over_the_counts_leads_to_a_string_with_the_same_counts(s, p):
    counts = Counter(s[i : i + p] for i in range(len(s) - p + 1))
    back = from_counts(counts)
    assert back is not None
    assert Counter(back[i : i + p] for i in range(len(back) - p + 1)) == counts


def test_walks_of_well_known_words_and_of_counts_of_no_string():
    for w in ("gattaca", "abab", "mississippi"):
        back = from_counts(Counter(w[i : i + 3] for i in range(len(w) - 2)))
        assert sorted(back) == sorted(w)
    assert from_counts({"ab": 1, "ba": 1}) in ("aba", "bab")
    assert from_counts({"ab": 1, "cd": 1}) is None
    assert from_counts({"ab": 2}) is None
    with pytest.raises(PartError, match="one length"):
        from_counts({"ab": 1, "abc": 1})


def test_characters_outside_ascii_and_vectors_that_are_too_long_are_refused():
    with pytest.raises(PartError, match="ASCII"):
        to_codes(["zürich"])
    with pytest.raises(PartError, match="ASCII"):
        to_codes(["a\0b"])
    with pytest.raises(PartError, match="smaller 'longest'"):
        Gappy.fit(to_codes(["abcdefghijklmnopqrstuvwxyz"]), 3, 0.5)
    with pytest.raises(PartError, match="all empty"):
        Gappy.fit(to_codes(["", ""], 3), 2, 0.5)

"""Automata: they accept what Python's regular expressions accept, count what can be listed, draw every word alike."""

import re
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.kernels._strings_automaton import Automaton
from rkdiff.kernels.strings import to_codes, to_words

ALL = ["".join(w) for n in range(6) for w in product("abc", repeat=n)]
CODES = to_codes(ALL, 5)

atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[bc]"])
quantified = st.builds(lambda a, q: a + q, atoms, st.sampled_from(["", "", "?", "*", "+", "{2}", "{0,2}", "{1,3}"]))
patterns = st.recursive(
    quantified,
    lambda inner: st.one_of(
        st.builds("".join, st.lists(inner, max_size=3)),
        st.builds(lambda a, b, q: f"({a}|{b}){q}", inner, inner, st.sampled_from(["", "?", "*", "{1,2}"])),
    ),
    max_leaves=6,
)


@given(patterns)
def test_an_automaton_accepts_what_the_regular_expression_accepts(pattern):
    automaton = Automaton.of_pattern(pattern, "abc")
    want = [re.fullmatch(pattern, w) is not None for w in ALL]
    assert automaton(CODES).tolist() == want
    assert automaton.count(5) == sum(want)


@given(patterns, st.integers(0, 100))
def test_drawn_words_are_accepted_and_as_short_as_asked(pattern, seed):
    automaton = Automaton.of_pattern(pattern, "abc")
    if automaton.count(5):
        drawn = automaton.draw(8, 5, np.random.default_rng(seed))
        assert automaton(drawn).all()
        assert drawn.shape == (8, 5)


def test_every_word_is_drawn_with_the_same_chance():
    automaton = Automaton.of_pattern("a{1,2}(b|cb?)c*", "abc")
    drawn = Counter(to_words(automaton.draw(6000, 4, np.random.default_rng(0))))
    there = automaton.count(4)
    assert len(drawn) == there
    expected = 6000 / there
    assert sum((n - expected) ** 2 / expected for n in drawn.values()) < 2 * there + 20


def test_the_fewest_letters_to_the_end():
    automaton = Automaton.of_pattern("ab{2,4}c", "abc")
    assert automaton.remaining[0] == 4
    assert automaton.remaining.max() < 10


def test_neighbours_make_a_rule():
    grams = {f"^{w}$"[i : i + 3] for w in ("abc", "ca", "b") for i in range(len(w))}
    automaton = Automaton.of_neighbours(grams)
    want = [bool(w) and all(f"^{w}$"[i : i + 3] in grams for i in range(len(w))) for w in ALL]
    assert automaton(CODES).tolist() == want


@given(patterns)
def test_over_fewer_letters_the_rule_is_the_same_and_over_more_they_are_forbidden(pattern):
    automaton = Automaton.of_pattern(pattern, "abc")
    few = automaton.over(np.frombuffer(b"ac", np.uint8))
    assert few(CODES).tolist() == [a and "b" not in w for a, w in zip(automaton(CODES), ALL, strict=True)]
    more = automaton.over(np.frombuffer(b"abcd", np.uint8))
    assert (more(CODES) == automaton(CODES)).all()
    assert not more(to_codes(["d", "ad"])).any()


@pytest.mark.parametrize("pattern", ["a(", "a)", "a{3,2}", "*", "a[", "a**", "[^a]", "a{2", "é", "a{0}"])
def test_what_cannot_be_read_is_refused_with_the_place(pattern):
    with pytest.raises(PartError, match="cannot be read at"):
        Automaton.of_pattern(pattern, "abc")

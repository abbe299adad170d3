"""Deterministic automata: which strings a rule accepts, how many there are, and which letters may follow a beginning.

A regular expression becomes an automaton by its positions (`_strings_pattern`) and the construction of subsets: after a beginning, the set
of positions where it may stand is one state (Rabin and Scott 1959, "Finite automata and their decision problems"). Rules over neighbouring
letters ("every three letters in a row are known") are automata too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8

from rkdiff.kernels._strings_pattern import read

_FAR = 10**6


@dataclass(frozen=True)
class Automaton:
    """States 0, 1, ... with one step a letter; 0 is the start.

    Attributes:
        alphabet: codes of the letters, in order.
        step: (states, letters) the next state, -1 where the letter is forbidden.
        accepts: which states end a word.
    """

    alphabet: UInt8[np.ndarray, " k"]
    step: Int[np.ndarray, "q k"]
    accepts: Bool[np.ndarray, " q"]

    @staticmethod
    def of_pattern(pattern: str, alphabet: str) -> Automaton:
        """The automaton of a regular expression over an alphabet.

        Raises:
            PartError: the pattern uses something else.
        """
        positions, nullable, first, last, follow = read(pattern, alphabet)
        ends = frozenset(last)
        states: dict[frozenset[int], int] = {frozenset([-1]): 0}
        step, accepts, todo = [], [], [frozenset([-1])]
        while todo:
            state = todo.pop(0)
            after = set().union(*(first if i < 0 else follow[i] for i in state))
            row = []
            for letter in alphabet:
                to = frozenset(i for i in after if letter in positions[i])
                if to and to not in states:
                    states[to] = len(states)
                    todo.append(to)
                row.append(states[to] if to else -1)
            step.append(row)
            accepts.append(bool(state & ends) or (nullable and -1 in state))
        codes = np.frombuffer(alphabet.encode("ascii"), np.uint8)
        order = np.argsort(codes)
        return Automaton(codes[order], np.array(step).reshape(len(step), len(codes))[:, order], np.array(accepts))

    @staticmethod
    def of_neighbours(grams: Iterable[str]) -> Automaton:
        """Words whose every three neighbours are in the list; "^" stands for the begin and "$" for the end."""
        known = set(grams)
        letters = "".join(sorted({c for g in known for c in g} - {"^", "$"}))
        states = {"^": 0}
        for g in sorted(known):
            for pair in (g[:2], g[1:]):
                if "$" not in pair:
                    states.setdefault(pair, len(states))
        step = np.full((len(states), len(letters)), -1)
        for pair, i in states.items():
            for j, letter in enumerate(letters):
                if pair == "^" or pair + letter in known:
                    step[i, j] = states.get(pair[-1] + letter, -1)
        accepts = np.array([pair + "$" in known for pair in states])
        return Automaton(np.frombuffer(letters.encode("ascii"), np.uint8), step, accepts)

    def __call__(self, codes: UInt8[np.ndarray, "n L"]) -> Bool[np.ndarray, " n"]:
        """Which strings are accepted."""
        state, open_ = np.zeros(len(codes), int), np.ones(len(codes), bool)
        place = np.full(256, -1)
        place[self.alphabet] = np.arange(len(self.alphabet))
        for column in codes.T:
            open_ &= column != 0
            letter = place[column]
            to = np.where(letter >= 0, self.step[state, letter], -1)
            state = np.where(open_ & (state >= 0), to, state)
        return (state >= 0) & self.accepts[state]

    def over(self, alphabet: UInt8[np.ndarray, " k"]) -> Automaton:
        """The same rule with the letters of another alphabet: those it does not know are forbidden, those left out cannot be used."""
        step = np.full((len(self.step), len(alphabet)), -1)
        for j, letter in enumerate(alphabet):
            for i in np.flatnonzero(self.alphabet == letter):
                step[:, j] = self.step[:, i]
        return Automaton(alphabet, step, self.accepts)

    def draw(self, n: int, longest: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n L"]:
        """Words of at most `longest` letters, every word with the same chance: letters weighted by the number of words they lead to."""
        ways = [self.accepts.astype(float)]  # ways[m][q]: words of at most m letters from q on
        for _ in range(longest):
            ways.append(self.accepts + np.where(self.step >= 0, ways[-1][self.step], 0.0).sum(1))
        out, state, done = np.zeros((n, longest), np.uint8), np.zeros(n, int), np.zeros(n, bool)
        for t in range(longest):
            to = self.step[state]
            each = np.column_stack([np.where(to >= 0, ways[longest - t - 1][to], 0.0), self.accepts[state]]).cumsum(1)
            letter = (each <= (rng.random(n) * each[:, -1])[:, None]).sum(1)
            done |= letter == len(self.alphabet)
            out[:, t] = np.where(done, 0, np.append(self.alphabet, 0)[letter])
            state = np.where(done, state, to[np.arange(n), np.minimum(letter, len(self.alphabet) - 1)])
        return out

    def count(self, longest: int) -> int:
        """How many words of at most `longest` letters are accepted, exactly."""
        ways = [int(i == 0) for i in range(len(self.step))]
        total = 0
        for _ in range(longest + 1):
            total += sum(w for w, a in zip(ways, self.accepts, strict=True) if a)
            new = [0] * len(ways)
            for i, j in zip(*np.nonzero(self.step >= 0), strict=True):
                new[self.step[i, j]] += ways[i]
            ways = new
        return total

    @property
    def remaining(self) -> Int[np.ndarray, " q"]:
        """The fewest letters from each state to the end of a word."""
        out = np.where(self.accepts, 0, _FAR)
        for _ in range(len(out)):
            best = np.where(self.step >= 0, out[self.step], _FAR).min(1, initial=_FAR) + 1
            out = np.minimum(out, best)
        return out

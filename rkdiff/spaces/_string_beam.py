"""Beam search: the string whose counts of substrings come nearest to wanted ones, for many targets at once.

Let c_u be the counts of a beginning and g_u the wanted ones. Appending a letter makes one more substring u of each length p, and changes
||c - g||^2 by exactly d = 2 (c_u - g_u) + 1, with c_u the count before. Beginnings are compared by what their ends will cost at least:

    sum of the positive d so far  -  sum of the negative d still to be had, but out of reach

A substring is within reach while it can be come to from the last letter along pairs of letters of which more are wanted than used: the
walk along the edges of a multigraph, as in Euler's problem of the bridges. A beginning that leaves a pair behind for good is thus known
at once, where the plain sum of d finds out at the end. A small share `GREED` of that plain sum breaks ties. Every length inside the
window may close with the end marker, where the two sums agree; the best closed strings win. An automaton, where one is given, forbids
letters after which no accepted word of the window can follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from rkdiff.kernels._strings_automaton import Automaton

_NEVER = 1e18
#: Share of the plain change of ||c - g||^2 in the comparison; beginnings looked at closely for each one kept.
GREED, CLOSELY = 0.2, 3

Tables = list[Float[np.ndarray, "n ..."]]


@dataclass(frozen=True)
class _Front:
    """The beginnings of all targets: letters, sums of positive and of all d, what is still to be had at each letter, pairs still wanted."""

    history: Int[np.ndarray, "n w t"]
    over: Float[np.ndarray, "n w"]
    score: Float[np.ndarray, "n w"]
    single: Float[np.ndarray, "n w s"]
    longer: Float[np.ndarray, "n w s"]
    edges: UInt64[np.ndarray, "n w s"]
    state: Int[np.ndarray, "n w"]


@dataclass(frozen=True)
class Beam:
    """How to search.

    Attributes:
        letters: k, the number of letters; in the tables k stands for begin and k + 1 for end.
        width: beginnings kept for each target.
        keep: closed strings handed out for each target.
        automaton: over the same letters, or None.
    """

    letters: int
    width: int = 20
    keep: int = 4
    automaton: Automaton | None = None

    def __call__(
        self, wanted: Tables, low: Int[np.ndarray, " n"], high: Int[np.ndarray, " n"]
    ) -> tuple[Int[np.ndarray, "n m l"], Float[np.ndarray, "n m"]]:
        """Strings as rows of letters (-1 after the end) and their ||c||^2 - 2 <c, g>, rising; 1e18 where fewer strings were found.

        Args:
            wanted: the table of wanted counts for each p = 1, 2, ... (`rkdiff.kernels.strings.Spectrum.tables`).
            low: fewest letters for each target.
            high: most letters for each target.
        """
        n, k, longest = len(low), self.letters, int(high.max(initial=0))
        front = self._start(wanted)
        found = np.full((n, self.keep, longest), -1)
        best = np.full((n, self.keep), _NEVER)
        for t in range(longest + 1):
            changes = _changes(wanted, front.history, k)
            close = front.score + sum(c[:, :, k + 1] for c in changes[1:])
            close = np.where(((low <= t) & (t <= high))[:, None] & (front.score < _NEVER), close, _NEVER)
            if self.automaton is not None:
                close = np.where(self.automaton.accepts[front.state], close, _NEVER)
            ended = np.full((*close.shape, longest), -1)
            ended[:, :, :t] = front.history[:, :, 1:]
            best, order = _lowest(np.concatenate([best, close], axis=1), self.keep)
            found = np.take_along_axis(np.concatenate([found, ended], axis=1), order[:, :, None], axis=1)
            if t < longest:
                front = self._grow(wanted, front, changes, high - t - 1)
        return found, best

    def _start(self, wanted: Tables) -> _Front:
        """Nothing but the begin marker; what is to be had is the sum of all negative changes of a count, from 0 up to the wanted one."""
        n, symbols = len(wanted[0]), self.letters + 2
        had = np.zeros((2, n * symbols))
        for p, table in enumerate(wanted, start=1):
            place = np.nonzero(table > 0.5)
            g = table[place]
            at = place[0] * symbols + place[max(p - 1, 1)]
            had[min(p, 2) - 1] += np.bincount(at, np.rint(g) * (2 * g - np.rint(g)), minlength=n * symbols)
        single, longer = had.reshape(2, n, 1, symbols)
        edges = np.zeros((n, 1, symbols), np.uint64)
        if len(wanted) > 1:
            edges[:, 0] = np.bitwise_or.reduce(np.where(wanted[1] > 0.5, _bits(symbols), 0), axis=2, dtype=np.uint64)
        zero = np.zeros((n, 1))
        return _Front(np.full((n, 1, 1), self.letters), zero, zero, single, longer, edges, zero.astype(int))

    def _grow(self, wanted: Tables, f: _Front, changes: list[np.ndarray], left: Int[np.ndarray, " n"]) -> _Front:
        """One letter more: the `width` best of those that look best at first sight."""
        n, k = len(left), self.letters
        change = sum(c[:, :, :k] for c in changes)
        over = f.over[:, :, None] + sum(np.maximum(c[:, :, :k], 0.0) for c in changes)
        score = f.score[:, :, None] + change
        sight = over + GREED * score
        if self.automaton is not None:
            sight = np.where(self._hopeless(f.state, left), _NEVER, sight)
        sight, pick = _lowest(sight.reshape(n, -1), CLOSELY * self.width)
        parent, letter = pick // k, pick % k
        row = np.arange(n)[:, None]
        last = f.history[row, parent, -1]
        take = lambda a: a[row, parent]
        single, longer, edges = take(f.single), take(f.longer), take(f.edges)
        at = (row, np.arange(pick.shape[1])[None])
        single[(*at, letter)] += np.minimum(changes[0][row, parent, letter], 0.0)
        for c in changes[1:]:
            longer[(*at, last)] += np.minimum(c[row, parent, letter], 0.0)
        new_over, new_score = over[row, parent, letter], score[row, parent, letter]
        rank = new_over + GREED * new_score
        if len(wanted) > 1:
            spent = changes[1][row, parent, letter] >= -2  # this pair is not wanted once more
            edges[(*at, last)] &= ~np.where(spent, _bits(k + 2)[letter], np.uint64(0))
            ahead = _ahead(edges, letter)
            rank = rank + np.where(ahead, 0.0, single).sum(2)
            ahead[(*at, letter)] = True
            rank = rank + np.where(ahead, 0.0, longer).sum(2)
        rank, keep = _lowest(np.where(sight < _NEVER, rank, _NEVER), self.width)
        held = (row, keep)
        history = np.concatenate([f.history[row, parent[held]], letter[held][:, :, None]], axis=2)
        state = f.state[row, parent[held]]
        if self.automaton is not None:
            state = np.maximum(self.automaton.step[state, letter[held]], 0)
        score = np.where(rank < _NEVER, new_score[held], _NEVER)
        return _Front(history, new_over[held], score, single[held], longer[held], edges[held], state)

    def _hopeless(self, state: Int[np.ndarray, "n w"], left: Int[np.ndarray, " n"]) -> Bool[np.ndarray, "n w k"]:
        """Letters that are forbidden, or after which no word can end within the letters left."""
        assert self.automaton is not None
        to = self.automaton.step[state]
        return (to < 0) | (self.automaton.remaining[to] > left[:, None, None])


def _changes(wanted: Tables, history: Int[np.ndarray, "n w t"], k: int) -> list[Float[np.ndarray, "n w s"]]:
    """For each p, what each next symbol adds to ||c||^2 - 2 <c, g>: 2 (c_u - g_u) + 1 for the substring u that it completes."""
    n, w, size = history.shape
    out = []
    row = np.arange(n)[:, None]
    cell = (np.arange(n * w) * (k + 2)).reshape(n, w, 1)
    for p, table in enumerate(wanted, start=1):
        if size < p - 1:
            out.append(np.zeros((n, w, k + 2)))
            continue
        context = tuple(history[:, :, size - p + 1 + i] for i in range(p - 1))
        after = history[:, :, p - 1 :]
        same = np.ones(after.shape, bool)
        for i, c in enumerate(context):
            same &= history[:, :, i : i + after.shape[2]] == c[:, :, None]
        before = np.bincount((cell + after)[same], minlength=n * w * (k + 2)).reshape(n, w, k + 2)
        out.append(2 * (before - table[(row, *context)]) + 1)
    return out


def _bits(symbols: int) -> UInt64[np.ndarray, " s"]:
    """One bit for each symbol (from the 65th on they share: then more seems within reach than is, which does no harm)."""
    return np.uint64(1) << (np.arange(symbols, dtype=np.uint64) % np.uint64(64))


def _ahead(edges: UInt64[np.ndarray, "n w s"], letter: Int[np.ndarray, "n w"]) -> Bool[np.ndarray, "n w s"]:
    """The symbols that can be come to from a letter along edges (the bits of the symbols after each), in one step or more."""
    bits = _bits(edges.shape[2])
    reach = np.take_along_axis(edges, letter[:, :, None], axis=2)[:, :, 0]
    while True:
        more = reach | np.bitwise_or.reduce(np.where((reach[:, :, None] & bits) > 0, edges, np.uint64(0)), axis=2)
        if (more == reach).all():
            return (reach[:, :, None] & bits) > 0
        reach = more


def _lowest(values: Float[np.ndarray, "n m"], keep: int) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """The lowest values of each row, rising, and where they are."""
    if values.shape[1] > keep:
        part = np.argpartition(values, keep - 1, axis=1)[:, :keep]
    else:
        part = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    mine = np.take_along_axis(values, part, axis=1)
    order = np.argsort(mine, axis=1, kind="stable")
    return np.take_along_axis(mine, order, axis=1), np.take_along_axis(part, order, axis=1)

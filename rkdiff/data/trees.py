"""Random trees: every labelled tree of a size is equally likely.

A tree on n labelled nodes is a Prüfer sequence of n - 2 node names and the other way round (Prüfer 1918), so uniform names make uniform
trees. Decoding: again and again the smallest leaf is linked to the next name and leaves. A tree is the hardest simple rule for a search
over edges: one edge too few or too many breaks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from rkdiff.core.parts import knob
from rkdiff.data._graphs import GraphSource, blank, sizes


def from_pruefer(sequence: Int[np.ndarray, "b m"], slots: int) -> UInt8[np.ndarray, "b N N"]:
    """Trees of m + 2 nodes from their sequences of names 0..m+1, in the first slots."""
    b, n = len(sequence), sequence.shape[1] + 2
    out, row = blank(b, n, slots), np.arange(b)
    left = np.ones((b, n), dtype=int)
    np.add.at(left, (np.repeat(row, n - 2), sequence.ravel()), 1)
    for name in sequence.T:
        leaf = (left == 1).argmax(1)
        out[row, leaf, name] = out[row, name, leaf] = 1
        left[row, leaf] = 0
        left[row, name] -= 1
    u = (left == 1).argmax(1)
    left[row, u] = 0
    v = (left == 1).argmax(1)
    out[row, u, v] = out[row, v, u] = 1
    return out


@dataclass(frozen=True)
class Trees(GraphSource):
    """Random trees: connected networks without a single loop."""

    label: ClassVar[str] = "Random trees"
    attribution: ClassVar[str] = "uniform random labelled trees after Prüfer 1918"
    rule: ClassVar[str] = "tree"

    n: int = knob(160, 4, 2000, log=True, label="Training objects", help="how many training graphs")
    min_nodes: int = knob(8, 4, 30, help="fewest nodes in a tree")
    max_nodes: int = knob(16, 4, 30, help="most nodes in a tree")

    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        size, slots = sizes(self.min_nodes, self.max_nodes, count, rng), max(self.min_nodes, self.max_nodes)
        out = np.zeros((count, slots, slots), dtype=np.uint8)
        for n in np.unique(size):
            rows = np.flatnonzero(size == n)
            out[rows] = from_pruefer(rng.integers(0, n, (len(rows), n - 2)), slots)
        return out

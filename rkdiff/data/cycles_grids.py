"""Rings and grids: the honest negative control. A generator is expected to fail here, and the figures should say so.

Half of the graphs are rings of n nodes, half are a x b grids, with sizes uniform among those that fit. There is exactly one ring of each
length and one grid of each shape, so nearly every true graph is in the training set already: a generated graph that is new is nearly always
wrong, "novel" means "mistaken", and one flipped edge breaks the rule. Statistics that look good beside a low validity are the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from rkdiff.core.parts import knob
from rkdiff.data._graphs import GraphSource, blank


def ring(n: int, slots: int) -> UInt8[np.ndarray, "N N"]:
    """A ring of n >= 3 nodes in the first slots."""
    out, u = blank(1, n, slots)[0], np.arange(n)
    out[u, (u + 1) % n] = out[(u + 1) % n, u] = 1
    return out


def grid(a: int, b: int, slots: int) -> UInt8[np.ndarray, "N N"]:
    """An a x b grid in the first slots."""
    out, at = blank(1, a * b, slots)[0], np.arange(a * b).reshape(a, b)
    for u, v in ((at[1:].ravel(), at[:-1].ravel()), (at[:, 1:].ravel(), at[:, :-1].ravel())):
        out[u, v] = out[v, u] = 1
    return out


@dataclass(frozen=True)
class CyclesGrids(GraphSource):
    """Rings and grids, rigid shapes that a generator is expected to get wrong: the negative control."""

    label: ClassVar[str] = "Rings and grids"
    attribution: ClassVar[str] = "all rings and all two-dimensional grids of a size"
    rule: ClassVar[str] = "cycle or grid"
    class_names: ClassVar[tuple[str, ...]] = ("ring", "grid")
    remedy: ClassVar[str] = "raise max_nodes or take more graphs"

    n: int = knob(160, 8, 2000, log=True, label="Training objects", help="how many training graphs")
    max_nodes: int = knob(20, 6, 30, help="most nodes in a graph; the fewest are six")

    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        return self.labelled(count, rng)[0]

    def labelled(self, count: int, rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "n N N"], Int[np.ndarray, " n"]]:
        top = self.max_nodes
        rings = np.stack([ring(n, top) for n in range(6, top + 1)])
        grids = np.stack([grid(a, b, top) for a in range(2, top) for b in range(max(a, 3), top // a + 1)])
        family = rng.permutation(np.arange(count) % 2)
        some_ring, some_grid = rings[rng.integers(0, len(rings), count)], grids[rng.integers(0, len(grids), count)]
        return np.where(family[:, None, None] == 0, some_ring, some_grid), family

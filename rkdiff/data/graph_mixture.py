"""A mixture of three kinds of graphs: random trees, two communities, triangulations. Many modes, so a Gaussian falls between them.

Each graph is of one of the three kinds with equal chances and of the sizes that kind has by default. Between the kinds lies nothing: a
generator that only knows mean and covariance invents graphs that are none of the three, which is what this set is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from rkdiff.core.parts import knob
from rkdiff.data._graphs import GraphSource
from rkdiff.data.communities import Communities
from rkdiff.data.planar import Planar
from rkdiff.data.trees import Trees

SLOTS = 20


@dataclass(frozen=True)
class GraphMixture(GraphSource):
    """Three kinds of networks in one set: trees, two communities and triangulations."""

    label: ClassVar[str] = "Three kinds of graphs"
    attribution: ClassVar[str] = "a third each: uniform random trees, two-community graphs, Delaunay triangulations"
    rule: ClassVar[str] = "mixture"
    class_names: ClassVar[tuple[str, ...]] = ("tree", "two communities", "planar")

    n: int = knob(144, 12, 2000, log=True, label="Training objects", help="how many training graphs")

    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        return self.labelled(count, rng)[0]

    def labelled(self, count: int, rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "n N N"], Int[np.ndarray, " n"]]:
        family = rng.permutation(np.arange(count) % len(self.class_names))
        out = np.zeros((count, SLOTS, SLOTS), dtype=np.uint8)
        for i, source in enumerate((Trees(), Communities(), Planar())):
            rows = np.flatnonzero(family == i)
            graphs = source.draw(len(rows), rng)
            out[rows, : graphs.shape[1], : graphs.shape[1]] = graphs
        return out, family

"""Planar graphs: the Delaunay triangulation of random points, as in the planar sets of graph generation papers.

n points uniform in the unit square; two are linked where a circle through both holds no third (Delaunay 1934). The graph is connected, can
be drawn without crossings, and has 3 n - 3 - h edges with h points on the hull, near the most that a planar graph can have, 3 n - 6: almost
any added edge breaks the rule. Martinkus et al. 2022, "SPECTRE", section 5, draw theirs this way with 64 points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.parts import knob
from rkdiff.data._graphs import GraphSource, blank, sizes


@dataclass(frozen=True)
class Planar(GraphSource):
    """Triangulations of random points: networks that can be drawn without crossings."""

    label: ClassVar[str] = "Planar graphs"
    attribution: ClassVar[str] = "Delaunay triangulations of uniform random points"
    rule: ClassVar[str] = "connected planar"

    n: int = knob(160, 4, 2000, log=True, label="Training objects", help="how many training graphs")
    min_nodes: int = knob(10, 4, 30, help="fewest nodes in a graph")
    max_nodes: int = knob(16, 4, 30, help="most nodes in a graph")

    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        from scipy.spatial import Delaunay

        size = sizes(self.min_nodes, self.max_nodes, count, rng)
        out = blank(count, size, max(self.min_nodes, self.max_nodes))
        for graph, n in zip(out, size, strict=True):
            corners = Delaunay(rng.random((int(n), 2))).simplices
            u, v = corners.ravel(), np.roll(corners, 1, axis=1).ravel()
            graph[u, v] = graph[v, u] = 1
        return out

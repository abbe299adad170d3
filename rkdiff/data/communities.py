"""Graphs of two communities, drawn by the protocol of GraphRNN with a fresh seed for every graph.

n nodes, n uniform between the two bounds (in either order), fall into halves of n // 2 and n - n // 2 nodes. Inside a half each pair is
joined with probability `p_intra`; between the halves so that `p_inter` * n edges are expected, and pieces that stay apart are joined by one
edge (You et al. 2018, "GraphRNN: Generating realistic graphs with deep auto-regressive models", section 4.1 and its public generator).

The public file of this benchmark drew every community with the same two seeds: it holds five pairs of communities, half of its test graphs
are copies of training graphs, and copying looks like learning. Here every graph is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.parts import knob
from rkdiff.data._graphs import BATCH, GraphSource
from rkdiff.kernels.graphs import join_pieces


@dataclass(frozen=True)
class Communities(GraphSource):
    """Small networks of two dense groups with a few links between them."""

    label: ClassVar[str] = "Two communities"
    attribution: ClassVar[str] = "two-community graphs after You et al. 2018 (GraphRNN), a fresh seed for every graph"
    rule: ClassVar[str] = "two communities"
    remedy: ClassVar[str] = "widen min_nodes to max_nodes, raise p_inter, lower p_intra or take more graphs"

    n: int = knob(80, 4, 2000, log=True, label="Training objects", help="how many training graphs")
    min_nodes: int = knob(12, 4, 30, help="fewest nodes in a graph")
    max_nodes: int = knob(20, 4, 30, help="most nodes in a graph")
    p_intra: float = knob(0.7, 0.3, 1.0, advanced=True, help="chance that two nodes of one community are linked")
    p_inter: float = knob(0.05, 0.0, 0.3, advanced=True, help="expected links between the communities, per node of the graph")

    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        parts = [self._batch(min(BATCH, count - i), rng) for i in range(0, max(count, 1), BATCH)]
        return np.concatenate(parts)

    def _batch(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        few, many = sorted((self.min_nodes, self.max_nodes))
        size = rng.integers(few, many + 1, count)[:, None]
        slot = np.arange(many)
        there, right = slot < size, slot >= size // 2
        together = right[:, :, None] == right[:, None]
        cross = self.p_inter * size / (size // 2 * (size - size // 2))
        chance = np.where(together, self.p_intra, cross[:, :, None]) * (there[:, :, None] & there[:, None])
        upper = np.triu(rng.random(chance.shape) < chance, 1)
        graphs = (upper | upper.transpose(0, 2, 1) | (there[:, :, None] & np.eye(many, dtype=bool))).astype(np.uint8)
        return join_pieces(graphs, rng)

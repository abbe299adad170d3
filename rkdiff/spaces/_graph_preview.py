"""A preview of graphs in a millisecond: how likely each pair of nodes is linked, by ridge regression from the coordinates.

The nodes of a training graph are ordered by its Fiedler vector (the Laplacian's second eigenvector, Fiedler 1973), the denser half first;
the ordered adjacency matrix is read off on a grid of 16 x 16 places in [0, 1]^2, a step function as in limits of graphs (Lovász and Szegedy
2006). Ridge regression takes (1, x) to these grids; decoding reads the predicted grid off at the wanted number of nodes and draws each pair
with its chance. It knows blocks and density, no fine structure: good for a first look and for block-like graphs, not for trees.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, UInt8

from rkdiff.kernels.graphs import adjacency, nodes

PLACES, RIDGE = 16, 0.03


def _ordered(graph: UInt8[np.ndarray, "N N"]) -> Float[np.ndarray, "n n"]:
    """The adjacency matrix of the existing nodes in the order of the Fiedler vector."""
    there = nodes(graph[None])[0]
    a = adjacency(graph[None])[0][np.ix_(there, there)]
    if len(a) < 2:
        return a
    order = np.argsort(np.linalg.eigh(np.diag(a.sum(1)) - a)[1][:, 1], kind="stable")
    degrees = a.sum(1)[order]
    half = len(a) // 2
    return a[np.ix_(order, order)] if degrees[:half].sum() >= degrees[-half:].sum() else a[np.ix_(order[::-1], order[::-1])]


def _places(count: int, of: int) -> Int[np.ndarray, " c"]:
    """The entries of a list of length `of` that `count` evenly spread readers see."""
    return ((np.arange(count) + 0.5) / count * of).astype(int)


class Preview:
    """The fitted regression.

    Attributes:
        table: (d + 1, 256) coefficients.
    """

    def __init__(self, x: Float[np.ndarray, "n d"], graphs: UInt8[np.ndarray, "n N N"]) -> None:
        grids = []
        for graph in graphs:
            a = _ordered(graph)
            at = _places(PLACES, len(a))
            grids.append(a[np.ix_(at, at)].ravel())
        design = np.column_stack([np.ones(len(x)), x])
        penalty = RIDGE * len(x) * np.diag([0.0, *np.ones(x.shape[1])])
        self.table = np.linalg.solve(design.T @ design + penalty, design.T @ np.array(grids))

    def chances(self, x: Float[np.ndarray, "n d"], count: Int[np.ndarray, " n"], slots: int) -> Float[np.ndarray, "n N N"]:
        """The chance of every pair of the first `count` nodes, symmetric, within 0 and 1."""
        grids = (np.column_stack([np.ones(len(x)), x]) @ self.table).reshape(len(x), PLACES, PLACES)
        out = np.zeros((len(x), slots, slots))
        for p, grid, n in zip(out, grids, count, strict=True):
            at = _places(int(n), PLACES)
            seen = grid[np.ix_(at, at)]
            p[:n, :n] = np.clip((seen + seen.T) / 2, 0.0, 1.0)
            np.fill_diagonal(p, 0.0)
        return out

    def draw(
        self, x: Float[np.ndarray, "n d"], count: Int[np.ndarray, " n"], slots: int, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "n N N"], Float[np.ndarray, "n N N"]]:
        """Graphs drawn pair by pair, and the chances."""
        chance = self.chances(x, count, slots)
        upper = np.triu(rng.random(chance.shape) < chance, 1)
        there = np.arange(slots) < count[:, None]
        out = upper | upper.transpose(0, 2, 1) | (there[:, :, None] & np.eye(slots, dtype=bool))
        return out.astype(np.uint8), chance

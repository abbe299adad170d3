"""Graphs as arrays, and the vectors that kernels on graphs compare, for a whole batch of padded adjacency matrices at once.

A graph is an (N, N) matrix of 0 and 1 whose diagonal says which nodes exist. Its vector is made of blocks (`rkdiff.kernels._graph_blocks`):

    degree         soft cumulative histogram of the degrees        counts               log(1 + small subgraphs a node)
    clustering     the same of local clustering coefficients       spectrum             the same of the normalised Laplacian's eigenvalues
    heat           heat left after 16 times, tr exp(-t L) / n      shortest_path        share of pairs at each distance
    weisfeiler_lehman  counts of refined node labels, length one (`rkdiff.kernels.graph_labels`)

Each block is scaled to unit total variance over the training graphs; a Gaussian kernel on blocks side by side is the graph kernel. None of
it depends on the order of the nodes. "statistics" is the first four and therefore knows the very statistics (degree, clustering) that graph
generators are judged by; "spectrum" alone is the control that does not. A "+" puts blocks side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8, UInt64

from rkdiff.kernels._graph_blocks import blocks_of, clustering, laplacian_spectrum, subgraph_counts
from rkdiff.kernels.graph_labels import vocabulary

__all__ = [
    "BLOCKS", "GraphFeatures", "adjacency", "clustering", "connected", "first_piece", "join_pieces", "laplacian_spectrum", "nodes",
    "reach", "subgraph_counts",
]  # fmt: skip

STATISTICS = ("degree", "clustering", "counts", "spectrum")
BLOCKS: dict[str, tuple[str, ...]] = {
    "statistics": STATISTICS,
    "spectrum": ("spectrum",),
    "heat": ("heat",),
    "counts": ("counts",),
    "shortest_path": ("shortest_path",),
    "weisfeiler_lehman": ("weisfeiler_lehman",),
    "statistics+shortest_path": (*STATISTICS, "shortest_path"),
    "spectrum+shortest_path": ("spectrum", "shortest_path"),
    "spectrum+counts": ("spectrum", "counts"),
    "statistics+weisfeiler_lehman": (*STATISTICS, "weisfeiler_lehman"),
}
_CHUNK = 2000


def nodes(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, "b N"]:
    """Which nodes exist."""
    return np.diagonal(graphs, axis1=1, axis2=2) > 0


def adjacency(graphs: UInt8[np.ndarray, "b N N"]) -> Float[np.ndarray, "b N N"]:
    """The adjacency matrices proper: zero on the diagonal, float64."""
    a = graphs.astype(float)
    i = np.arange(a.shape[1])
    a[:, i, i] = 0.0
    return a


def reach(graphs: UInt8[np.ndarray, "b N N"], seen: Bool[np.ndarray, "b N"]) -> Bool[np.ndarray, "b N"]:
    """The nodes that can be reached from those already seen."""
    links = (graphs > 0).astype(np.float32)
    while True:
        more = (links @ seen[:, :, None].astype(np.float32))[:, :, 0] > 0
        if (more == seen).all():
            return seen
        seen = more


def first_piece(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, "b N"]:
    """The nodes that can be reached from the first node of each graph."""
    there = nodes(graphs)
    return reach(graphs, there & (np.cumsum(there, axis=1) == 1))


def connected(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, " b"]:
    """Whether each graph is in one piece (a graph without nodes is not)."""
    there = nodes(graphs)
    whole: np.ndarray = (first_piece(graphs) == there).all(1) & there.any(1)
    return whole


def join_pieces(
    graphs: UInt8[np.ndarray, "b N N"], rng: np.random.Generator, strength: Float[np.ndarray, "b N N"] | None = None
) -> UInt8[np.ndarray, "b N N"]:
    """Copies in which pieces are joined by single edges, random or the strongest ones, until each graph is in one piece."""
    out = graphs.copy()
    while True:
        there, seen = nodes(out), first_piece(out)
        rows = np.flatnonzero((seen != there).any(1))
        if not len(rows):
            return out
        for i in rows:
            inside, apart = np.flatnonzero(seen[i]), np.flatnonzero(there[i] & ~seen[i])
            if strength is None:
                u, v = rng.choice(inside), rng.choice(apart)
            else:
                p, q = np.unravel_index(strength[i][np.ix_(inside, apart)].argmax(), (len(inside), len(apart)))
                u, v = inside[p], apart[q]
            out[i, u, v] = out[i, v, u] = 1


@dataclass(frozen=True)
class GraphFeatures:
    """The descriptions of graphs as vectors, scaled on the training graphs.

    Attributes:
        blocks: which descriptions, in order.
        scales: one factor a block.
        size: N, the number of node slots.
        depth: how often labels are refined (weisfeiler_lehman).
        known: the labels of the training graphs (weisfeiler_lehman).
    """

    blocks: tuple[str, ...]
    scales: tuple[float, ...]
    size: int
    depth: int = 1
    known: UInt64[np.ndarray, " v"] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    @classmethod
    def fit(cls, graphs: UInt8[np.ndarray, "n N N"], blocks: tuple[str, ...], depth: int = 1) -> GraphFeatures:
        """Choose the factors so that each block has total variance one over these graphs."""
        known = vocabulary(graphs, depth) if "weisfeiler_lehman" in blocks else np.zeros(0, dtype=np.uint64)
        raw = cls(blocks, (1.0,) * len(blocks), graphs.shape[1], depth, known)
        scales = []
        for block, values in zip(blocks, raw._parts(graphs)[0], strict=True):
            spread = float(values.var(axis=0).sum())
            if not np.isfinite(spread):
                raise ValueError(f"the block {block!r} has values that are not finite")
            scales.append(1 / np.sqrt(spread) if spread > 1e-12 else 1.0)
        return replace(raw, scales=tuple(scales))

    def __call__(self, graphs: UInt8[np.ndarray, "b N N"]) -> Float[np.ndarray, "b p"]:
        """The vectors of these graphs."""
        parts = [self.with_connection(graphs[i : i + _CHUNK])[0] for i in range(0, max(len(graphs), 1), _CHUNK)]
        return np.concatenate(parts)

    def with_connection(
        self, graphs: UInt8[np.ndarray, "b N N"], joined: Bool[np.ndarray, " b"] | None = None
    ) -> tuple[Float[np.ndarray, "b p"], Bool[np.ndarray, " b"]]:
        """The vectors, and whether each graph is connected (free with the spectrum; `joined` where it is known already)."""
        parts, found = self._parts(graphs)
        if joined is None:
            joined = connected(graphs) if found is None else found
        return np.concatenate([s * part for s, part in zip(self.scales, parts, strict=True)], axis=1), joined

    def _parts(
        self, graphs: UInt8[np.ndarray, "b N N"]
    ) -> tuple[list[Float[np.ndarray, "b t"]], Bool[np.ndarray, " b"] | None]:
        return blocks_of(self.blocks, graphs, adjacency(graphs), nodes(graphs), self.depth, self.known)

"""A kernel on graphs made of four descriptions, all computed for a whole batch of padded adjacency matrices at once.

    degree      soft cumulative histogram of the degrees                  clustering  the same of the local clustering coefficients
    counts      log(1 + subgraphs a node) for edges, paths, triangles,    spectrum    the same of the eigenvalues of the normalised
                4-cycles, stars, diamonds and paws                                    Laplacian

Each block is scaled to unit total variance over the training graphs; a Gaussian kernel on the concatenation is the graph kernel. None of
it depends on the order of the nodes. "statistics" uses all four and therefore knows the very statistics (degree, clustering) that graph
generators are judged by; "spectrum" alone is the control that does not.

Counts of not necessarily induced subgraphs by matrix products: Harary and Manvel 1971, "On the number of cycles in a graph". A graph is an
(N, N) matrix of 0 and 1 whose diagonal says which nodes exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

BLOCKS = {"statistics": ("degree", "clustering", "counts", "spectrum"), "spectrum": ("spectrum",)}
_ZERO, _SPECTRUM_POINTS, _CLUSTERING_POINTS, _CHUNK = 1e-8, 40, 20, 2000


def nodes(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, "b N"]:
    """Which nodes exist."""
    return np.diagonal(graphs, axis1=1, axis2=2) > 0


def adjacency(graphs: UInt8[np.ndarray, "b N N"]) -> Float[np.ndarray, "b N N"]:
    """The adjacency matrices proper: zero on the diagonal, float64."""
    a = graphs.astype(float)
    i = np.arange(a.shape[1])
    a[:, i, i] = 0.0
    return a


def laplacian_spectrum(a: Float[np.ndarray, "b N N"], exists: Bool[np.ndarray, "b N"]) -> Float[np.ndarray, "b N"]:
    """Eigenvalues of the normalised Laplacian, ascending; entries beyond a graph's node count are meaningless (they are 9).

    An isolated node counts as one eigenvalue 0, so the number of zeros is the number of components.
    """
    degree = a.sum(2)
    root = np.where(degree > 0, 1 / np.sqrt(np.maximum(degree, 1.0)), 0.0)
    lap = -root[:, :, None] * a * root[:, None, :]
    i = np.arange(a.shape[1])
    lap[:, i, i] = np.where(exists, (degree > 0).astype(float), 9.0)
    return np.linalg.eigvalsh(lap)


def first_piece(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, "b N"]:
    """The nodes that can be reached from the first node of each graph."""
    there = nodes(graphs)
    links = (graphs > 0).astype(np.float32)
    seen = there & (np.cumsum(there, axis=1) == 1)
    while True:
        more = (links @ seen[:, :, None].astype(np.float32))[:, :, 0] > 0
        if (more == seen).all():
            return seen
        seen = more


def connected(graphs: UInt8[np.ndarray, "b N N"]) -> Bool[np.ndarray, " b"]:
    """Whether each graph is in one piece (a graph without nodes is not)."""
    there = nodes(graphs)
    whole: np.ndarray = (first_piece(graphs) == there).all(1) & there.any(1)
    return whole


def join_pieces(graphs: UInt8[np.ndarray, "b N N"], rng: np.random.Generator) -> UInt8[np.ndarray, "b N N"]:
    """Copies in which pieces are joined by single random edges until each graph is in one piece."""
    out = graphs.copy()
    while True:
        there, seen = nodes(out), first_piece(out)
        rows = np.flatnonzero((seen != there).any(1))
        if not len(rows):
            return out
        for i in rows:
            u, v = rng.choice(np.flatnonzero(seen[i])), rng.choice(np.flatnonzero(there[i] & ~seen[i]))
            out[i, u, v] = out[i, v, u] = 1


def clustering(a: Float[np.ndarray, "b N N"]) -> Float[np.ndarray, "b N"]:
    """Local clustering coefficients; 0 for a node with fewer than two neighbours."""
    degree = a.sum(2)
    twice_triangles = ((a @ a) * a).sum(2)
    return np.where(degree > 1, twice_triangles / np.maximum(degree * (degree - 1), 1.0), 0.0)


def subgraph_counts(a: Float[np.ndarray, "b N N"]) -> Float[np.ndarray, "b 8"]:
    """Edges, paths of 2 edges, triangles, 4-cycles, 3-stars, paths of 3 edges, diamonds, paws; not necessarily induced."""
    d = a.sum(2)
    common = a @ a
    on_edges = common * a
    at_node = on_edges.sum(2) / 2
    edges = d.sum(1) / 2
    two = (d * (d - 1)).sum(1) / 2
    triangles = at_node.sum(1) / 3
    closed = np.einsum("bij,bij->b", common, common)
    stars = (d * (d - 1) * (d - 2)).sum(1) / 6
    three = ((d - 1)[:, None, :] @ a @ (d - 1)[:, :, None])[:, 0, 0] / 2 - 3 * triangles
    diamonds = np.einsum("bij,bij->b", on_edges, common) / 4 - at_node.sum(1) / 2
    paws = (at_node * (d - 2)).sum(1)
    return np.stack([edges, two, triangles, (closed - 2 * edges - 4 * two) / 8, stars, three, diamonds, paws], 1)


def _soft_cdf(
    values: Float[np.ndarray, "b N"], share: Float[np.ndarray, "b N"], at: Float[np.ndarray, " t"], width: float
) -> Float[np.ndarray, "b t"]:
    """Share-weighted sum over nodes of logistic((at - value) / width)."""
    steps = (values / width)[:, :, None] - at / width
    with np.errstate(over="ignore"):  # exp to infinity makes a step of 0, which is right
        np.exp(steps, out=steps)
    steps += 1
    np.reciprocal(steps, out=steps)
    return (share[:, None, :] @ steps)[:, 0]


def _soft_degrees(degree: Float[np.ndarray, "b N"], share: Float[np.ndarray, "b N"]) -> Float[np.ndarray, "b t"]:
    """The soft cumulative histogram of whole numbers: shares of each degree times one small table."""
    b, size = degree.shape
    at = degree.astype(int) + size * np.arange(b)[:, None]
    histogram = np.bincount(at.ravel(), share.ravel(), b * size).reshape(b, size)
    values = np.arange(size, dtype=float)[:, None]
    return histogram @ _soft_cdf(values, np.ones((size, 1)), np.arange(max(size - 1, 1)) + 0.5, 0.15)


@dataclass(frozen=True)
class GraphFeatures:
    """The descriptions of graphs as vectors, scaled on the training graphs.

    Attributes:
        blocks: which descriptions, in order.
        scales: one factor a block.
        size: N, the number of node slots.
    """

    blocks: tuple[str, ...]
    scales: tuple[float, ...]
    size: int

    @classmethod
    def fit(cls, graphs: UInt8[np.ndarray, "n N N"], blocks: tuple[str, ...]) -> GraphFeatures:
        """Choose the factors so that each block has total variance one over these graphs."""
        raw = cls(blocks, (1.0,) * len(blocks), graphs.shape[1])
        a, exists = adjacency(graphs), nodes(graphs)
        scales = []
        for block in blocks:
            spread = float(raw._block(block, a, exists, laplacian_spectrum(a, exists)).var(axis=0).sum())
            scales.append(1 / np.sqrt(spread) if spread > 1e-12 else 1.0)
        return cls(blocks, tuple(scales), graphs.shape[1])

    def __call__(self, graphs: UInt8[np.ndarray, "b N N"]) -> Float[np.ndarray, "b p"]:
        """The vectors of these graphs."""
        parts = [self.with_connection(graphs[i : i + _CHUNK])[0] for i in range(0, max(len(graphs), 1), _CHUNK)]
        return np.concatenate(parts)

    def with_connection(self, graphs: UInt8[np.ndarray, "b N N"]) -> tuple[Float[np.ndarray, "b p"], Bool[np.ndarray, " b"]]:
        """The vectors, and whether each graph is connected (it comes free with the spectrum)."""
        a, exists = adjacency(graphs), nodes(graphs)
        spectrum = laplacian_spectrum(a, exists)
        parts = [s * self._block(block, a, exists, spectrum) for block, s in zip(self.blocks, self.scales, strict=True)]
        joined = spectrum[:, 1] > _ZERO if self.size > 1 else np.ones(len(graphs), bool)
        return np.concatenate(parts, axis=1), joined

    def _block(
        self, block: str, a: Float[np.ndarray, "b N N"], exists: Bool[np.ndarray, "b N"], spectrum: Float[np.ndarray, "b N"]
    ) -> Float[np.ndarray, "b t"]:
        n = exists.sum(1)
        share = exists / np.maximum(n, 1)[:, None]
        if block == "degree":
            return _soft_degrees(a.sum(2), share)
        if block == "clustering":
            return _soft_cdf(clustering(a), share, np.linspace(0, 1, _CLUSTERING_POINTS), 0.02)
        if block == "counts":
            return np.log1p(np.maximum(subgraph_counts(a), 0.0) / np.maximum(n, 1)[:, None])
        first = np.arange(self.size) < n[:, None]
        return _soft_cdf(spectrum, first / np.maximum(n, 1)[:, None], np.linspace(0, 2, _SPECTRUM_POINTS), 0.03)

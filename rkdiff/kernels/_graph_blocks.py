"""The blocks that a graph's vector is made of: functions of the adjacency matrix that do not see the order of the nodes.

Counts of not necessarily induced subgraphs by matrix products: Harary and Manvel 1971, "On the number of cycles in a graph". Heat traces as
a description of graphs: Xiao, Hancock and Wilson 2009, "Graph characteristics from the heat kernel trace". Soft histograms are sums of
logistic steps, so that a small change of a graph is a small change of its vector.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8, UInt64

from rkdiff.kernels.graph_labels import label_counts, normalised, path_counts

_ZERO, _SPECTRUM_POINTS, _CLUSTERING_POINTS = 1e-8, 40, 20
_HEAT_TIMES = np.geomspace(0.3, 30.0, 16)


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


def blocks_of(
    names: tuple[str, ...],
    graphs: UInt8[np.ndarray, "b N N"],
    a: Float[np.ndarray, "b N N"],
    exists: Bool[np.ndarray, "b N"],
    depth: int,
    known: UInt64[np.ndarray, " v"],
) -> tuple[list[Float[np.ndarray, "b t"]], Bool[np.ndarray, " b"] | None]:
    """The blocks by name, not scaled; and whether each graph is connected where the spectrum was needed, else None."""
    n = np.maximum(exists.sum(1), 1)[:, None]
    share, size = exists / n, a.shape[1]
    spectral = "spectrum" in names or "heat" in names
    spectrum = laplacian_spectrum(a, exists) if spectral else np.zeros_like(share)
    first = (np.arange(size) < exists.sum(1)[:, None]) / n
    makers = {
        "degree": lambda: _soft_degrees(a.sum(2), share),
        "clustering": lambda: _soft_cdf(clustering(a), share, np.linspace(0, 1, _CLUSTERING_POINTS), 0.02),
        "counts": lambda: np.log1p(np.maximum(subgraph_counts(a), 0.0) / n),
        "spectrum": lambda: _soft_cdf(spectrum, first, np.linspace(0, 2, _SPECTRUM_POINTS), 0.03),
        "heat": lambda: (first[:, None] @ np.exp(-spectrum[:, :, None] * _HEAT_TIMES))[:, 0],
        "shortest_path": lambda: path_counts(graphs) / n**2,
        "weisfeiler_lehman": lambda: normalised(label_counts(graphs, known, depth)),
    }
    joined = None
    if spectral:
        joined = spectrum[:, 1] > _ZERO if size > 1 else np.ones(len(a), bool)
    return [makers[name]() for name in names], joined

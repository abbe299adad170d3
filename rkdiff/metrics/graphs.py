"""Metrics on sets of graphs: maximum mean discrepancies of graph statistics, validity, novelty, uniqueness.

The protocol is the one that graph diffusion papers report (You et al. 2018; Jo, Lee and Hwang 2022, GDSS, section 5.1 and its public
evaluation): squared MMD as a V-statistic, mean k(x, x') + mean k(y, y') - 2 mean k(x, y), with k = exp(-d^2 / 2 sigma^2) and

    degree      d = earth mover's distance of the degree histograms, sigma = 1
    clustering  the same of the clustering coefficients in 100 bins, bin distance 1/100, sigma = 0.1
    spectral    the same of the normalised Laplacian's eigenvalues in 200 bins, distance counted in bins, sigma = 1
    orbit       d = Euclidean distance of the counts of the 15 orbits of graphlets of up to 4 nodes, per node, sigma = 30

On the line the earth mover's distance is the sum of |difference of the cumulative histograms|, so no solver is needed. With tens of graphs
these figures carry noise of about 0.01: read them beside the same figure of fresh draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from rkdiff.kernels.graph_labels import colours, mix
from rkdiff.kernels.graphs import adjacency, clustering, laplacian_spectrum, nodes
from rkdiff.metrics._orbits import orbit_counts
from rkdiff.metrics.graph_rules import RULES, families, refuse_huge, two_communities, valid

__all__ = [
    "RULES", "STATISTICS", "colour_hash", "families", "graph_mmd", "isomorphism_classes", "mmd_table", "mmd_tables", "novel",
    "two_communities", "unique_share", "valid",
]  # fmt: skip

STATISTICS = ("degree", "clustering", "orbit")


def _histograms(
    values: Float[np.ndarray, "n N"], take: Bool[np.ndarray, "n N"], bins: int, low: float, high: float
) -> Float[np.ndarray, "n b"]:
    """One normalised histogram a row over the entries to take (NumPy's own binning, so edges fall as elsewhere)."""
    rows = [np.histogram(v[t], bins=bins, range=(low, high))[0] for v, t in zip(values, take, strict=True)]
    h = np.array(rows, dtype=float)
    return h / np.maximum(h.sum(1, keepdims=True), 1.0)


def _describe(graphs: UInt8[np.ndarray, "n N N"], statistic: str) -> Float[np.ndarray, "n b"]:
    """Per graph the vector whose distance is taken: cumulative histograms, or orbit counts."""
    a, exists = adjacency(graphs), nodes(graphs)
    if statistic == "degree":
        return _histograms(a.sum(2), exists, a.shape[1], -0.5, a.shape[1] - 0.5).cumsum(1)
    if statistic == "clustering":
        return _histograms(clustering(a), exists, 100, 0.0, 1.0).cumsum(1)
    if statistic == "spectral":
        first = np.arange(a.shape[1]) < exists.sum(1)[:, None]
        return _histograms(laplacian_spectrum(a, exists), first, 200, -1e-5, 2.0).cumsum(1)
    if statistic == "orbit":
        return orbit_counts(graphs) / exists.sum(1)[:, None]
    raise ValueError(f"there is no graph statistic {statistic!r}; choose degree, clustering, spectral or orbit")


_SCALE = {"degree": (1.0, 1.0), "clustering": (100.0, 0.1), "spectral": (1.0, 1.0), "orbit": (1.0, 30.0)}


def _kernel(x: Float[np.ndarray, "n b"], y: Float[np.ndarray, "m b"], statistic: str) -> Float[np.ndarray, "n m"]:
    unit, sigma = _SCALE[statistic]
    difference = np.abs(x[:, None] - y[None])
    d = np.sqrt((difference**2).sum(2)) if statistic == "orbit" else difference.sum(2) / unit
    return np.exp(-(d**2) / (2 * sigma**2))


def _padded(graphs: UInt8[np.ndarray, "n N N"], size: int) -> UInt8[np.ndarray, "n M M"]:
    more = size - graphs.shape[1]
    return np.pad(graphs, ((0, 0), (0, more), (0, more)))


def graph_mmd(a: UInt8[np.ndarray, "n N N"], b: UInt8[np.ndarray, "m M M"], statistic: str) -> float:
    """Squared MMD of one statistic between two sets of graphs; graphs without nodes are left out, as in the protocol.

    Raises:
        ValueError: unknown statistic, a set in which no graph has a node, or graphs of more than 60 nodes.
    """
    size = max(a.shape[1], b.shape[1])
    return _mmd(_described(a, size, (statistic,)), _described(b, size, (statistic,)))[statistic]


def mmd_table(a: UInt8[np.ndarray, "n N N"], b: UInt8[np.ndarray, "m M M"]) -> dict[str, float]:
    """Degree, clustering and orbit MMD and their mean, the figure that papers compare."""
    return mmd_tables([a], [b])[0]


def mmd_tables(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """`mmd_table` of every pair of a set of `some` and a set of `others`; each set is described once."""
    size = max(g.shape[1] for g in (*some, *others))
    x, y = ([_described(g, size, STATISTICS) for g in sets] for sets in (some, others))
    tables = [_mmd(a, b) for a in x for b in y]
    return [t | {"mean": sum(t.values()) / len(t)} for t in tables]


def _described(graphs: UInt8[np.ndarray, "n N N"], size: int, statistics: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Statistic -> the vectors of the graphs that have a node, comparable with those of graphs of up to `size` slots."""
    refuse_huge(size)
    there = _padded(graphs, size)[nodes(graphs).any(1)]
    if not len(there):
        raise ValueError("a set of graphs to compare holds no graph with a node; give at least one each")
    return {s: _describe(there, s) for s in statistics}


def _mmd(x: dict[str, np.ndarray], y: dict[str, np.ndarray]) -> dict[str, float]:
    def of(s: str) -> float:
        same = float(_kernel(x[s], x[s], s).mean() + _kernel(y[s], y[s], s).mean())
        return same - 2 * float(_kernel(x[s], y[s], s).mean())

    return {s: of(s) for s in x}


def colour_hash(graphs: UInt8[np.ndarray, "n N N"], rounds: int = 3) -> np.ndarray:
    """(n,) 64-bit numbers that agree on isomorphic graphs: colour refinement (Weisfeiler and Leman 1968), batched."""
    last = colours(graphs, rounds)[-1]
    return mix(mix(last).sum(1, where=last > 0, dtype=np.uint64))


def isomorphism_classes(graphs: UInt8[np.ndarray, "n N N"]) -> np.ndarray:
    """(n,) a number for each graph that is equal exactly on isomorphic graphs."""
    import networkx as nx

    keys = colour_hash(graphs)
    out = np.full(len(graphs), -1)
    members: dict[int, list[tuple[int, nx.Graph]]] = {}
    fresh = 0
    for i, (graph, key) in enumerate(zip(graphs, keys, strict=True)):
        there = nodes(graph[None])[0]
        g = nx.from_numpy_array(adjacency(graph[None])[0][np.ix_(there, there)])
        bucket = members.setdefault(int(key), [])
        for number, other in bucket:
            if nx.is_isomorphic(g, other):
                out[i] = number
                break
        else:
            out[i], fresh = fresh, fresh + 1
            bucket.append((int(out[i]), g))
    return out


def novel(graphs: UInt8[np.ndarray, "n N N"], known: UInt8[np.ndarray, "m M M"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is isomorphic to none of the known ones."""
    size = max(graphs.shape[1], known.shape[1])
    classes = isomorphism_classes(np.concatenate([_padded(known, size), _padded(graphs, size)]))
    return ~np.isin(classes[len(known) :], classes[: len(known)])


def unique_share(graphs: UInt8[np.ndarray, "n N N"]) -> float:
    """The share of pairwise different (non-isomorphic) graphs."""
    return len(np.unique(isomorphism_classes(graphs))) / len(graphs)

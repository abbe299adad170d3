"""Rules that graphs may obey, by name: what "valid" means for a dataset.

    any                has a node                     tree              connected with one edge fewer than nodes
    connected          in one piece                   connected planar  in one piece, can be drawn without crossings
    two communities    two dense halves, few links    cycle or grid     one ring of three or more, or one a x b grid with a, b >= 2
    triangulation      connected planar with 2 n - 3 edges or more: n points in the plane have 3 n - 3 - h, with h <= n of them on the hull
    mixture            a tree, two communities or a triangulation
    plain mixture      a tree, two communities or any connected planar graph

Planarity is decided by the left-right test (Brandes 2009) as in NetworkX, after the bound of 3 n - 6 edges.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Int, UInt8

from rkdiff.kernels.graphs import adjacency, connected, nodes

#: Above this many node slots all subsets of four nodes (half a million a graph) are too many to look at.
MOST_NODES = 60


def refuse_huge(size: int) -> None:
    """Raise where graphs are too large for what is done with them here.

    Raises:
        ValueError: more than 60 node slots.
    """
    if size > MOST_NODES:
        raise ValueError(
            f"graphs of {size} nodes are too large: small patterns are counted one by one; give at most {MOST_NODES}"
        )


def two_communities(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is connected and falls into two dense halves with few links between.

    The halves are the signs of the Fiedler vector (of the plain Laplacian); each must hold at least 45 % of its possible edges, and 1 to
    15 % of all edges must run between them.
    """
    a, out = adjacency(graphs), connected(graphs)
    for i in np.flatnonzero(out):
        there = nodes(graphs[i : i + 1])[0]
        g = a[i][np.ix_(there, there)]
        if len(g) < 4:
            out[i] = False
            continue
        fiedler = np.linalg.eigh(np.diag(g.sum(1)) - g)[1][:, 1]
        side = fiedler > 0
        halves = [g[np.ix_(s, s)] for s in (side, ~side)]
        dense = all(len(h) > 1 and h.sum() >= 0.45 * len(h) * (len(h) - 1) for h in halves)
        out[i] = dense and 0.01 <= 2 * g[np.ix_(side, ~side)].sum() / g.sum() <= 0.15
    return out


def _some_node(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    return np.asarray(nodes(graphs).any(1))


def _edges(graphs: UInt8[np.ndarray, "n N N"]) -> Int[np.ndarray, " n"]:
    return (adjacency(graphs).sum((1, 2)) / 2).astype(int)


def tree(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is connected and has no loop."""
    return connected(graphs) & (_edges(graphs) == nodes(graphs).sum(1) - 1)


def is_planar(graph: UInt8[np.ndarray, "N N"]) -> bool:
    """Whether one graph can be drawn without crossings."""
    import networkx as nx

    u, v = np.nonzero(np.triu(graph, 1))
    n = int((np.diagonal(graph) > 0).sum())
    if n < 5 or len(u) < 9:  # the smallest graphs that cannot have five nodes, or nine edges
        return True
    return len(u) <= 3 * n - 6 and bool(nx.check_planarity(nx.Graph(zip(u.tolist(), v.tolist(), strict=True)))[0])


def connected_planar(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is in one piece and can be drawn without crossings."""
    out = connected(graphs)
    out[out] = [is_planar(g) for g in graphs[out]]
    return out


def triangulation(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is connected planar and has the edges that a triangulation of as many points has at least."""
    n = nodes(graphs).sum(1)
    out = (n > 2) & (_edges(graphs) >= 2 * n - 3)
    out[out] = connected_planar(graphs[out])
    return out


def cycle_or_grid(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    """Whether each graph is one ring, or one grid of at least two rows and columns."""
    import networkx as nx

    out, n, degree = connected(graphs), nodes(graphs).sum(1), adjacency(graphs).sum(2)
    ring = ((degree == 2) | ~nodes(graphs)).all(1) & (n > 2)
    for i in np.flatnonzero(out & ~ring):
        shapes = [(a, n[i] // a) for a in range(2, int(np.sqrt(n[i])) + 1) if n[i] % a == 0]
        g = nx.Graph(zip(*(at.tolist() for at in np.nonzero(np.triu(graphs[i], 1))), strict=True))
        likely = (s for s in shapes if g.number_of_edges() == 2 * s[0] * s[1] - s[0] - s[1])
        out[i] = any(
            nx.faster_could_be_isomorphic(g, h) and nx.is_isomorphic(g, h) for h in (nx.grid_2d_graph(*s) for s in likely)
        )
    return out


def families(graphs: UInt8[np.ndarray, "n N N"]) -> Int[np.ndarray, " n"]:
    """Which family of the mixture each graph is of: 0 a tree, 1 two communities, 2 a triangulation, -1 none; the first that fits.

    That a graph is planar is not enough: every sparse graph between a tree and a triangulation is.
    """
    out = np.full(len(graphs), -1)
    for i, rule in ((2, triangulation), (1, two_communities), (0, tree)):
        out[rule(graphs)] = i
    return out


def _mixture(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    return families(graphs) >= 0


def _plain_mixture(graphs: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
    out = two_communities(graphs)
    out[~out] = connected_planar(graphs[~out])  # trees are planar
    return out


RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "any": _some_node,
    "connected": connected,
    "two communities": two_communities,
    "tree": tree,
    "connected planar": connected_planar,
    "triangulation": triangulation,
    "cycle or grid": cycle_or_grid,
    "mixture": _mixture,
    "plain mixture": _plain_mixture,
}


def valid(graphs: UInt8[np.ndarray, "n N N"], rule: str = "connected") -> Bool[np.ndarray, " n"]:
    """Whether graphs obey a rule of `RULES`.

    Raises:
        ValueError: there is no such rule.
    """
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}; choose one of {', '.join(RULES)}")
    return RULES[rule](graphs)

"""Moves on graphs, one for each graph of a batch in a few array operations.

flip    one random pair of nodes is linked or parted; four times in ten also a random pair of the opposite kind, so an edge moves
swap    a random edge of a tree goes and the two halves are joined by another: trees stay trees
turn    the side shared by two triangles is replaced by the other diagonal: triangulations mostly stay planar
resize  nodes come and go until a graph has a wanted number of them
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int, UInt8

from rkdiff.kernels.graphs import nodes, reach

SWAP = 0.4


def slots_of(graphs: UInt8[np.ndarray, "b N N"]) -> tuple[Int[np.ndarray, "b N"], Int[np.ndarray, " b"]]:
    """The slots of existing nodes first, and how many they are."""
    there = nodes(graphs)
    return np.argsort(~there, axis=1, kind="stable"), there.sum(1)


def propose(
    graphs: UInt8[np.ndarray, "b N N"], slots: Int[np.ndarray, "b N"], count: Int[np.ndarray, " b"], rng: np.random.Generator
) -> UInt8[np.ndarray, "b N N"]:
    """One move for each graph that has two nodes or more."""
    out = graphs.copy()
    rows = np.flatnonzero(count > 1)
    n = count[rows]
    i = (rng.random(len(rows)) * n).astype(int)
    j = (i + 1 + (rng.random(len(rows)) * (n - 1)).astype(int)) % n
    u, v = slots[rows, i], slots[rows, j]
    was = graphs[rows, u, v]
    _set(out, rows, u, v, 1 - was)
    swap = rng.random(len(rows)) < SWAP
    rows, was = rows[swap], was[swap]
    p, q, found = _random_pair(graphs[rows], 1 - was, rng)
    _set(out, rows[found], p[found], q[found], was[found])
    return out


def _set(graphs: np.ndarray, rows: np.ndarray, u: np.ndarray, v: np.ndarray, value: np.ndarray | int) -> None:
    graphs[rows, u, v] = value
    graphs[rows, v, u] = value


def _random_pair(
    graphs: UInt8[np.ndarray, "b N N"], value: UInt8[np.ndarray, " b"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, " b"], Int[np.ndarray, " b"], Bool[np.ndarray, " b"]]:
    """A random pair of existing nodes that is (value 1) or is not (value 0) an edge, and whether there is one."""
    size = graphs.shape[1]
    there = nodes(graphs)
    pairs = there[:, :, None] & there[:, None] & (graphs == value[:, None, None]) & ~np.eye(size, dtype=bool)
    score = np.where(pairs, rng.random(pairs.shape), -1.0).reshape(len(graphs), size * size)
    top = score.argmax(1)
    return top // size, top % size, score[np.arange(len(graphs)), top] >= 0


def swap(graphs: UInt8[np.ndarray, "b N N"], rng: np.random.Generator) -> UInt8[np.ndarray, "b N N"]:
    """One edge of each tree moved elsewhere; a random edge goes, the halves are joined by a random pair."""
    out = graphs.copy()
    u, v, found = _random_pair(graphs, np.ones(len(graphs), dtype=np.uint8), rng)
    rows = np.flatnonzero(found)
    u, v = u[rows], v[rows]
    _set(out, rows, u, v, 0)
    half = np.zeros((len(rows), graphs.shape[1]), dtype=bool)
    half[np.arange(len(rows)), u] = True
    half = reach(out[rows], half)
    score = rng.random(half.shape)
    other = nodes(graphs[rows]) & ~half
    _set(out, rows, np.where(half, score, -1.0).argmax(1), np.where(other, score, -1.0).argmax(1), 1)
    return out


def turn(graphs: UInt8[np.ndarray, "b N N"], rng: np.random.Generator) -> UInt8[np.ndarray, "b N N"]:
    """An edge (u, v) goes and two common neighbours p, q of its ends that are not linked are; graphs without such a place stay.

    In a triangulation these are the flips of Lawson 1972 wherever p and q are the corners of the two triangles on (u, v).
    """
    out = graphs.copy()
    u, v, found = _random_pair(graphs, np.ones(len(graphs), dtype=np.uint8), rng)
    row = np.arange(len(graphs))
    common = (graphs[row, u] & graphs[row, v]) > 0
    common[row, u] = common[row, v] = False
    score = np.where(common, rng.random(common.shape), -1.0)
    p = score.argmax(1)
    score[row, p] = -1.0
    q = score.argmax(1)
    rows = np.flatnonzero(found & (common.sum(1) > 1) & (graphs[row, p, q] == 0))
    _set(out, rows, u[rows], v[rows], 0)
    _set(out, rows, p[rows], q[rows], 1)
    return out


def resize(
    graphs: UInt8[np.ndarray, "b N N"], count: Int[np.ndarray, " b"], rng: np.random.Generator
) -> UInt8[np.ndarray, "b N N"]:
    """Copies with the wanted node counts; the other nodes keep their slots.

    Surplus nodes of least degree go; a new node is linked to a random one and to about half of its neighbours.
    """
    out = graphs.copy()
    for graph, wanted in zip(out, count, strict=True):
        there = [int(v) for v in np.flatnonzero(np.diagonal(graph))]
        while len(there) > wanted:
            gone = min(there, key=lambda v: graph[v].sum())
            graph[gone] = 0
            graph[:, gone] = 0
            there.remove(gone)
        while len(there) < wanted:
            new = int(np.flatnonzero(np.diagonal(graph) == 0)[0])
            if there:
                twin = rng.choice(there)
                links = (graph[twin] > 0) & (rng.random(len(graph)) < 0.5)
                links[twin] = True
                graph[new] = graph[:, new] = links
            graph[new, new] = 1
            there.append(new)
    return out

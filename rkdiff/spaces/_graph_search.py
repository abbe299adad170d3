"""Pre-images of graphs by local search: find the graph whose point in the Hilbert space is nearest to psi(z).

    E(g) = ||phi(g) - psi(z)||^2 + 0.3 [g is in pieces]

is walked by Metropolis: a move flips one pair of nodes, and four times in ten also a pair of the opposite kind (so an edge moves). The
inverse temperature rises geometrically; the best graph met is returned, so the energy never ends above its start. The bracket is the soft
rule; under the hard rule a move that breaks the graph is refused. All graphs of a batch advance together in one NumPy step. Unlike the
nearest training object this finds graphs that nobody has seen. Metropolis et al. 1953; Kirkpatrick, Gelatt and Vecchi 1983.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from rkdiff.kernels.graphs import join_pieces, nodes

#: energies of a batch of graphs, and whether each is connected
Energy = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
COLD, HOT, PENALTY, SWAP = 2000.0, 200.0, 0.3, 0.4


def search(
    energy: Energy, start: UInt8[np.ndarray, "b N N"], steps: int, rule: str, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "b N N"], Float[np.ndarray, " b"]]:
    """Walk `steps` moves from `start`; the best graphs met and their energies. `rule`: "hard", "soft" or "off"."""
    state = join_pieces(start, rng) if rule == "hard" else start.copy()
    now = _weighed(energy, state, rule)
    best, lowest = state.copy(), now.copy()
    slots, count = _slots(state)
    movable = np.flatnonzero(count > 1)
    if not len(movable):
        return best, lowest
    betas = np.geomspace(HOT, COLD, max(steps, 1))
    for beta in betas[:steps]:
        trial = propose(state, slots, count, rng)
        e = _weighed(energy, trial, rule)
        accept = rng.random(len(state)) < np.exp(np.minimum(beta * (now - e), 0.0))
        state[accept], now[accept] = trial[accept], e[accept]
        better = now < lowest
        best[better], lowest[better] = state[better], now[better]
    return best, lowest


def _weighed(energy: Energy, graphs: UInt8[np.ndarray, "b N N"], rule: str) -> Float[np.ndarray, " b"]:
    e, joined = energy(graphs)
    if rule == "off":
        return e
    return e + np.where(joined, 0.0, PENALTY if rule == "soft" else np.inf)


def _slots(graphs: UInt8[np.ndarray, "b N N"]) -> tuple[Int[np.ndarray, "b N"], Int[np.ndarray, " b"]]:
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


def _set(graphs: np.ndarray, rows: np.ndarray, u: np.ndarray, v: np.ndarray, value: np.ndarray) -> None:
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

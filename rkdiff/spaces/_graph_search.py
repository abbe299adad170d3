"""Pre-images of graphs by local search: find the graph whose point in the Hilbert space is nearest to psi(z).

    E(g) = ||phi(g) - psi(z)||^2 + 0.3 [g is in pieces]

is walked by Metropolis with the moves of `rkdiff.spaces._graph_moves`. The inverse temperature rises geometrically; the best graph met is
returned, so the energy never ends above its start. The bracket is the soft rule. Under a hard rule no move breaks it: a graph in pieces is
refused, trees only swap edges, and planarity, the dear one, is asked only of moves that are otherwise accepted and add an edge.
Half of the moves of a planar search turn an edge: a triangulation has no room for one more, so random flips are refused and the search
would end where it began. All graphs of a batch advance together in one NumPy step. Unlike the nearest training object this finds graphs
that nobody has seen.
Metropolis et al. 1953; Kirkpatrick, Gelatt and Vecchi 1983.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from rkdiff.metrics.graph_rules import is_planar
from rkdiff.spaces._graph_constraint import repair
from rkdiff.spaces._graph_moves import propose, slots_of, swap, turn

#: energies of a batch of graphs, and whether each is connected
Energy = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
COLD, HOT, PENALTY = 2000.0, 200.0, 0.3
#: How often a search that keeps graphs planar turns an edge instead of flipping a pair.
TURN = 0.5


def search(
    energy: Energy, start: UInt8[np.ndarray, "b N N"], steps: int, constraint: str, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "b N N"], Float[np.ndarray, " b"]]:
    """Walk `steps` moves from `start`, repaired; the best graphs met and their energies. `constraint`: one of CONSTRAINTS but "auto"."""
    state = repair(start, constraint, rng)
    now = _weighed(energy, state, constraint)
    best, lowest = state.copy(), now.copy()
    slots, count = slots_of(state)
    if not (count > 1).any():
        return best, lowest
    for beta in np.geomspace(HOT, COLD, max(steps, 1))[:steps]:
        trial = _moved(state, slots, count, constraint, rng)
        e = _weighed(energy, trial, constraint)
        accept = rng.random(len(state)) < np.exp(np.minimum(beta * (now - e), 0.0))
        if constraint == "planar":
            accept &= _stays_planar(state, trial, accept)
        state[accept], now[accept] = trial[accept], e[accept]
        better = now < lowest
        best[better], lowest[better] = state[better], now[better]
    return best, lowest


def _moved(
    state: UInt8[np.ndarray, "b N N"],
    slots: Int[np.ndarray, "b N"],
    count: Int[np.ndarray, " b"],
    constraint: str,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "b N N"]:
    """One move for each graph, of a kind that suits the constraint."""
    if constraint == "tree":
        return swap(state, rng)
    trial = propose(state, slots, count, rng)
    if constraint != "planar":
        return trial
    return np.where((rng.random(len(state)) < TURN)[:, None, None], turn(state, rng), trial)


def _weighed(energy: Energy, graphs: UInt8[np.ndarray, "b N N"], constraint: str) -> Float[np.ndarray, " b"]:
    e, joined = energy(graphs)
    if constraint == "none":
        return e
    return e + np.where(joined, 0.0, PENALTY if constraint == "soft" else np.inf)


def _stays_planar(
    state: UInt8[np.ndarray, "b N N"], trial: UInt8[np.ndarray, "b N N"], ask: Bool[np.ndarray, " b"]
) -> Bool[np.ndarray, " b"]:
    """Whether each trial is planar, given that each state is; asked only where `ask`, True elsewhere."""
    out = np.ones(len(state), bool)
    for i in np.flatnonzero(ask & (trial > state).any((1, 2))):
        out[i] = is_planar(trial[i])
    return out

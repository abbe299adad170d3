"""Places for the nodes of small graphs, in the unit square.

Classical scaling of the shortest-path distances (Torgerson 1952) gives the start, a few rounds of springs and repulsion (Fruchterman and
Reingold 1991) part what falls together. No random number is drawn, so the same graph always looks the same. Used where a scene brings
graphs without a layout of its own.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped


def spread(graphs: Shaped[np.ndarray, "k N N"]) -> Float[np.ndarray, "k N 2"]:
    """A layout for each adjacency matrix (a node exists where its diagonal is not 0)."""
    return np.stack([_place(np.asarray(g) != 0) for g in graphs]) if len(graphs) else np.zeros((0, graphs.shape[1], 2))


def _place(present: np.ndarray) -> np.ndarray:
    out = np.full((len(present), 2), 0.5)
    nodes = np.flatnonzero(np.diag(present))
    if len(nodes) < 2:
        return out
    d = _paths(present[np.ix_(nodes, nodes)])
    centre = np.eye(len(nodes)) - 1 / len(nodes)
    values, vectors = np.linalg.eigh(-0.5 * centre @ (d**2) @ centre)
    vectors = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    flip = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(2)])
    angle = 2 * np.pi * np.arange(len(nodes)) / len(nodes)  # parts nodes that fall on one place
    p = _relax(vectors * np.where(flip == 0, 1, flip) + 0.1 * np.stack([np.cos(angle), np.sin(angle)], 1), d)
    low, high = p.min(axis=0), p.max(axis=0)
    out[nodes] = 0.5 + 0.96 * (p - (low + high) / 2) / max(float((high - low).max()), 1e-9)
    return out


def _relax(p: np.ndarray, d: np.ndarray, rounds: int = 80) -> np.ndarray:
    """Neighbours attract as distance squared, all repel as its inverse; the step cools to nothing."""
    linked = d == 1
    for k in range(rounds):
        gap = p[:, None] - p[None]
        far = np.sqrt((gap**2).sum(axis=-1)) + 1e-3
        force = 1 / far**2 - np.where(linked, far, 0.0) - 0.05
        np.fill_diagonal(force, 0.0)
        push = (gap * force[..., None]).sum(axis=1)
        size = np.sqrt((push**2).sum(axis=-1, keepdims=True)) + 1e-9
        p = p + push / size * np.minimum(size, 0.3 * (1 - k / rounds))
    return p


def _paths(adjacency: np.ndarray) -> np.ndarray:
    n = len(adjacency)
    d = np.where(adjacency, 1.0, np.inf)
    np.fill_diagonal(d, 0.0)
    for via in range(n):
        d = np.minimum(d, d[:, via : via + 1] + d[via])
    longest = d[np.isfinite(d)].max()
    return np.where(np.isfinite(d), d, longest + 1.0)

"""Means of graphs in the sense of optimal transport: fused Gromov-Wasserstein barycentres.

Nodes carry mass 1 / n, a degree feature f, and the adjacency matrix C. For graphs of N and n nodes

    FGW(g, h) = min over couplings T of  (1 - a) sum_ij T_ij |f_i - f'_j|^2 + a sum_ijkl T_ij T_kl (C_ik - C'_jl)^2,     a = 1/2
    barycentre  argmin over (C, f) of  sum_s w_s FGW(., g_s)

by turns: couplings given (C, f), then C = sum_s w_s T_s C_s T_s' N^2 and f = sum_s w_s T_s f_s N (Vayer et al. 2019, "Optimal transport for
structured data with application on graphs", section 4). The inner problem has many local optima - from the product coupling a graph
and its own copy often seem different - so each coupling is the best of three starts: the solver's own, the last one, and a match of heat
kernels. The weighted objective decides when to stop. The mean matrix is not 0 or 1: its M strongest entries become the edges, M the
weighted mean of the edge counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

ALPHA, TURNS, TIMES = 0.5, 15, (0.5, 1.0, 2.0)
_DEGREE_UNIT = 5.0


@dataclass(frozen=True)
class Atom:
    """One graph as transport sees it: structure C, features f, both on its existing nodes only."""

    structure: Float[np.ndarray, "m m"]
    features: Float[np.ndarray, "m k"]

    @staticmethod
    def of(graph: UInt8[np.ndarray, "N N"], constant: bool = False) -> Atom:
        """The existing nodes of a graph; `constant` gives every node the same feature."""
        there = np.flatnonzero(np.diagonal(graph))
        c = graph[np.ix_(there, there)].astype(float)
        np.fill_diagonal(c, 0.0)
        return Atom(c, np.ones((len(c), 1)) if constant else c.sum(1, keepdims=True) / _DEGREE_UNIT)

    def heat(self) -> Float[np.ndarray, "m q"]:
        """Where heat from each node is after three times, as far as features and the node itself tell."""
        a = np.clip((self.structure + self.structure.T) / 2, 0.0, None)
        a = a - np.diag(np.diag(a))
        lam, u = np.linalg.eigh(np.diag(a.sum(1)) - a)
        kernels = [(u * np.exp(-t * lam)) @ u.T for t in TIMES]
        return np.hstack([part for k in kernels for part in (k @ self.features, np.diag(k)[:, None])])


def coupling(
    a: Atom, b: Atom, last: Float[np.ndarray, "n m"] | None = None, alpha: float = ALPHA
) -> tuple[Float[np.ndarray, "n m"], float]:
    """The best coupling found between two graphs and the value of FGW."""
    import ot

    p, q = (np.full(len(x.structure), 1 / len(x.structure)) for x in (a, b))
    cost = _squared(a.features, b.features)
    starts = [ot.emd(p, q, _squared(a.heat(), b.heat())), None if last is None else last, np.outer(p, q)]
    best, value = np.outer(p, q), np.inf
    for begin in starts:
        if begin is None:
            continue
        t, log = ot.gromov.fused_gromov_wasserstein(
            cost, a.structure, b.structure, p, q, symmetric=True, alpha=alpha, G0=begin, log=True, max_iter=100
        )
        if log["fgw_dist"] < value - 1e-12:
            best, value = t, float(log["fgw_dist"])
        if value < 1e-10:
            break
    return best, max(value, 0.0)


def _squared(x: Float[np.ndarray, "n k"], y: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "n m"]:
    return ((x[:, None] - y[None]) ** 2).sum(2)


def mean_structure(
    atoms: list[Atom], weights: Float[np.ndarray, " s"], begin: Atom, turns: int = TURNS
) -> tuple[Atom, list[float]]:
    """The barycentre with as many nodes as `begin`, and the weighted objective before each turn (the last is the result's)."""
    n, mean, objective = len(begin.structure), begin, []
    last: list[Float[np.ndarray, "n m"] | None] = [None] * len(atoms)
    for _ in range(turns):
        pairs = [coupling(mean, atom, t) for atom, t in zip(atoms, last, strict=True)]
        last = [t for t, _ in pairs]
        objective.append(float(sum(w * v for w, (_, v) in zip(weights, pairs, strict=True))))
        if len(objective) > 1 and objective[-2] - objective[-1] <= 1e-4 * objective[-2]:
            break
        turn = [(w, t * n, atom) for w, (t, _), atom in zip(weights, pairs, atoms, strict=True)]
        structure = sum(w * (t @ atom.structure @ t.T) for w, t, atom in turn)
        mean = Atom(np.asarray(structure), np.asarray(sum(w * (t @ atom.features) for w, t, atom in turn)))
    return mean, objective


def strongest(strength: Float[np.ndarray, "n n"], edges: int) -> UInt8[np.ndarray, "n n"]:
    """The graph of the `edges` strongest pairs; every node exists."""
    n = len(strength)
    u, v = np.triu_indices(n, 1)
    top = np.argsort(-(strength + strength.T)[u, v], kind="stable")[:edges]
    out = np.eye(n, dtype=np.uint8)
    out[u[top], v[top]] = out[v[top], u[top]] = 1
    return out


def barycentre(
    graphs: UInt8[np.ndarray, "s N N"], weights: Float[np.ndarray, " s"], begin: UInt8[np.ndarray, "N N"]
) -> tuple[UInt8[np.ndarray, "N N"], Float[np.ndarray, "N N"]]:
    """The weighted mean graph on the nodes of `begin`, from which the turns start; and how strong each pair of nodes is in it.

    Weights are taken to sum one; graphs without weight cost nothing.
    """
    kept = np.flatnonzero(weights > 0.01)
    w = weights[kept] / weights[kept].sum()
    atoms = [Atom.of(g) for g in graphs[kept]]
    there = np.flatnonzero(np.diagonal(begin))
    mean, _ = mean_structure(atoms, w, Atom.of(begin))
    edges = round(
        float(sum(x * a.structure.sum() / 2 * (len(there) / len(a.structure)) for x, a in zip(w, atoms, strict=True)))
    )
    out, strength = np.zeros_like(begin), np.zeros(begin.shape)
    out[np.ix_(there, there)] = strongest(mean.structure, edges)
    strength[np.ix_(there, there)] = (mean.structure + mean.structure.T) / 2
    return out, strength

"""Where Sinkhorn's algorithm begins: potentials that are nearly right already (Thornton and Cuturi 2022).

    zero        g = 0
    gaussian    the potentials between the Gaussians with the clouds' means and covariances, quadratic functions. At the same eps they are
                known exactly, with Hessian I - Cov(X0, X1)' S0^{-1} (and as eps falls to 0 that of the optimal map, the original proposal)
    sorting     on the line: the exact potentials without entropy, by walking along the sorted points
    subsample   solve every k-th point, extend by one soft c-transform, g(y) = -eps log sum_i a_i exp((f_i - c(x_i, y)) / eps)

All lead to the same plan; what they save is rounds, the more the smaller eps is.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import entropic_coupling
from rkdiff.transport._clouds import soft_min

Start = Literal["zero", "gaussian", "sorting", "subsample"]

#: Points of each cloud that the start "subsample" solves.
SUBSAMPLE = 100


def start_potential(
    start: Start | Float[np.ndarray, " m"],
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    a: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " m"],
    cost: Float[np.ndarray, "n m"],
    eps: float,
    squared: bool,
) -> Float[np.ndarray, " m"]:
    """The potential g to begin from; `squared` says that the cost is |x - y|^2 / 2.

    Raises:
        ValueError: an unknown start, one that belongs to another cost or dimension, or a potential of the wrong size.
    """
    if isinstance(start, np.ndarray):
        if start.shape != (len(y),) or not np.isfinite(start).all():
            raise ValueError(
                f"a starting potential of shape {start.shape}; give {len(y)} finite numbers, one for each point of y"
            )
        return start.astype(np.float64)
    if start not in get_args(Start):
        raise ValueError(f"the start is {start!r}; choose one of {', '.join(get_args(Start))}, or give a potential")
    if start in ("gaussian", "sorting") and not squared:
        raise ValueError(
            f"the start {start!r} belongs to the cost |x - y|^2 / 2; use zero or subsample with a cost of your own"
        )
    if start == "sorting" and x.shape[1] != 1:
        raise ValueError(f"the start 'sorting' belongs to the line; these clouds have {x.shape[1]} dimensions")
    if start == "gaussian":
        return gaussian(x, y, a, b, eps)
    if start == "sorting":
        return sorting(x, y, a, b)
    return subsample(a, cost, b, eps) if start == "subsample" else np.zeros(len(y))


def gaussian(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], a: Float[np.ndarray, " n"], b: Float[np.ndarray, " m"], eps: float
) -> Float[np.ndarray, " m"]:
    """The potential between the fitted Gaussians, g(y) = |y|^2 / 2 - (y - m1)' K (y - m1) / 2 - m0' y with E[X0 | y] = m0 + K (y - m1)."""
    s, t = _fitted(x, a), _fitted(y, b)
    if s is None or t is None:
        return np.zeros(len(y))
    slope = np.linalg.solve(t.cov, entropic_coupling(s, t, eps).T)
    away = y - t.mean
    g = (y**2).sum(1) / 2 - np.einsum("ni,ij,nj->n", away, (slope + slope.T) / 2, away) / 2 - y @ s.mean
    return np.asarray(g - g @ b)


def _fitted(x: np.ndarray, a: np.ndarray) -> Gaussian | None:
    """The Gaussian of a weighted cloud, a little rounder than it where the cloud is flat; None where it is a point."""
    mean = a @ x
    away = x - mean
    cov = (away * a[:, None]).T @ away
    size = float(np.trace(cov)) / x.shape[1]
    if not size > np.finfo(float).tiny * 1e30:
        return None
    return Gaussian(mean, cov + 1e-6 * size * np.eye(x.shape[1]))


def sorting(
    x: Float[np.ndarray, "n 1"], y: Float[np.ndarray, "m 1"], a: Float[np.ndarray, " n"], b: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    """Exact potentials on the line, in the time of a sort.

    The optimal plan is a staircase through the sorted points; f_i + g_j = c_ij on each of its steps fixes every potential from the last.
    Where it jumps diagonally, two inequalities leave an interval for the next one, and its middle is taken. (The iteration called DualSort
    by Thornton and Cuturi ends at potentials of the same value; this needs no iteration, nor equal sizes.)
    """
    order_x, order_y = np.argsort(x[:, 0], kind="stable"), np.argsort(y[:, 0], kind="stable")
    xs, ys = x[order_x, 0], y[order_y, 0]
    levels_a, levels_b = np.cumsum(a[order_x]), np.cumsum(b[order_y])

    def c(i: int, j: int) -> float:
        return float((xs[i] - ys[j]) ** 2 / 2)

    f, g = np.zeros(len(xs)), np.zeros(len(ys))
    g[0] = c(0, 0)
    i = j = 0
    while i < len(xs) - 1 or j < len(ys) - 1:
        gap = levels_a[i] - levels_b[j]
        if j == len(ys) - 1 or (i < len(xs) - 1 and gap < -1e-12):
            i += 1
            f[i] = c(i, j) - g[j]
        elif i == len(xs) - 1 or gap > 1e-12:
            j += 1
            g[j] = c(i, j) - f[i]
        else:
            f[i + 1] = f[i] + (c(i + 1, j) - c(i, j) + c(i + 1, j + 1) - c(i, j + 1)) / 2
            i, j = i + 1, j + 1
            g[j] = c(i, j) - f[i]
    out = np.empty(len(ys))
    out[order_y] = g
    return out


def subsample(
    a: Float[np.ndarray, " n"], cost: Float[np.ndarray, "n m"], b: Float[np.ndarray, " m"], eps: float, points: int = SUBSAMPLE
) -> Float[np.ndarray, " m"]:
    """The potential g from about `points` points of each cloud, taken at even distances in the order given, extended to all."""
    rows, columns = (np.arange(0, n, max(1, n // points)) for n in cost.shape)
    small_a, small_b = _shares(a[rows]), _shares(b[columns])
    small = cost[np.ix_(rows, columns)] / eps
    p, q = np.zeros(len(rows)), np.zeros(len(columns))
    for _ in range(200):
        before = p
        p = soft_min(small - (q + np.log(small_b))[None, :], axis=1)
        q = soft_min(small - (p + np.log(small_a))[:, None], axis=0)
        if np.abs(p - before).max() < 1e-3:
            break
    return eps * soft_min(cost[rows] / eps - (p + np.log(small_a))[:, None], axis=0)


def _shares(w: np.ndarray) -> np.ndarray:
    """Positive shares with sum one; weightless points get a trace, so that logarithms stay finite."""
    w = np.maximum(w, 1e-12)
    return np.asarray(w / w.sum())

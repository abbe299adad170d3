"""Exact optimal transport between clouds, and what is drawn from a plan.

    matching        n = m, equal weights: a permutation (the linear assignment problem, SciPy)
    plan            any sizes and weights: on the line a staircase through the sorted points, else the network simplex (POT)
    interpolated    displacement interpolation: x_i + t (y_j - x_i) with mass P_ij, on at most n + m - 1 lines for an exact plan
    monge_gap       mean c(x, T x) - W_c(x, T x) >= 0, and 0 exactly if T is optimal for the cost c (Uscidda and Cuturi 2023)

Costs are |x - y|^2 / 2 unless given as a matrix; `distance` is W2, the root of the least mean squared distance (no half). The time of an
assignment and of the network simplex grows like n^3: subsample beyond a few thousand points.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Num

from rkdiff.transport._clouds import half_squared, in_solver_units, matrix, pair, weights

#: Masses below this share of the largest are no lines.
NOTHING = 1e-12


def matching(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], cost: Float[np.ndarray, "n m"] | None = None
) -> Int[np.ndarray, " n"]:
    """The permutation p with the least mean cost of x_i and y_{p_i}.

    Raises:
        ValueError: clouds of different sizes.
    """
    if len(x) != len(y):
        raise ValueError(f"clouds of {len(x)} and {len(y)} points have no matching; use a plan, or subsample to the same size")
    if cost is None and x.shape[1] == 1:
        pair(x, y)
        out = np.empty(len(x), dtype=np.int64)
        out[np.argsort(x[:, 0], kind="stable")] = np.argsort(y[:, 0], kind="stable")
        return out
    from scipy.optimize import linear_sum_assignment

    found: np.ndarray = linear_sum_assignment(matrix(cost, x, y))[1].astype(np.int64)
    return found


def plan(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
    cost: Float[np.ndarray, "n m"] | None = None,
) -> Float[np.ndarray, "n m"]:
    """An exact plan, with at most n + m - 1 positive entries.

    Raises:
        ValueError: clouds, weights or costs that cannot be, or a solver that did not finish.
    """
    c, wa, wb = matrix(cost, x, y), weights(a, len(x), "a"), weights(b, len(y), "b")
    out = np.zeros(c.shape)
    if len(x) == len(y) and a is None and b is None:
        out[np.arange(len(x)), matching(x, y, cost)] = 1 / len(x)
        return out
    if cost is None and x.shape[1] == 1:
        i, j, mass = staircase(x[:, 0], y[:, 0], a, b)
        out[i, j] = mass
        return out
    import ot

    found, log = ot.emd(wa, wb / wb.sum() * wa.sum(), in_solver_units(c), numItermax=5_000_000, log=True)
    if log["warning"] is not None:
        raise ValueError(
            f"the network simplex did not finish on {len(x)} x {len(y)} points: {log['warning']}; subsample the clouds"
        )
    return np.asarray(found)


def staircase(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " m"],
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The exact plan on the line, for every convex cost of x - y: indices and masses of its at most n + m - 1 lines, in order.

    Raises:
        ValueError: points or weights that cannot be.
    """
    pair(x[:, None], y[:, None])
    wa, wb = weights(a, len(x), "a"), weights(b, len(y), "b")
    order_x, order_y = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    levels_x, levels_y = np.cumsum(wa[order_x]), np.cumsum(wb[order_y])
    levels_x[-1] = levels_y[-1] = 1.0
    levels = np.union1d(levels_x, levels_y)
    mass = np.diff(levels, prepend=0.0)
    middle = levels - mass / 2
    keep = mass > 1e-15
    i, j = np.searchsorted(levels_x, middle[keep]), np.searchsorted(levels_y, middle[keep])
    return order_x[i], order_y[j], mass[keep]


def lines(
    found: Num[np.ndarray, "n m"] | Int[np.ndarray, " n"], most: int | None = None
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The lines of a plan: from i, to j, and the mass on each.

    Args:
        found: a plan, or a matching's indices (equal masses).
        most: keep only so many of the heaviest lines (an entropic plan has n m of them); masses stay what they are.
    """
    if found.ndim == 1:
        n = len(found)
        i, j, mass = np.arange(n), np.asarray(found, dtype=np.int64), np.full(n, 1 / n)
    else:
        i, j = np.nonzero(found > NOTHING * found.max())
        mass = np.asarray(found[i, j], dtype=np.float64)
    if most is not None and len(i) > most:
        heavy = np.sort(np.argpartition(mass, -most)[-most:])
        i, j, mass = i[heavy], j[heavy], mass[heavy]
    return i, j, mass


def interpolated(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    plan: Num[np.ndarray, "n m"] | Int[np.ndarray, " n"],
    t: float,
    most: int | None = None,
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
    """Displacement interpolation at time t in [0, 1]: points and their masses, one for each line of the plan (`lines`).

    Raises:
        ValueError: a time outside [0, 1].
    """
    if not 0 <= t <= 1:
        raise ValueError(f"the time is {t}; give one between 0 (source) and 1 (target)")
    i, j, mass = lines(plan, most)
    return (1 - t) * x[i] + t * y[j], mass


def distance(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
) -> float:
    """W2 between two clouds: the root of the least mean squared distance."""
    if x.shape[1:] == (1,) == y.shape[1:]:
        i, j, mass = staircase(x[:, 0], y[:, 0], a, b)
        return float(np.sqrt(mass @ (x[i, 0] - y[j, 0]) ** 2))
    return float(np.sqrt(2 * np.vdot(plan(x, y, a=a, b=b), half_squared(x, y))))


def monge_gap(
    x: Float[np.ndarray, "n d"],
    mapped: Float[np.ndarray, "n d"],
    cost: Callable[[np.ndarray, np.ndarray], np.ndarray] = half_squared,
) -> float:
    """How much a map pays beyond the optimal plan between its own two ends; 0 exactly if it is optimal for the cost on these points.

    Args:
        x: points.
        mapped: where a map sends each of them.
        cost: costs (n, m) of every pair of two clouds.
    """
    c = matrix(cost(x, mapped), x, mapped)
    best = matching(x, mapped, c)
    rows = np.arange(len(x))
    return max(float(c[rows, rows].mean() - c[rows, best].mean()), 0.0)

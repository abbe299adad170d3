"""Maps for new points from an entropic plan: the entropic map, and the progressive one.

    T(x) = sum_j w_j(x) y_j,     w_j(x) proportional to b_j exp((g_j - |x - y_j|^2 / 2) / eps)

is the plan's conditional mean, continued from the points x_i it was computed on to the whole space (Pooladian and Niles-Weed 2021). It is
the cheapest good estimate of an optimal map, and it shrinks towards the mean of y as eps grows.

Progressive transport (ProgOT; Kassraie, Pooladian, Klein, Thornton, Niles-Weed and Cuturi 2024) moves the points a share alpha_k of the
way at each of K steps, z <- (1 - alpha_k) z + alpha_k T_k(z), each T_k an entropic map from where the points stand NOW to y, and the last
step all the way. With t_k the share of the way done, eps_k = (1 - t_k) start + t_k end. What it buys is that a start far too large does
less harm; it is not more accurate than one map with a well-chosen eps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import half_squared, weights
from rkdiff.transport.sinkhorn import Plan, sinkhorn

#: At most this many entries in one block of costs.
BLOCK = 4_000_000

Schedule = Literal["constant", "decelerated", "accelerated"]


def entropic_map(
    points: Float[np.ndarray, "k d"], plan: Plan, y: Float[np.ndarray, "m d"], *, b: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, "k d"]:
    """Where an entropic plan for the cost |x - y|^2 / 2 sends any points.

    Args:
        plan: the plan, from x to y.
        y: the points it leads to, with their weights `b` (uniform if left out).
    """
    return _mean(points, plan.g, y, weights(b, len(y), "b"), plan.eps)


def _mean(points: np.ndarray, g: np.ndarray, y: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        offset = g / eps + np.log(b)
    out = np.empty((len(points), y.shape[1]))
    rows = max(1, BLOCK // len(y))
    for k in range(0, len(points), rows):
        z = half_squared(points[k : k + rows], y)
        z /= -eps
        z += offset
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        out[k : k + rows] = (z @ y) / z.sum(axis=1, keepdims=True)
    return out


@dataclass(frozen=True, eq=False)
class Progressive:
    """A progressive map: the potentials of its steps.

    Attributes:
        y: the target's points.
        potentials: g of each step.
        eps: entropic parameter of each step.
        shares: how much of the remaining way each step goes.
        converged: whether every step's plan was solved to its tolerance.
    """

    y: Float[np.ndarray, "m d"]
    potentials: Float[np.ndarray, "s m"]
    eps: Float[np.ndarray, " s"]
    shares: Float[np.ndarray, " s"]
    converged: bool

    def __call__(self, points: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Where the map sends any points: the last step's full map of where they have come by then."""
        return self.path(points)[-1]

    def path(self, points: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "s1 k d"]:
        """Where the points stand before the first step, after each, and (last) where the map sends them."""
        z = np.asarray(points, dtype=np.float64)
        out = [z]
        b = weights(None, len(self.y))
        for k, (g, eps, share) in enumerate(zip(self.potentials, self.eps, self.shares, strict=True)):
            there = _mean(z, g, self.y, b, float(eps))
            z = there if k == len(self.eps) - 1 else (1 - share) * z + share * there
            out.append(z)
        return np.stack(out)


def shares(kind: Schedule, steps: int) -> Float[np.ndarray, " s"]:
    """The share of the remaining way of each step: constant speed 1 / (K - k), slowing down 1/e, or speeding up.

    Raises:
        ValueError: an unknown schedule, or no step.
    """
    if kind not in get_args(Schedule) or steps < 1:
        raise ValueError(
            f"the schedule is {kind!r} with {steps} steps; choose {', '.join(get_args(Schedule))} and at least one step"
        )
    k = np.arange(steps)
    if kind == "constant":
        return 1 / (steps - k)
    if kind == "decelerated":
        return np.full(steps, 1 / np.e)
    return (2.0 * k + 3) / ((steps + 1) ** 2 - (k + 1) ** 2)


def progressive(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    start_eps: float,
    end_eps: float,
    *,
    steps: int = 4,
    schedule: Schedule = "constant",
    tolerance: float = 1e-6,
    most: int = 2000,
) -> Progressive:
    """Solve the steps of progressive transport from x to y.

    Args:
        start_eps, end_eps: entropic parameters between which the steps interpolate (`own_eps` proposes the second).
        steps: number of entropic maps; 1 is the plain entropic map at `start_eps`.

    Raises:
        ValueError: as `sinkhorn` and `shares`.
    """
    alpha = shares(schedule, steps)
    done = 1 - np.concatenate([[1.0], np.cumprod(1 - alpha)[:-1]])
    eps = (1 - done) * start_eps + done * end_eps
    z, b = np.asarray(x, dtype=np.float64), weights(None, len(y))
    potentials, converged = [], True
    for share, e in zip(alpha, eps, strict=True):
        plan = sinkhorn(z, y, float(e), tolerance=tolerance, most=most)
        potentials.append(plan.g)
        converged = converged and plan.converged
        z = (1 - share) * z + share * _mean(z, plan.g, y, b, float(e))
    return Progressive(y, np.stack(potentials), eps, alpha, converged)


def own_eps(
    y: Float[np.ndarray, "m d"], held_out: Float[np.ndarray, "k d"], candidates: Float[np.ndarray, " c"], most: int = 2000
) -> float:
    """The candidate at which the entropic map of a cloud to itself moves held-out points least.

    Raises:
        ValueError: no candidate, or as `sinkhorn`.
    """
    if len(candidates) == 0:
        raise ValueError("there is no candidate for eps; give at least one")
    errors = []
    for eps in candidates:
        plan = sinkhorn(y, y, float(eps), tolerance=1e-4, most=most)
        errors.append(float(((entropic_map(held_out, plan, y) - held_out) ** 2).sum(1).mean()))
    return float(candidates[int(np.argmin(errors))])

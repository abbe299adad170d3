"""Barycentres: the measure nearest to several, minimising sum_k w_k W2^2(mu, mu_k).

    on the line     the average of the quantile functions: exact
    Gaussians       the mean of the means; the covariance by  S <- S^{-1/2} (sum_k w_k (S^{1/2} S_k S^{1/2})^{1/2})^2 S^{-1/2}
    free support    n points of equal mass, moved in turn to the mean of where exact plans send them
    sliced          n points in the sliced distance: each goes by the average over directions of its averaged targets

The last is a step of the sliced-Wasserstein flow with all targets at once, X <- X + eta d v(X): with directions that obey
mean theta theta' = I/d exactly, the sliced objective falls for every eta in (0, 2). References: Agueh and Carlier 2011;
Alvarez-Esteban, del Barrio, Cuesta-Albertos and Matran 2016; Cuturi and Doucet 2014; Bonneel, Rabin, Peyre and Pfister 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.processes.gaussians import Gaussian, power, root
from rkdiff.processes.slices import directions, quantile_targets, ranked, squared_wasserstein
from rkdiff.transport._clouds import half_squared, pair, weights
from rkdiff.transport.exact import plan


@dataclass(frozen=True, eq=False)
class Barycentre:
    """Points of equal mass and how they were found.

    Attributes:
        points: the barycentre's support.
        objective: sum_k w_k W2^2 (or SW2^2), before the first step and after each.
        converged: whether the last step's relative gain was below the tolerance.
    """

    points: Float[np.ndarray, "n d"]
    objective: Float[np.ndarray, " s"]
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the points."""
        return {"points": list(self.points.shape), "objective": self.objective.tolist(), "converged": self.converged}


def on_line(
    clouds: Sequence[Float[np.ndarray, " _"]], shares: Float[np.ndarray, " k"] | None = None
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """The exact barycentre of samples of equal masses on the line: ascending points and their masses.

    Raises:
        ValueError: no sample, an empty one, or one with a number that is not finite.
    """
    if not clouds or any(len(c) == 0 for c in clouds):
        raise ValueError("a barycentre needs at least one sample, and none of them empty")
    if not all(np.isfinite(c).all() for c in clouds):
        raise ValueError("a sample holds numbers that are not finite; remove those first")
    w = weights(shares, len(clouds), "shares")
    # levels as whole numbers, so that k/n and the same share of another size are one level
    common = int(np.lcm.reduce(np.array([len(c) for c in clouds], dtype=object)))
    levels = sorted({r * (common // len(c)) for c in clouds for r in range(1, len(c) + 1)})
    edges = [0, *levels]
    points = np.zeros(len(levels))
    for share, cloud in zip(w, clouds, strict=True):
        step = common // len(cloud)
        points += share * np.sort(cloud)[[(e - 1) // step for e in levels]]
    return points, np.array([(high - low) / common for low, high in pairwise(edges)])


def of_gaussians(
    gaussians: Sequence[Gaussian], shares: Float[np.ndarray, " k"] | None = None, tolerance: float = 1e-12, most: int = 500
) -> Gaussian:
    """The barycentre of Gaussians, a Gaussian.

    Raises:
        ValueError: none given, or different dimensions.
    """
    if not gaussians or len({g.dim for g in gaussians}) > 1:
        raise ValueError(
            f"Gaussians of dimensions {[g.dim for g in gaussians]} have no barycentre; give at least one, all of one dimension"
        )
    w = weights(shares, len(gaussians), "shares")
    s = sum((share * g.cov for share, g in zip(w, gaussians, strict=True)), start=np.zeros_like(gaussians[0].cov))
    for _ in range(most):
        half, less = root(s), power(s, -0.5)
        inner = sum((share * root(half @ g.cov @ half) for share, g in zip(w, gaussians, strict=True)), start=np.zeros_like(s))
        new = less @ inner @ inner @ less
        moved = float(np.abs(new - s).max())
        s = (new + new.T) / 2
        if moved <= tolerance * float(np.trace(s)):
            break
    return Gaussian(sum((share * g.mean for share, g in zip(w, gaussians, strict=True)), start=np.zeros(len(s))), s)


def free_support(
    clouds: Sequence[Float[np.ndarray, "_ d"]],
    start: Float[np.ndarray, "n d"],
    shares: Float[np.ndarray, " k"] | None = None,
    steps: int = 20,
    tolerance: float = 1e-6,
) -> Barycentre:
    """The barycentre on as many points as `start` has, moved from there; a local minimum in general.

    Raises:
        ValueError: clouds that do not fit.
    """
    _check(clouds, start, steps)
    w = weights(shares, len(clouds), "shares")
    points = np.asarray(start, dtype=np.float64)

    def sent(at: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective, and the mean of where the plans send each point."""
        plans = [plan(at, c) for c in clouds]
        costs = [2 * np.vdot(p, half_squared(at, c)) for p, c in zip(plans, clouds, strict=True)]
        ends = [share * len(at) * (p @ c) for share, p, c in zip(w, plans, clouds, strict=True)]
        return float(w @ costs), np.sum(ends, axis=0)

    value, goal = sent(points)
    trace, converged = [value], False
    for _ in range(steps):
        points = goal
        value, goal = sent(points)
        trace.append(value)
        converged = trace[-2] - trace[-1] <= tolerance * max(trace[-1], np.finfo(float).tiny)
        if converged:
            break
    return Barycentre(points, np.array(trace), converged)


def sliced(
    clouds: Sequence[Float[np.ndarray, "_ d"]],
    start: Float[np.ndarray, "n d"],
    generator: np.random.Generator,
    shares: Float[np.ndarray, " k"] | None = None,
    steps: int = 100,
    count: int = 64,
    eta: float = 1.0,
    tolerance: float = 1e-6,
) -> Barycentre:
    """The barycentre in the sliced distance over one fixed set of about `count` directions.

    Args:
        start: where the points begin.
        generator: draws the directions.
        eta: share of the step, above 0 and below 2.

    Raises:
        ValueError: clouds that do not fit, or a step outside its range.
    """
    _check(clouds, start, steps)
    if not 0 < eta < 2:
        raise ValueError(f"the step is {eta}; choose one above 0 and below 2, where the objective falls")
    w = weights(shares, len(clouds), "shares")
    x = np.asarray(start, dtype=np.float64).copy()
    n, d = x.shape
    theta = directions(d, count, generator)
    sorted_clouds = [np.sort(theta @ c.T, axis=1) for c in clouds]
    target = sum(
        (share * quantile_targets(s, n) for share, s in zip(w, sorted_clouds, strict=True)), start=np.zeros((len(theta), n))
    )
    trace, converged = [], False
    for step in range(steps + 1):
        p = theta @ x.T
        order = ranked(p)
        ordered = np.take_along_axis(p, order, axis=1)
        trace.append(
            float(sum(share * squared_wasserstein(ordered, s).mean() for share, s in zip(w, sorted_clouds, strict=True)))
        )
        converged = step > 0 and trace[-2] - trace[-1] <= tolerance * max(trace[-1], np.finfo(float).tiny)
        if converged or step == steps:
            break
        goal = np.empty_like(p)
        np.put_along_axis(goal, order, target, axis=1)
        x += eta * d * ((goal - p).T @ theta) / len(theta)
    return Barycentre(x, np.array(trace), converged)


def _check(clouds: Sequence[np.ndarray], start: np.ndarray, steps: int) -> None:
    if not clouds or steps < 1:
        raise ValueError(f"{len(clouds)} clouds and {steps} steps; give at least one of each")
    for cloud in clouds:
        pair(start, cloud)

"""Transport between several clouds at once: multi-marginal Sinkhorn, and the matching gap.

    minimise over tensors P with marginals a^1 .. a^k:   <P, C> + eps KL(P | a^1 x .. x a^k),     C = sum_{r < s} |x^r - x^s|^2 / 2

With two clouds this is `sinkhorn`. The matching gap says how far clouds whose i-th points belong together are from being matched at best:

    gap = mean_i C(x^1_i, .., x^k_i) - min_P { <P, C> - eps (H(P) - log n) } >= 0,      H the entropy of the tensor

(the coupling of belonging points has H = log n and is one of those compared). Reference: Piran, Klein, Thornton and Cuturi 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import half_squared, pair, weights

#: Most entries of a tensor.
ENTRIES = 4_000_000


@dataclass(frozen=True, eq=False)
class Coupling:
    """A coupling of several clouds and how it was found.

    Attributes:
        plan: the tensor of masses, one axis for each cloud.
        cost: <P, C>.
        value: <P, C> + eps KL(P | product).
        eps: the entropic parameter.
        iterations: rounds over all axes.
        error: the largest L1 error of a marginal.
        converged: whether it fell below the tolerance.
    """

    plan: np.ndarray
    cost: float
    value: float
    eps: float
    iterations: int
    error: float
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the tensor."""
        names = ("cost", "value", "eps", "iterations", "error", "converged")
        return {"points": list(self.plan.shape), **{name: getattr(self, name) for name in names}}


def costs(clouds: Sequence[Float[np.ndarray, "_ d"]]) -> np.ndarray:
    """The tensor of sums of |x^r - x^s|^2 / 2 over all pairs of clouds.

    Raises:
        ValueError: fewer than two clouds, or a tensor of more than `ENTRIES` entries.
    """
    sizes = [len(c) for c in clouds]
    entries = float(np.prod([float(s) for s in sizes]))
    if len(clouds) < 2 or entries > ENTRIES:
        raise ValueError(
            f"{len(clouds)} clouds with {entries:.3g} combinations; give at least two clouds and at most {ENTRIES:.3g}"
        )
    out = np.zeros(sizes)
    for r, x in enumerate(clouds):
        for s in range(r + 1, len(clouds)):
            pair(x, clouds[s])
            shape = [1] * len(clouds)
            shape[r], shape[s] = sizes[r], sizes[s]
            out += half_squared(x, clouds[s]).reshape(shape)
    return out


def multimarginal(
    clouds: Sequence[Float[np.ndarray, "_ d"]],
    eps: float,
    *,
    masses: Sequence[Float[np.ndarray, " _"] | None] | None = None,
    tolerance: float = 1e-8,
    most: int = 2000,
) -> Coupling:
    """The entropic coupling of several clouds, by Sinkhorn rounds over the axes in the log domain.

    Args:
        eps: entropic parameter, > 0.
        masses: weights of each cloud, uniform where None.

    Raises:
        ValueError: clouds, weights or settings that cannot be.
    """
    c = costs(clouds)
    if not 1e-9 * float(c.max()) <= eps < np.inf or eps <= 0 or most < 1:
        raise ValueError(
            f"eps is {eps} and most {most}; give an eps of at least 1e-9 of the largest cost and at least one round"
        )
    given = masses if masses is not None else [None] * c.ndim
    a = [weights(m, n, "masses") for m, n in zip(given, c.shape, strict=True)]
    with np.errstate(divide="ignore"):
        logs = [np.log(w) for w in a]
    z = -c / eps
    for r, log in enumerate(logs):
        z += _along(log, r, c.ndim)
    rounds, error = 0, np.inf
    potential = [np.zeros(n) for n in c.shape]
    while rounds < most and error >= tolerance:
        rounds += 1
        errors = []
        for r in range(c.ndim):
            others = tuple(s for s in range(c.ndim) if s != r)
            top = z.max(axis=others, keepdims=True)
            top = np.where(np.isfinite(top), top, 0.0)
            with np.errstate(divide="ignore"):
                found = np.log(np.exp(z - top).sum(axis=others)) + top.reshape(-1)
            errors.append(float(np.abs(np.exp(found) - a[r]).sum()))
            change = np.where(a[r] > 0, logs[r] - np.where(np.isfinite(found), found, 0.0), 0.0)
            potential[r] += change
            z += _along(change, r, c.ndim)
        error = max(errors)
    plan = np.exp(z)
    moved = float(np.vdot(plan, c))
    shared = sum(float(p @ plan.sum(axis=tuple(s for s in range(c.ndim) if s != r))) for r, p in enumerate(potential))
    return Coupling(plan, moved, eps * shared, float(eps), rounds, error, error < tolerance)


def _along(values: np.ndarray, axis: int, axes: int) -> np.ndarray:
    shape = [1] * axes
    shape[axis] = len(values)
    return values.reshape(shape)


@dataclass(frozen=True)
class Gap:
    """A matching gap and its two sides: what belonging points cost, and the least there is."""

    gap: float
    paired: float
    least: float
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        return {"gap": self.gap, "paired": self.paired, "least": self.least, "converged": self.converged}


def matching_gap(clouds: Sequence[Float[np.ndarray, "n d"]], eps: float, *, tolerance: float = 1e-6, most: int = 2000) -> Gap:
    """How far clouds, whose i-th points belong together, are from a best matching.

    Raises:
        ValueError: clouds of different sizes, or as `multimarginal`.
    """
    sizes = {len(c) for c in clouds}
    if len(sizes) != 1:
        raise ValueError(f"clouds of {sorted(sizes)} points cannot belong together point by point; give clouds of one size")
    n = sizes.pop()
    found = multimarginal(clouds, eps, tolerance=tolerance, most=most)
    rows = np.arange(n)
    paired = float(costs(clouds)[tuple(rows for _ in clouds)].mean())
    least = found.value - eps * (len(clouds) - 1) * float(np.log(n))
    return Gap(paired - least, paired, least, found.converged)

"""Transport where masses need not agree: relaxed marginals, or only a part of the mass.

    unbalanced:   minimise  <P, C> + eps KL(P | a b') + reach KL(P 1 | a) + reach KL(P' 1 | b)       (KL of unnormalised measures)
    partial:      minimise  <P, C>   with  P 1 <= a,  P' 1 <= b,  total mass m

In the first, `reach` is the price of making or destroying mass: what costs much more than it to move is given up instead, and as it grows
the balanced plan returns. The Sinkhorn updates are those of `sinkhorn` times reach / (reach + eps), and before each the constant that the
two potentials share is set at its best (Sejourne, Vialard and Peyre 2022). The second is exact (POT: a balanced problem with two added
points). Costs are |x - y|^2 / 2 unless given. References: Chizat, Peyre, Schmitzer and Vialard 2018; Chapel, Alaya and Gasso 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import in_solver_units, matrix, soft_min, weights


@dataclass(frozen=True, eq=False)
class Loose:
    """A plan whose marginals are not those given.

    Attributes:
        plan: mass from x_i to y_j.
        cost: <P, C>, in the units of C.
        mass: the total.
        iterations: rounds made; 0 where none are.
        converged: whether the potentials came to rest.
    """

    plan: Float[np.ndarray, "n m"]
    cost: float
    mass: float
    iterations: int
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the arrays."""
        names = ("cost", "mass", "iterations", "converged")
        return {"points": list(self.plan.shape), **{name: getattr(self, name) for name in names}}


def unbalanced(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    eps: float,
    reach: float,
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
    cost: Float[np.ndarray, "n m"] | None = None,
    tolerance: float = 1e-8,
    most: int = 5000,
) -> Loose:
    """The entropic plan with both marginals relaxed by KL.

    Args:
        eps: entropic parameter, > 0, in the units of the cost.
        reach: price of mass, > 0, in the same units (POT's reg_m).
        tolerance: largest change of a potential over eps at which to stop.
        most: most rounds.

    Raises:
        ValueError: clouds, weights, costs or settings that cannot be.
    """
    c, a, b = matrix(cost, x, y), weights(a, len(x), "a"), weights(b, len(y), "b")
    if not (0 < eps < np.inf and 0 < reach < np.inf):
        raise ValueError(f"eps is {eps} and reach {reach}; give two positive numbers in the units of the cost")
    share = reach / (reach + eps)
    scaled = c / eps
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    p, q = np.zeros(len(x)), np.zeros(len(y))
    moved, rounds = np.inf, 0
    while rounds < most and moved >= tolerance:
        rounds += 1
        before = q
        # the best constant to move from one potential to the other, or masses would take reach / eps rounds to agree
        shift = (_soft_mean(q, b, eps / reach) - _soft_mean(p, a, eps / reach)) / 2
        q = q - shift
        p = share * soft_min(scaled - (q + log_b)[None, :], axis=1)
        q = share * soft_min(scaled - (p + log_a)[:, None], axis=0)
        moved = float(np.abs(q - before).max())
    plan = np.exp(p[:, None] + q[None, :] - scaled + log_a[:, None] + log_b[None, :])
    return Loose(plan, float(np.vdot(plan, c)), float(plan.sum()), rounds, moved < tolerance)


def _soft_mean(p: np.ndarray, w: np.ndarray, s: float) -> float:
    """-log(sum_i w_i exp(-s p_i)) / s, which is the plain mean as s falls to 0."""
    if s * float(np.abs(p).max()) < 0.5:
        return -float(np.log1p(w @ np.expm1(-s * p))) / s
    with np.errstate(divide="ignore"):
        return float(soft_min((s * p - np.log(w))[:, None], axis=0)[0]) / s


def partial(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    mass: float,
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
    cost: Float[np.ndarray, "n m"] | None = None,
) -> Loose:
    """The exact plan that moves a share of the mass, where that is cheapest.

    Args:
        mass: the share, above 0 and at most 1.

    Raises:
        ValueError: a share outside these bounds, or clouds, weights or costs that cannot be.
    """
    c, a, b = matrix(cost, x, y), weights(a, len(x), "a"), weights(b, len(y), "b")
    if not 0 < mass <= 1:
        raise ValueError(f"the mass is {mass}; give a share above 0 and at most 1")
    if mass == 1:
        from rkdiff.transport import exact

        plan = exact.plan(x, y, a=a, b=b, cost=c)
    else:
        import ot

        plan = np.asarray(ot.partial.partial_wasserstein(a, b, in_solver_units(c), m=mass))
    return Loose(plan, float(np.vdot(plan, c)), float(plan.sum()), 0, True)

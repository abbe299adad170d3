"""The Sinkhorn divergence: entropic transport without its bias.

    S_eps(x, y) = OT_eps(x, y) - (OT_eps(x, x) + OT_eps(y, y)) / 2,     OT_eps = min_P <P, C> + eps KL(P | a b'),     C = |x - y|^2 / 2

It is non-negative and 0 between equal clouds alone; as eps falls to 0 it is W2^2 / 2, as it grows half the squared distance of the means. A
cloud's problem with itself has one potential, found by averaged updates, f <- (f + update(f)) / 2. Reference: Feydy et al. 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import matrix, soft_min, weights
from rkdiff.transport.sinkhorn import Plan, sinkhorn
from rkdiff.transport.starts import Start


@dataclass(frozen=True, eq=False)
class Divergence:
    """The debiased divergence and the three problems behind it.

    Attributes:
        value: OT_eps(x, y) - (OT_eps(x, x) + OT_eps(y, y)) / 2; at the optimum non-negative, and 0 between equal clouds alone.
        between: the plan from x to y.
        own: OT_eps(x, x) and OT_eps(y, y).
        converged: whether all three were solved to the tolerance.
    """

    value: float
    between: Plan
    own: tuple[float, float]
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the arrays."""
        return {
            "value": self.value,
            "own": list(self.own),
            "converged": self.converged,
            "between": self.between.to_dict(),
        }


def sinkhorn_divergence(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    eps: float,
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
    start: Start = "zero",
    tolerance: float = 1e-8,
    most: int = 2000,
) -> Divergence:
    """The Sinkhorn divergence for the cost |x - y|^2 / 2; arguments as in `sinkhorn`.

    Raises:
        ValueError: as `sinkhorn`.
    """
    between = sinkhorn(x, y, eps, a=a, b=b, start=start, tolerance=tolerance, most=most)
    (xx, done_x), (yy, done_y) = _own(x, a, eps, tolerance, most), _own(y, b, eps, tolerance, most)
    return Divergence(between.value - (xx + yy) / 2, between, (xx, yy), between.converged and done_x and done_y)


def _own(x: np.ndarray, a: np.ndarray | None, eps: float, tolerance: float, most: int) -> tuple[float, bool]:
    """OT_eps of a cloud with itself by averaged updates of the one potential, f <- (f + update(f)) / 2."""
    c, a = matrix(None, x, x), weights(a, len(x), "a")
    c /= eps
    with np.errstate(divide="ignore"):
        log_a = np.log(a)
    f = np.zeros(len(x))
    error = np.inf
    for _ in range(most):
        new = soft_min(c - (f + log_a)[None, :], axis=1)
        error = float((a * np.abs(np.expm1(np.minimum(f - new, 600.0)))).sum())
        f = (f + new) / 2
        if error < tolerance:
            break
    # of a pair (f, update of f) the dual value needs no correction: its rows are exact
    return eps * float((f + soft_min(c - (f + log_a)[None, :], axis=1)) @ a), error < tolerance

"""Entropic optimal transport between clouds: Sinkhorn's algorithm in the log domain.

    minimise over plans P with marginals a, b:   <P, C> + eps KL(P | a b')
    P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps),     f_i = -eps log sum_j b_j exp((g_j - C_ij) / eps),     g_j likewise

The cost C is |x - y|^2 / 2 unless given, and eps = sigma^2, the variance of the Brownian reference at time 1. POT's `ot.sinkhorn` on
`ot.dist` (no half) finds the same plan with reg = 2 eps. Each round updates f, then g; it stops after an update of f, so the rows of P sum
to a up to rounding and the error is that of the columns, sum_j |(P' 1)_j - b_j|.

Between exact log-domain updates the rounds run on the kernel exp((f + g - C) / eps) with the current potentials absorbed, a product of a
matrix and a vector each; as soon as a scaling leaves [e^-40, e^40] it is absorbed too, and where a sum underflows the update is made by
log-sum-exp (Schmitzer 2019, algorithm 2). `annealed` halves eps from max(C) down to the eps asked for, each stage starting from the last.

Reference: Cuturi 2013; Peyre and Cuturi 2019, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import matrix, soft_min, weights
from rkdiff.transport.starts import Start, start_potential

#: The least eps, as a share of the largest cost: below it the potentials over eps have no digits left for the plan.
LEAST = 1e-9

#: Scalings are absorbed into the potentials when their logarithm leaves this range.
RANGE = 40.0


@dataclass(frozen=True, eq=False)
class Plan:
    """An entropic plan and how it was found.

    Attributes:
        plan: mass P_ij that goes from x_i to y_j.
        f, g: dual potentials, their constant fixed by <f, a> = <g, b>.
        cost: the transport cost <P, C>, in the units of C.
        value: the dual value <f, a> + <g, b>, which is <P, C> + eps KL(P | a b') at the optimum and below it before.
        eps: the entropic parameter.
        iterations: rounds (an update of f and of g) made, over all stages.
        error: L1 distance of the second marginal from b.
        converged: whether the error fell below the tolerance.
    """

    plan: Float[np.ndarray, "n m"]
    f: Float[np.ndarray, " n"]
    g: Float[np.ndarray, " m"]
    cost: float
    value: float
    eps: float
    iterations: int
    error: float
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the arrays."""
        names = ("cost", "value", "eps", "iterations", "error", "converged")
        return {"points": list(self.plan.shape), **{name: getattr(self, name) for name in names}}


def sinkhorn(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    eps: float,
    *,
    a: Float[np.ndarray, " n"] | None = None,
    b: Float[np.ndarray, " m"] | None = None,
    cost: Float[np.ndarray, "n m"] | None = None,
    start: Start | Float[np.ndarray, " m"] = "zero",
    tolerance: float = 1e-8,
    most: int = 2000,
    annealed: bool = False,
) -> Plan:
    """The entropic plan from x to y.

    Args:
        eps: entropic parameter, > 0, in the units of the cost.
        a: weights of x, non-negative with sum one; uniform if left out.
        b: weights of y.
        cost: cost of every pair; |x - y|^2 / 2 if left out.
        start: "zero", "gaussian", "sorting", "subsample" (see `rkdiff.transport.starts`), or a potential g to begin from.
        tolerance: L1 error of the second marginal at which to stop; 1e-4 is enough for a picture.
        most: most rounds, over all stages.
        annealed: come down to eps by halves from the largest cost.

    Raises:
        ValueError: clouds, weights, costs or settings that cannot be.
    """
    c, a, b = matrix(cost, x, y), weights(a, len(x), "a"), weights(b, len(y), "b")
    top = float(np.abs(c).max())
    if not np.isfinite(eps) or eps <= 0 or eps < LEAST * top:
        raise ValueError(f"eps is {eps}; give at least {LEAST * top:.3g}, {LEAST:g} of the largest cost, or use the exact plan")
    if not tolerance > 0 or most < 1:
        raise ValueError(f"tolerance is {tolerance} and most {most}; give a positive tolerance and at least one round")
    eps = float(eps)
    stages = _stages(top, eps) if annealed else [eps]
    g = start_potential(start, x, y, a, b, c, stages[0], cost is None)
    done = 0
    for stage in stages[:-1]:  # they share half of the rounds, and need no precision
        f, g, rounds, error = _rounds(c, a, b, g, stage, max(tolerance, 1e-2), max(1, most // (2 * len(stages))))
        done += rounds
    f, g, rounds, error = _rounds(c, a, b, g, eps, tolerance, max(1, most - done))
    done += rounds
    return _finished(c, a, b, f, g, eps, done, error, tolerance)


def _stages(top: float, eps: float) -> list[float]:
    out = [eps]
    while 2 * out[0] < top:
        out.insert(0, 2 * out[0])
    return out


def _rounds(
    c: np.ndarray, a: np.ndarray, b: np.ndarray, g: np.ndarray, eps: float, tolerance: float, most: int
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Potentials after rounds from g, the number of rounds, and the error; f is always the exact update of g."""
    scaled = c / eps
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    q = g / eps  # g over eps, then f over eps
    p = soft_min(scaled - (q + log_b)[None, :], axis=1)
    rounds, error = 1, np.inf
    kernel, u, v = _kernel(scaled, p, q), np.ones(len(a)), np.ones(len(b))
    while True:
        sums = (a * u) @ kernel
        error = float((b * np.abs(v * sums - 1)).sum())
        if not np.isfinite(error):
            raise ValueError(f"the potentials are not finite after {rounds} rounds with eps = {eps:.3g}; raise eps")
        if error < tolerance or rounds >= most:
            return (p + np.log(u)) * eps, (q + np.log(v)) * eps, rounds, error
        rounds += 1
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # what is not finite is made anew below
            new_v = 1 / sums
            new_u = 1 / (kernel @ (b * new_v))
        if max(_spread(new_u), _spread(new_v)) < RANGE:
            u, v = new_u, new_v
            continue
        p = p + np.log(u)
        q = soft_min(scaled - (p + log_a)[:, None], axis=0)
        p = soft_min(scaled - (q + log_b)[None, :], axis=1)
        kernel, u, v = _kernel(scaled, p, q), np.ones(len(a)), np.ones(len(b))


def _kernel(scaled: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    out = p[:, None] + q[None, :]
    out -= scaled
    # weightless points may stand far below every other; their entries carry no mass and must not overflow
    np.minimum(out, 600.0, out=out)
    return np.exp(out, out=out)


def _spread(scaling: np.ndarray) -> float:
    """The largest |log| of a scaling; infinite where it is 0, infinite or not a number."""
    if not np.isfinite(scaling).all() or scaling.min() <= 0:
        return np.inf
    return float(np.abs(np.log(scaling)).max())


def _finished(
    c: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    eps: float,
    rounds: int,
    error: float,
    tolerance: float,
) -> Plan:
    plan = _kernel(c / eps, f / eps, g / eps)
    plan *= a[:, None]
    plan *= b[None, :]
    shift = (float(f @ a) - float(g @ b)) / 2
    f, g = f - shift, g + shift
    moved = float(np.vdot(plan, c))
    return Plan(plan, f, g, moved, float(f @ a + g @ b), eps, rounds, error, error < tolerance)

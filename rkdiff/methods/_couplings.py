"""Couplings of a batch of source points with a batch of target points: which goes with which.

    independent   the order in which both were drawn
    ot            the assignment of least sum |x - y|^2 (Tong et al. 2024, Pooladian et al. 2023): a permutation, both batches stay whole
    immiscible    the same on distances rounded to half precision (Li et al. 2024): quicker where distances are the cost, nearly as good
    sinkhorn      partners drawn from the rows of the entropic plan with eps = sigma^2 for the cost |x - y|^2 / 2, that is the kernel
                  exp(-|x - y|^2 / (2 sigma^2)); POT calls this reg = 2 sigma^2 for the cost |x - y|^2

Each is a function of (x0, x1, generator, sigma) that returns, for every source point, the index of its partner. A coupling of batches is
not the coupling of the laws: the assignment of small batches is close to independent, and only large ones approach the optimal plan
(Fatras et al. 2020). The sources keep their law under all of them; under "sinkhorn" a target may be drawn twice and another never.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

#: Coupling: (source points, target points, random numbers, sigma) -> partner of every source point.
Coupling = Callable[
    [Float[np.ndarray, "n d"], Float[np.ndarray, "n d"], np.random.Generator, float],
    Int[np.ndarray, " n"],
]

#: Scalings of the kernel between two passes in the logarithm, the most such rounds, and the error of the row sums that is good enough.
SCALINGS, ROUNDS, TOLERANCE = 10, 100, 1e-3


def squared_distances(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """|x_i - y_j|^2, never negative."""
    both = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.maximum(both, 0.0)


def independent(
    x0: Float[np.ndarray, "n d"], x1: Float[np.ndarray, "n d"], generator: np.random.Generator, sigma: float = 1.0
) -> Int[np.ndarray, " n"]:
    """Everyone keeps the partner it was drawn with."""
    return np.arange(len(x0))


def optimal(
    x0: Float[np.ndarray, "n d"], x1: Float[np.ndarray, "n d"], generator: np.random.Generator, sigma: float = 1.0
) -> Int[np.ndarray, " n"]:
    """The permutation of least total squared distance."""
    return _assigned(squared_distances(x0, x1))


def immiscible(
    x0: Float[np.ndarray, "n d"], x1: Float[np.ndarray, "n d"], generator: np.random.Generator, sigma: float = 1.0
) -> Int[np.ndarray, " n"]:
    """The permutation of least total squared distance, each rounded to half precision."""
    squared = squared_distances(x0, x1)
    unit = float(squared.max()) or 1.0  # half precision ends at 65504
    return _assigned((squared / unit).astype(np.float16).astype(np.float64))


def sinkhorn(
    x0: Float[np.ndarray, "n d"], x1: Float[np.ndarray, "n d"], generator: np.random.Generator, sigma: float = 1.0
) -> Int[np.ndarray, " n"]:
    """A partner for every source point, drawn from its row of the entropic plan with eps = sigma^2.

    Raises:
        ValueError: sigma is not positive.
    """
    ladder = np.cumsum(entropic_plan(x0, x1, sigma), axis=1)
    u = generator.random(len(x0)) * ladder[:, -1]
    return np.minimum((ladder < u[:, None]).sum(axis=1), len(x1) - 1)


COUPLINGS: dict[str, Coupling] = {"independent": independent, "ot": optimal, "sinkhorn": sinkhorn, "immiscible": immiscible}


def coupling_named(name: str) -> Coupling:
    """The coupling of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in COUPLINGS:
        raise ValueError(f"coupling is {name!r}; choose one of {', '.join(COUPLINGS)}")
    return COUPLINGS[name]


def entropic_plan(
    x0: Float[np.ndarray, "n d"],
    x1: Float[np.ndarray, "m d"],
    sigma: float,
    tolerance: float = TOLERANCE,
    rounds: int = ROUNDS,
) -> Float[np.ndarray, "n m"]:
    """The entropic plan between equal weights with eps = sigma^2: columns sum to 1/m exactly, rows to 1/n within the tolerance.

    Passes in the logarithm, which no kernel can underflow, alternate with plain scalings of the kernel they leave, which are fifty times
    as quick, and the kernel narrows to its width step by step (Schmitzer 2019, section 3). Ends when the row sums are off by less than
    `tolerance` in all, or after `rounds` rounds.

    Raises:
        ValueError: sigma is not positive.
    """
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; an entropic plan needs sigma > 0: choose the coupling 'ot' for its limit")
    squared, aim = squared_distances(x0, x1), 2 * sigma**2
    n, m = squared.shape
    f, g = np.zeros(n), np.zeros(m)
    level = max(aim, float(squared.max()) / 4)
    while level > aim:  # the duals of a wider kernel are a good start for a narrower one
        f, g, _ = _scaled(squared / level, g / level)
        f, g, level = level * f, level * g, max(aim, level / 4)
    cost, g = squared / aim, g / aim
    for _ in range(max(rounds, 1)):
        f, g, kernel = _scaled(cost, g)
        if float(np.abs(kernel.sum(axis=1) - 1 / n).sum()) < tolerance:
            break
    return kernel


def _scaled(
    cost: Float[np.ndarray, "n m"], g: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"], Float[np.ndarray, "n m"]]:
    """Duals after one round of scalings, and the plan, with exact column sums, of a pass in the logarithm before it."""
    n, m = cost.shape
    f = -_logsumexp(g - cost, axis=1) - np.log(n)
    g = -_logsumexp((f[:, None] - cost).T, axis=1) - np.log(m)
    kernel = np.exp(f[:, None] + g - cost)
    v = np.ones(m)
    for _ in range(SCALINGS):
        u = 1 / n / np.maximum(kernel @ v, 1e-300)
        v = 1 / m / np.maximum(u @ kernel, 1e-300)
    return f + np.log(u), g + np.log(v), kernel


def _logsumexp(values: Float[np.ndarray, "n m"], axis: int) -> Float[np.ndarray, " n"]:
    top = values.max(axis=axis, keepdims=True)
    out: Float[np.ndarray, " n"] = np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)
    return out


def _assigned(cost: Float[np.ndarray, "n n"]) -> Int[np.ndarray, " n"]:
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(cost)[1])

r"""When the exact score of n training points becomes one point: the memoriser's moment of choice.

The exact posterior over the training points is w_i = softmax_i(-|x_t - alpha z_i|^2_C / (2 sigma^2)), in the norm |h|_C^2 = sum h_j^2 / q_j
of the noise. Its effective number of points is N = 1 / sum w_i^2. For Gaussian data the point that made x_t stands out from n - 1 others by
what x_t tells of x_0, so N falls to one at the level where

    I(x_0; x_t) = 1/2 sum_j log(1 + alpha^2 lam_j / (sigma^2 q_j)) = log n,

the random-energy argument of Biroli, Bonnaire, de Bortoli and Mezard 2024, section 4, with the entropy of a Gaussian put in. Above it the
samples still share the data's large shape, below it each is bound to a copy of one point. Only the ratio sigma / alpha matters.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from rkdiff.processes.gaussian_oracle import Modes


def collapse_level(modes: Modes, n: int) -> float:
    """The ratio sigma / alpha at which the information equals log n.

    Raises:
        ValueError: fewer than two points, or data without any variance.
    """
    if n < 2:
        raise ValueError(f"there are {n} training points; a choice between them needs two or more")
    if not (modes.variances > 0).any():
        raise ValueError("the data has no variance in any mode, so no level tells its points apart")
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if modes.information(1.0, math.exp(middle)) > math.log(n) else (low, middle)
    return math.exp((low + high) / 2)


def effective_points(
    points: Float[np.ndarray, "n r"],
    noise: Float[np.ndarray, " r"],
    levels: Float[np.ndarray, " T"],
    rng: np.random.Generator,
    *,
    draws: int = 200,
) -> Float[np.ndarray, " T"]:
    """Mean effective number of training points behind a noisy one, 1 / sum w_i^2, at each ratio sigma / alpha > 0.

    The same `draws` noisy points, made from the first training points, serve all levels.
    """
    z = points / np.sqrt(noise)
    own = z[np.arange(draws) % len(z)]
    xi = rng.standard_normal(own.shape)
    clean, noisy = own @ z.T - (z**2).sum(1) / 2, xi @ z.T  # |x - z_i|^2 without |x|^2, which cancels
    out = np.empty(len(levels))
    for k, level in enumerate(levels.tolist()):
        logits = clean / level**2 + noisy / level
        w = np.exp(logits - logits.max(axis=1, keepdims=True))
        out[k] = (w.sum(axis=1) ** 2 / (w**2).sum(axis=1)).mean()
    return out

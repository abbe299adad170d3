"""The Schroedinger bridge on the circle, solved on a grid: what trained bridges on a manifold are compared with.

The Brownian motion of variance v on the circle has the wrapped Gaussian as its kernel, a theta series that is written in two ways (Mardia
and Jupp 2000, section 3.5.7),

    k_v(a) = sum_m N(a + 2 pi m; 0, v) = (1 + 2 sum_k exp(-k^2 v / 2) cos(k a)) / (2 pi),

the first quick for small v, the second for large. With weights a, b on n angles and the kernel K = k_{sigma^2}, Sinkhorn's iterations, in
the log domain, find the plan P_ij = u_i K_ij v_j with these marginals; the bridge then has at time t

    density  (sum_i u_i k_{t sigma^2}(z - x_i)) (sum_j v_j k_{(1-t) sigma^2}(z - x_j))
    drift    sigma^2 d/dz log sum_j v_j k_{(1-t) sigma^2}(z - x_j),

the slope taken of whichever series is the short one.

Sums over the grid stand for integrals; they are exact to rounding once a kernel spans a few angles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Angles of the usual grid.
ANGLES = 360
#: Variance from which on the series of cosines is the shorter one, and terms of either that reach rounding there.
WIDE, TERMS = 3.0, 8
#: Sinkhorn stops at this error of the marginals, or after so many iterations.
ENOUGH, MOST = 1e-12, 20_000


def circle_grid(n: int = ANGLES) -> Float[np.ndarray, " n"]:
    """Midpoints of n equal arcs of (-pi, pi]."""
    return -math.pi + 2 * math.pi * (np.arange(n) + 0.5) / n


def wrapped_gaussian(angle: Float[np.ndarray, "*n"], variance: float) -> Float[np.ndarray, "*n"]:
    """The density of a wrapped Gaussian of mean 0.

    Raises:
        ValueError: the variance is not positive.
    """
    return np.exp(_log_kernel(angle, variance))


def _log_kernel(angle: np.ndarray, variance: float) -> np.ndarray:
    if not 0 < variance < math.inf:
        raise ValueError(f"the variance is {variance}; give a positive number")
    if variance >= WIDE:
        k = np.arange(1, TERMS + 1)
        waves = np.exp(-(k**2) * variance / 2) * np.cos(k * angle[..., None])
        out: np.ndarray = np.log((1 + 2 * waves.sum(-1)) / (2 * math.pi))
        return out
    return _lse(-(_images(angle) ** 2) / (2 * variance)) - 0.5 * math.log(2 * math.pi * variance)


def _wide_slope(angle: np.ndarray, variance: float) -> np.ndarray:
    """The derivative of the series of cosines."""
    k = np.arange(1, TERMS + 1)
    out: np.ndarray = -(k * np.exp(-(k**2) * variance / 2) * np.sin(k * angle[..., None])).sum(-1) / math.pi
    return out


def _images(angle: np.ndarray) -> np.ndarray:
    """The angle in all the turns that count."""
    wrapped = angle - 2 * math.pi * np.round(angle / (2 * math.pi))
    out: np.ndarray = wrapped[..., None] + 2 * math.pi * np.arange(-TERMS // 2, TERMS // 2 + 1)
    return out


def _lse(x: np.ndarray) -> np.ndarray:
    """Log of the sum of exponentials over the last axis."""
    top = x.max(-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        out: np.ndarray = top[..., 0] + np.log(np.exp(x - top).sum(-1))
    return out


@dataclass(frozen=True, eq=False)
class CircleBridge:
    """A bridge between two weighted sets of the same angles.

    Attributes:
        angles: (n,) the grid; `a` and `b` the weights at time 0 and 1, each of sum 1.
        sigma: deviation of the reference at time 1.
        log_u, log_v: potentials of the plan.
        error: largest error of a marginal, in sum; `iterations` made.
    """

    angles: Float[np.ndarray, " n"]
    a: Float[np.ndarray, " n"]
    b: Float[np.ndarray, " n"]
    sigma: float
    log_u: Float[np.ndarray, " n"]
    log_v: Float[np.ndarray, " n"]
    error: float
    iterations: int

    @property
    def plan(self) -> Float[np.ndarray, "n n"]:
        """The joint law of both ends."""
        return np.exp(self.log_u[:, None] + self._between(self.sigma**2) + self.log_v)

    def marginal(self, t: float) -> Float[np.ndarray, " n"]:
        """Weights of the angles at time t in [0, 1]; 0 and 1 give the ends.

        Raises:
            ValueError: t is outside.
        """
        if not 0 <= t <= 1:
            raise ValueError(f"t is {t}; choose a time between 0 and 1")
        if t in (0, 1):
            return self.b if t else self.a
        past, ahead = (_lse(self._between(s * self.sigma**2) + w) for s, w in ((t, self.log_u), (1 - t, self.log_v)))
        weights = np.exp(past + ahead)
        out: np.ndarray = weights / weights.sum()
        return out

    def drift(self, t: float) -> Float[np.ndarray, " n"]:
        """Velocity at the angles at time t in [0, 1): the expected way to the end over the time that is left.

        Raises:
            ValueError: t is outside.
        """
        if not 0 <= t < 1:
            raise ValueError(f"t is {t}; choose a time from 0 to below 1")
        left = (1 - t) * self.sigma**2
        if left >= WIDE:
            v = np.exp(self.log_v - self.log_v.max())
            z = self.angles[:, None] - self.angles
            wide: np.ndarray = self.sigma**2 * (_wide_slope(z, left) @ v) / (np.exp(_log_kernel(z, left)) @ v)
            return wide
        ways = _images(self.angles - self.angles[:, None])  # from z (rows) to each end, in every turn
        log = self.log_v[:, None] - ways**2 / (2 * left)
        log = log.reshape(len(self.angles), -1)
        weights = np.exp(log - log.max(1, keepdims=True))
        out: np.ndarray = (weights * ways.reshape(len(self.angles), -1)).sum(1) / weights.sum(1) / (1 - t)
        return out

    def _between(self, variance: float) -> np.ndarray:
        return _log_kernel(self.angles[:, None] - self.angles, variance)


def circle_bridge(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " m"], sigma: float) -> CircleBridge:
    """Solve the bridge between weights on `circle_grid(n)`.

    Args:
        a, b: non-negative weights at time 0 and 1; they are scaled to sum 1.
        sigma: deviation of the Brownian reference at time 1, at least one arc of the grid.

    Raises:
        ValueError: weights that are no distributions on one grid, or a sigma below one arc.
    """
    n = len(a)
    if n < 4 or b.shape != (n,):
        raise ValueError(f"the weights have shapes {a.shape} and {b.shape}; give two of one length, at least 4")
    for w in (a, b):
        if not np.isfinite(w).all() or w.min() < 0 or w.sum() <= 0:
            raise ValueError("the weights hold a negative number, one that is not finite, or nothing; give a distribution")
    if not 2 * math.pi / n <= sigma < math.inf:
        raise ValueError(f"sigma is {sigma} and an arc of the grid {2 * math.pi / n:.3g}; give a sigma at least as large")
    x, a, b = circle_grid(n), a / a.sum(), b / b.sum()
    kernel = _log_kernel(x[:, None] - x, sigma**2)
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    log_u, log_v, error, k = log_a.copy(), log_b.copy(), math.inf, 0
    while error > ENOUGH and k < MOST:
        log_v = log_b - _lse(kernel + log_u)
        rows = _lse(kernel + log_v)
        error = float(np.abs(np.exp(log_u + rows) - a).sum())
        log_u = log_a - rows
        k += 1
    return CircleBridge(x, a, b, float(sigma), log_u, log_v, error, k)

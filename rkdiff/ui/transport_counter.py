"""The numbers behind "Not optimal transport": two Gaussians of the plane that one can turn, and flows between two laws of the line.

In the plane the maps are those of `rkdiff.lab.transport.maps`; they agree where the two covariances commute. The laws here are thinner than
those of its example: between nearly round Gaussians the sliced-Wasserstein flow ends too close to the optimal map for the eye.

On the line a monotone map between two laws is unique, T = Q_1 o F_0: every flow that arrives and whose paths do not cross ends in T,
however it travels. Shown for a mixture of Gaussians with three flows,

    x_t = a x_0 + b x_1,  v(x, t) = sum_k r_k(x) (a' E_k[x_0 | x] + b' E_k[x_1 | x]):   (a, b) = (1 - t, t), flow matching;
                          (a, b) = (cos, sin)(pi t / 2), the probability flow of a variance-preserving diffusion;
    x + (1 - exp(-dtau)) (Q_1(rank) - x), the sliced-Wasserstein flow of particles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.processes.gaussians import Gaussian

#: Standard deviations of the two laws of the plane along their axes, and where the sliced flow between them is stopped: at any turn it has
#: arrived to ten digits then.
SOURCE, TARGET, TAU = (1.5, 0.2), (1.8, 0.15), 160.0
#: Weights, means and standard deviations of the target on the line.
MIXTURE = ((0.4, 0.6), (-1.5, 1.2), (0.35, 0.5))


def laws(turn: float) -> tuple[Gaussian, Gaussian]:
    """Two centred laws, the first along the axes, the second turned by so many degrees: at 0 and 90 they share their axes."""
    angle = math.radians(turn)
    r = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    cov = r @ np.diag(np.square(TARGET)) @ r.T
    return Gaussian(np.zeros(2), np.diag(np.square(SOURCE))), Gaussian(np.zeros(2), (cov + cov.T) / 2)


def ellipse(law: Gaussian, count: int, radius: float = 1.0) -> Float[np.ndarray, "n 2"]:
    """Points around a Gaussian at so many standard deviations."""
    angle = 2 * np.pi * np.arange(count) / count
    return law.mean + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ np.linalg.cholesky(law.cov).T


@dataclass(frozen=True, eq=False)
class Line:
    """Flows from N(0, 1) to a mixture on the line.

    Attributes:
        x: (n,) where particles begin, ascending.
        monotone: (n,) Q_1(F_0(x)).
        flows: title and (n,) where a flow takes them.
        grid, f0, f1: (g,) places and both distribution functions there.
    """

    x: Float[np.ndarray, " n"]
    monotone: Float[np.ndarray, " n"]
    flows: tuple[tuple[str, Float[np.ndarray, " n"]], ...]
    grid: Float[np.ndarray, " g"]
    f0: Float[np.ndarray, " g"]
    f1: Float[np.ndarray, " g"]

    @property
    def gap(self) -> float:
        """The farthest that any flow ends from the monotone map."""
        return float(max(np.abs(y - self.monotone).max() for _, y in self.flows))


def on_the_line(n: int = 41, steps: int = 200) -> Line:
    """The three flows, by the classical Runge-Kutta rule and by particles."""
    x = np.linspace(-2.2, 2.2, n)
    grid = np.linspace(-4, 4, 1601)
    f0, f1 = _phi(grid), _mixture_cdf(grid)
    half = math.pi / 2
    return Line(
        x,
        quantile(_phi(x)),
        (
            ("Flow matching", _carried(x, steps, lambda t: (1 - t, t, -1.0, 1.0))),
            (
                "Probability flow",
                _carried(
                    x,
                    steps,
                    lambda t: (math.cos(half * t), math.sin(half * t), -half * math.sin(half * t), half * math.cos(half * t)),
                ),
            ),
            ("Sliced-Wasserstein flow", _particles(x)),
        ),
        grid,
        f0,
        f1,
    )


def quantile(u: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Q_1, by halving."""
    low, high = np.full(u.shape, -8.0), np.full(u.shape, 8.0)
    for _ in range(60):
        middle = (low + high) / 2
        below = _mixture_cdf(middle) < u
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


_erf = np.vectorize(math.erf, otypes=[float])


def _phi(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + _erf(np.asarray(x) / math.sqrt(2)))


def _mixture_cdf(x: np.ndarray) -> np.ndarray:
    return sum((w * _phi((x - m) / s) for w, m, s in zip(*MIXTURE, strict=True)), np.zeros_like(x))


def _velocity(x: np.ndarray, a: float, b: float, da: float, db: float) -> np.ndarray:
    """v(x, t) of the interpolant a x_0 + b x_1 with independent ends."""
    w, m, s = (np.array(v)[:, None] for v in MIXTURE)
    var = a**2 + b**2 * s**2
    off = x - b * m
    log = np.log(w) - np.log(var) / 2 - off**2 / (2 * var)
    share = np.exp(log - log.max(axis=0))
    share /= share.sum(axis=0)
    start, end = a * off / var, m + b * s**2 * off / var
    return (share * (da * start + db * end)).sum(axis=0)


def _carried(x: np.ndarray, steps: int, curve: object) -> np.ndarray:
    """The particles at time 1."""
    h = 1.0 / steps

    def v(y: np.ndarray, t: float) -> np.ndarray:
        return _velocity(y, *curve(t))  # type: ignore[operator]

    for i in range(steps):
        t = i * h
        k1 = v(x, t)
        k2 = v(x + h / 2 * k1, t + h / 2)
        k3 = v(x + h / 2 * k2, t + h / 2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + v(x + h * k3, t + h))
    return x


def _particles(x: np.ndarray, count: int = 2001, steps: int = 40) -> np.ndarray:
    """Where a cloud of source quantiles, flowing by ranks, takes the particles nearest to x (between them: straight lines)."""
    level = (np.arange(count) + 0.5) / count
    grid = np.linspace(-4.5, 4.5, 20001)
    start = np.interp(level, _phi(grid), grid)
    cloud, wanted = start.copy(), quantile(level)
    for _ in range(steps):
        rank = np.argsort(np.argsort(cloud, kind="stable"), kind="stable")
        cloud = cloud - math.expm1(-0.5) * (wanted[rank] - cloud)
    return np.interp(x, start, cloud)

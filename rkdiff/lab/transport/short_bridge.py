"""How short may a bridge be? A diffusion too short to reach its prior, and the bridge that mends it: exact, without training.

Data N(mean, sd^2) on the line, the reference dX = -X ds + sqrt(2) dB run for the time T = steps * gamma, the prior N(0, 1). With the
perfect score, plain diffusion run back from the prior is the first half-step of iterative proportional fitting (IPF): whatever the
reference has not forgotten of the data when it stops, plain diffusion gets wrong. Further half-steps of IPF, each pinning one end, converge
to the Schroedinger bridge, which has both ends right however short T is; the shorter, the slower they converge. A step here is the exact
process over the time gamma, so the figures hold no error of discretisation.

Reference: De Bortoli, Thornton, Heng and Doucet 2021, sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.processes.gaussians import Gaussian, line
from rkdiff.processes.gaussians.fitting import ipf
from rkdiff.processes.gaussians.transport import distance

#: Half-steps at whose end the process runs from the prior to the data; the first is plain diffusion.
HALF_STEPS = (1, 3, 5, 7, 9, 11)
#: Steps that make times of 0.1, 0.25, 0.5, 1, 2 and 4 with the usual gamma.
STEPS = (4, 10, 20, 40, 80, 160)
#: Most half-steps, and the longest time: the reference has long forgotten its start then.
MOST, LONGEST = 201, 50.0


@dataclass(frozen=True, eq=False)
class ShortBridge:
    """Exact laws of short diffusions and of the bridges that IPF makes of them. L lengths, H half-steps, M the largest of these.

    Attributes:
        mean, sd, gamma: of the data, and the time of one step.
        steps, times: (L,) numbers of steps and T = steps * gamma.
        half_steps: (H,) odd numbers of IPF half-steps; 1 is plain diffusion.
        distances: (L, H) 2-Wasserstein distance between the generated law and the data.
        generated: (L, H, 2) mean and variance of the generated law.
        terminal: (L, 2) mean and variance of the reference at time T; the prior has 0 and 1.
        errors: (L, M, 2) after each half-step the distance of the process to the data at its data end, and to the prior at the other: an
            odd half-step makes the second 0, an even one the first.
    """

    mean: float
    sd: float
    gamma: float
    steps: tuple[int, ...]
    times: Float[np.ndarray, " l"]
    half_steps: tuple[int, ...]
    distances: Float[np.ndarray, "l h"]
    generated: Float[np.ndarray, "l h 2"]
    terminal: Float[np.ndarray, "l 2"]
    errors: Float[np.ndarray, "l m 2"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain: dict[str, Any] = {k: getattr(self, k) for k in ("mean", "sd", "gamma")}
        plain |= {k: list(getattr(self, k)) for k in ("steps", "half_steps")}
        return plain | {k: getattr(self, k).tolist() for k in ("times", "distances", "generated", "terminal", "errors")}


def short_bridge(
    mean: float = 3.0,
    sd: float = 0.5,
    gamma: float = 0.025,
    steps: Sequence[int] = STEPS,
    half_steps: Sequence[int] = HALF_STEPS,
) -> ShortBridge:
    """Every length and every number of half-steps, by closed formulas: milliseconds.

    Args:
        mean, sd: of the data on the line; sd > 0.
        gamma: time of one step, > 0; the longest bridge lasts at most 50.
        steps: lengths, whole numbers >= 1.
        half_steps: odd whole numbers from 1 to 201, rising.

    Raises:
        ValueError: a number out of its range.
    """
    _check(mean, sd, gamma, steps)
    _check_half_steps(half_steps)
    data, prior = line(mean, sd), line(0.0, 1.0)
    times = gamma * np.array(steps, dtype=float)
    most = max(half_steps)
    errors, generated = np.zeros((len(steps), most, 2)), np.zeros((len(steps), len(half_steps), 2))
    for i, time in enumerate(times):
        laws = ipf(data, prior, float(time), most)
        errors[i] = [(distance(x0, data), distance(xt, prior)) for x0, xt in laws]
        generated[i] = [_moments(laws[h - 1][0]) for h in half_steps]
    distances = errors[:, np.array(half_steps) - 1, 0]
    terminal = np.array([_moments(_terminal(data, float(time))) for time in times])
    return ShortBridge(
        float(mean), float(sd), float(gamma), tuple(steps), times, tuple(half_steps), distances, generated, terminal, errors
    )


def exact_paths(
    rng: Rng, *, mean: float = 3.0, sd: float = 0.5, gamma: float = 0.025, steps: int = 10, half_steps: int = 1, n: int = 30
) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, "T n"]]:
    """Paths of the process after an odd number of half-steps, drawn from their exact law; frame 0 at the prior, the last at the data.

    Half-steps change the law of the two ends and keep the reference between them: an Ornstein-Uhlenbeck process pinned at both.
    The same `rng` starts every number of half-steps at the same points of the prior.

    Returns:
        The share of the way, from 0 at the prior to 1, and the positions.

    Raises:
        ValueError: a number out of its range.
    """
    _check(mean, sd, gamma, (steps,))
    _check_half_steps((half_steps,))
    if n < 1:
        raise ValueError(f"n is {n}; draw at least one path")
    data, time = line(mean, sd), gamma * steps
    law, coupling = _ends(data, time, half_steps)
    xt = rng.numpy("prior").standard_normal(n)
    left = max(float(law.cov[0, 0]) - coupling**2, 0.0)
    x0 = float(law.mean[0]) + coupling * xt + math.sqrt(left) * rng.numpy("data").standard_normal(n)
    s = gamma * np.arange(steps + 1)
    free = _free(x0, gamma, steps, rng.numpy("between"))
    pull = np.exp(s - time) * np.expm1(-2 * s) / math.expm1(-2 * time)  # Cov(X_s, X_T | X_0) / Var(X_T | X_0)
    pinned = free + pull[:, None] * (xt - free[-1])
    return s / time, pinned[::-1].copy()


def _ends(data: Gaussian, time: float, half_steps: int) -> tuple[Gaussian, float]:
    """The law at the data end and the covariance of both ends; each half-step keeps the slope of one end given the other."""
    prior, c = line(0.0, 1.0), math.exp(-time) * float(data.cov[0, 0])
    before: tuple[Gaussian, Gaussian] = (data, _terminal(data, time))
    for x0, xt in ipf(data, prior, time, half_steps):
        turned = 1 if xt is prior else 0
        c *= float((x0, xt)[turned].cov[0, 0] / before[turned].cov[0, 0])
        before = (x0, xt)
    return before[0], c


def _terminal(data: Gaussian, time: float) -> Gaussian:
    """The law of the reference when it stops."""
    a = math.exp(-time)
    return Gaussian(a * data.mean, a**2 * data.cov - math.expm1(-2 * time))


def _free(x0: Float[np.ndarray, " n"], gamma: float, steps: int, normals: np.random.Generator) -> Float[np.ndarray, "T n"]:
    """The reference from given points, at the ends of its steps."""
    a, b = math.exp(-gamma), math.sqrt(-math.expm1(-2 * gamma))
    x = [x0]
    for _ in range(steps):
        x.append(a * x[-1] + b * normals.standard_normal(len(x0)))
    return np.array(x)


def _moments(law: Gaussian) -> tuple[float, float]:
    return float(law.mean[0]), float(law.cov[0, 0])


def _check(mean: float, sd: float, gamma: float, steps: Sequence[int]) -> None:
    if not math.isfinite(mean) or not 0 < sd < math.inf or not 0 < gamma < math.inf:
        raise ValueError(f"mean, sd and gamma are {mean}, {sd} and {gamma}; give finite numbers, sd and gamma above 0")
    if not len(steps) or any(isinstance(k, bool) or k != int(k) or k < 1 for k in steps):
        raise ValueError(f"steps is {list(steps)[:6]}; give whole numbers from 1 on")
    if max(steps) * gamma > LONGEST:
        raise ValueError(f"{max(steps)} steps of {gamma} last {max(steps) * gamma:g}; stay at or below a time of {LONGEST:g}")


def _check_half_steps(half_steps: Sequence[int]) -> None:
    odd = all(not isinstance(h, bool) and h == int(h) and h % 2 and 1 <= h <= MOST for h in half_steps)
    if not len(half_steps) or not odd or list(half_steps) != sorted(set(half_steps)):
        raise ValueError(
            f"half_steps is {list(half_steps)[:6]}; give rising odd numbers from 1 to {MOST}, after which the process starts at the prior"
        )

"""The energy that a sliced flow descends, how much a step must lower it, and how far a run has come.

    F(x) = 1/2 mean over directions of W2^2(<theta, x>, <theta, y>)

is, for fixed directions, a minimum over plans of quadratics with curvature at most that of A = mean of theta theta^T. So for any step h
along the velocity v = -n grad F (`displacement` / d), any sizes of the clouds, and lam the largest eigenvalue of A,

    F(x + h v) <= F(x) - h (1 - h lam / 2) mean_i |v_i|^2.

In shares of the way, share = h / d (1 - exp(-dtau) of a step dtau): whole orthonormal bases and even directions have lam = 1/d and descend
for every share in (0, 2); independent directions have a larger lam and descend surely only for shares under 2 / (d lam). With fresh
directions in each step the inequality holds in each, and says nothing of the energy along other directions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.processes.sliced_step import displacement, target_lines
from rkdiff.processes.slices import squared_wasserstein

#: Relative rounding that the inequality is allowed.
ROUNDING = 1e-12


def energy(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], theta: Float[np.ndarray, "l d"]) -> float:
    """Half the mean squared Wasserstein distance of the lines, exact for any sizes."""
    return 0.5 * float(squared_wasserstein(target_lines(x, theta), target_lines(y, theta)).mean())


def curvature(theta: Float[np.ndarray, "l d"]) -> float:
    """The largest eigenvalue of the mean of theta theta^T; at least 1/d for unit directions, and 1/d if they see every axis alike."""
    return float(np.linalg.eigvalsh(theta.T @ theta / len(theta))[-1])


def largest_share(theta: Float[np.ndarray, "l d"]) -> float:
    """Steps of a smaller share of the way lower the energy along these directions, whatever the clouds: 2 / (d lam), at most 2."""
    return 2 / (theta.shape[1] * curvature(theta))


@dataclass(frozen=True)
class Descent:
    """One step and its bound.

    Attributes:
        share: how much of the way the step goes, 1 - exp(-dtau).
        before: the energy before the step.
        after: the energy after it, along the same directions.
        bound: what it may be at most.
        speed: mean squared velocity of the particles, in the time t = d tau of the gradient flow.
        largest_share: steps below it lower the energy.
    """

    share: float
    before: float
    after: float
    bound: float
    speed: float
    largest_share: float

    @property
    def holds(self) -> bool:
        """Whether the energy is under its bound, up to rounding."""
        return self.after <= self.bound + ROUNDING * (1 + abs(self.before))

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON."""
        return asdict(self) | {"holds": self.holds}


def descent(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], theta: Float[np.ndarray, "l d"], share: float) -> Descent:
    """Take one horizontal step of any share of the way and hold it against its bound.

    Raises:
        ValueError: the share is not finite.
    """
    if not np.isfinite(share):
        raise ValueError(f"share is {share}; give a number, 1 - exp(-dtau) for a step dtau of the flow")
    d = x.shape[1]
    move = displacement(x, y, theta)
    h, speed = share * d, float((move**2).sum(axis=1).mean()) / d**2
    before, lam = energy(x, y, theta), curvature(theta)
    bound = before - h * (1 - h * lam / 2) * speed
    return Descent(share, before, energy(x + share * move, y, theta), bound, speed, largest_share(theta))


def along(
    frames: Float[np.ndarray, "T n d"],
    y: Float[np.ndarray, "m d"],
    theta: Float[np.ndarray, "l d"],
    tau: Float[np.ndarray, " K"] | None = None,
) -> dict[str, Float[np.ndarray, " T"]]:
    """How far a run has come at each of its frames, along one set of directions for all.

    Returns:
        "energy" (half the squared sliced distance), "distance" (sliced 2-Wasserstein), "scaled" (that times sqrt(d), at most the
        2-Wasserstein distance), "progress" (1 - distance over that of the first frame: 1 - exp(-tau) exactly for translations and,
        for many particles, round Gaussians; 1 where the first frame is at the target), and "tau" where it is given.

    Raises:
        ValueError: there is no frame, or not one tau a frame.
    """
    if len(frames) == 0:
        raise ValueError("there is no frame; give the positions of the particles at one time or more, (T, n, d)")
    if tau is not None and len(tau) != len(frames):
        raise ValueError(f"there are {len(tau)} times for {len(frames)} frames; give one tau for each frame")
    lines = target_lines(y, theta)
    squared = np.array([squared_wasserstein(target_lines(x, theta), lines).mean() for x in frames])
    distance = np.sqrt(squared)
    progress = 1 - distance / distance[0] if distance[0] > 0 else np.where(distance > 0, 0.0, 1.0)
    out = {"energy": squared / 2, "distance": distance, "scaled": np.sqrt(frames.shape[2]) * distance, "progress": progress}
    return out if tau is None else out | {"tau": np.asarray(tau, dtype=float)}

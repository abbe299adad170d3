"""A sliced flow kept as tables: what new points need to follow particles that have flowed before.

At step k, along direction theta, a new point z is moved as a particle of its rank would be, by two tables of Q quantiles each:

    u = level of <theta, z> among the particles,   target = quantile u of the data,   z <- z + share_k d/L sum theta (target - <theta, z>)

with levels u_r = (r + 1/2) / Q and linear interpolation between them; beyond the last quantile the level stays (Liutkus et al. 2019,
section 3.2, with Q = 100). For K steps, L directions and Q quantiles that is K L (2 Q + d) numbers: it grows with the steps, not with the
data. With as many quantiles as particles and data points the tables move the particles exactly as the flow did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.processes.sliced_energy import along
from rkdiff.processes.sliced_step import displacement, target_lines


@dataclass(frozen=True)
class Tables:
    """The recorded steps of one particle flow.

    Attributes:
        shares: (K,) how much of the way each step goes, 1 - exp(-dtau).
        theta: (K, L, d) its directions.
        particles: (K, L, Q) quantiles of the particles along them before the step, rising.
        targets: (K, L, Q) quantiles of the data along them, rising.
    """

    shares: Float[np.ndarray, " K"]
    theta: Float[np.ndarray, "K L d"]
    particles: Float[np.ndarray, "K L Q"]
    targets: Float[np.ndarray, "K L Q"]

    @property
    def bytes(self) -> int:
        """What the directions and the tables take: 4 K L (2 Q + d) in single precision."""
        return self.theta.nbytes + self.particles.nbytes + self.targets.nbytes

    def push(self, z: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "T k d"]:
        """New points at the start and after each step, (K + 1, k, d), each on its own: they do not push one another.

        Raises:
            ValueError: the points have another dimension than the tables.
        """
        d = self.theta.shape[2]
        if z.shape[1] != d:
            raise ValueError(
                f"the points have {z.shape[1]} coordinates and the tables {d}; give points of the flow's own space"
            )
        u = (np.arange(self.particles.shape[2]) + 0.5) / self.particles.shape[2]
        path = [np.asarray(z, dtype=np.float64)]
        for share, theta, particles, targets in zip(self.shares, self.theta, self.particles, self.targets, strict=True):
            now, turn = path[-1], theta.astype(np.float64)
            p = turn @ now.T
            gaps = np.empty_like(p)
            for gap, own, low, high in zip(gaps, p, particles, targets, strict=True):
                gap[:] = np.interp(np.interp(own, low, u), u, high) - own
            path.append(now + share * (d / len(turn)) * (gaps.T @ turn))
        return np.stack(path)


def quantiles(lines: Float[np.ndarray, "l n"], count: int) -> Float[np.ndarray, "l q"]:
    """The quantiles of sorted rows at the levels (r + 1/2) / count, linear between the points at (i + 1/2) / n."""
    n = lines.shape[1]
    if n == count:
        return lines
    at, own = (np.arange(count) + 0.5) / count, (np.arange(n) + 0.5) / n
    return np.stack([np.interp(at, own, line) for line in lines])


def swf_tables(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    tau: Float[np.ndarray, " T"],
    directions: Callable[[float], Float[np.ndarray, "l d"]],
    count: int = 100,
    dtype: Any = np.float32,
) -> tuple[Float[np.ndarray, "T n d"], Tables]:
    """Run the flow from the particles `x` to the data `y` at the times `tau` and keep it as tables of `count` quantiles.

    Args:
        tau: rising times, the first of which is the start.
        directions: unit directions at a time; as many at each.
        dtype: precision of what is kept; the flow itself runs in double precision.

    Returns:
        The particles at each time, and the tables.

    Raises:
        ValueError: times that do not rise, or fewer than two quantiles.
    """
    if len(tau) < 2 or not (np.diff(tau) > 0).all():
        raise ValueError(f"there are {len(tau)} times, and they must rise; give two or more, such as 0, 0.5, 2")
    if count < 2:
        raise ValueError(f"the number of quantiles is {count}; choose 2 or more")
    shares = -np.expm1(-np.diff(tau))
    path, thetas, own, theirs = [np.asarray(x, dtype=np.float64)], [], [], []
    for share, t in zip(shares, tau, strict=False):
        theta, now = directions(float(t)), path[-1]
        lines = target_lines(y, theta)
        thetas.append(theta)
        own.append(quantiles(target_lines(now, theta), count))
        theirs.append(quantiles(lines, count))
        path.append(now + share * displacement(now, y, theta, lines=lines))
    kept = (np.array(part).astype(dtype) for part in (thetas, own, theirs))
    return np.stack(path), Tables(shares, *kept)


def unseen_error(
    tables: Tables,
    z: Float[np.ndarray, "k d"],
    end: Float[np.ndarray, "n d"],
    fresh: Float[np.ndarray, "m d"],
    again: Float[np.ndarray, "j d"],
    theta: Float[np.ndarray, "l d"],
) -> dict[str, float]:
    """How far points that the flow never saw end from fresh data, beside what it can be compared with.

    Args:
        z: new points at the start.
        end: where the flow's own particles ended.
        fresh: a fresh sample of the data's law.
        again: another one.
        theta: directions along which distances are taken.

    Returns:
        Sliced 2-Wasserstein distances to `fresh` of the pushed points ("unseen"), of the particles ("particles") and of the other fresh
        sample ("floor"), and the size of the tables ("bytes").
    """
    clouds = {"unseen": tables.push(z)[-1], "particles": end, "floor": again}
    away = {name: float(along(cloud[None], fresh, theta)["distance"][0]) for name, cloud in clouds.items()}
    return away | {"bytes": float(tables.bytes)}

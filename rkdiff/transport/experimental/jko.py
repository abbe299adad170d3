"""Experimental. The JKO scheme on particles, for energies without an entropy.

    rho_{k+1} = argmin  J(rho) + W2^2(rho, rho_k) / (2 h)

J does not know which particle is which, so the minimum over clouds of n points is that of J(x) + mean_i |x_i - x_i^k|^2 / (2 h) over
labelled points: were another matching cheaper, the same cloud relabelled would be better. It is sought by gradient descent with
backtracking from x^k, which never climbs: at every step of the scheme

    J(x^{k+1}) + W2^2(x^{k+1}, x^k) / (2 h)  <=  J(x^k),

even where the inner descent stops early. As h falls to 0 this is the gradient flow of J; with the energy `Sliced` that is the
sliced-Wasserstein flow, whose natural time tau is k h / d in d dimensions. Reference: Jordan, Kinderlehrer and Otto 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.transport.experimental.energies import Energy


@dataclass(frozen=True, eq=False)
class ParticleJko:
    """The clouds of a JKO scheme.

    Attributes:
        frames: the cloud before the first step and after each.
        energy: J of each frame.
        moved: mean squared displacement of each step, which bounds W2^2 from above.
        settled: whether the inner descent of each step came to rest.
        h: the step's length.
    """

    frames: Float[np.ndarray, "s1 n d"]
    energy: Float[np.ndarray, " s1"]
    moved: Float[np.ndarray, " s"]
    settled: Bool[np.ndarray, " s"]
    h: float

    @property
    def slack(self) -> Float[np.ndarray, " s"]:
        """J(x^k) - J(x^{k+1}) - moved / (2 h), never negative."""
        return np.asarray(-np.diff(self.energy) - self.moved / (2 * self.h))

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the clouds."""
        return {
            "h": self.h,
            "energy": self.energy.tolist(),
            "moved": self.moved.tolist(),
            "settled": self.settled.tolist(),
        }


def particle_jko(
    x: Float[np.ndarray, "n d"], energy: Energy, h: float, steps: int, *, inner: int = 200, tolerance: float = 1e-8
) -> ParticleJko:
    """Steps of the JKO scheme from a cloud.

    Args:
        h: length of a step, > 0, in the time of the energy's gradient flow.
        steps: how many.
        inner: most steps of the descent within each.
        tolerance: root mean squared gradient, as a share of the first, at which the descent has come to rest.

    Raises:
        ValueError: a length that is not positive, no step, or an energy that is not finite at the start.
    """
    if not 0 < h < np.inf or steps < 1 or inner < 1:
        raise ValueError(f"h is {h}, steps {steps} and inner {inner}; give a positive length and at least one step of each")
    frames, values, moved, settled = [np.asarray(x, dtype=np.float64)], [energy(x)[0]], [], []
    if not np.isfinite(values[0]):
        raise ValueError("the energy is not finite at the start; begin elsewhere")
    rate = h / 2
    for _ in range(steps):
        z, value, rate, rest = _proximal(frames[-1], energy, h, inner, tolerance, rate)
        moved.append(float(((z - frames[-1]) ** 2).sum(1).mean()))
        frames.append(z)
        values.append(value)
        settled.append(rest)
    return ParticleJko(np.stack(frames), np.array(values), np.array(moved), np.array(settled), float(h))


def _proximal(
    start: np.ndarray, energy: Energy, h: float, inner: int, tolerance: float, rate: float
) -> tuple[np.ndarray, float, float, bool]:
    """The descent of one step: the cloud, its energy, the last rate, and whether the gradient vanished."""
    z = start
    value, gradient = energy(z)
    total, slope = value, gradient
    first = float((slope**2).sum(1).mean())
    for _ in range(inner):
        steep = float((slope**2).sum(1).mean())
        if steep <= tolerance**2 * first:
            return z, value, rate, True
        for _ in range(60):
            new = z - rate * slope
            new_value, new_gradient = energy(new)
            new_total = new_value + float(((new - start) ** 2).sum(1).mean()) / (2 * h)
            if new_total <= total - rate * steep / 4:
                break
            rate /= 2
        else:  # no descent to be seen in floating point
            return z, value, rate, True
        change, slope_before = new - z, slope
        z, value, total = new, new_value, new_total
        slope = new_gradient + (z - start) / h
        bend = float((change * (slope - slope_before)).sum())
        # Barzilai and Borwein's rate, kept within what the quadratic term allows
        rate = min(float((change**2).sum()) / bend, h) if bend > 0 else min(2 * rate, h)
    return z, value, rate, False

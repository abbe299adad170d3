"""Mean and deviations of the training coordinates, and the best linear denoiser they give.

For independent Gaussian coordinates N(m, s^2) seen through noise of level nu the posterior is Gaussian (Wiener filter):

    mean  W = m + s^2 / (s^2 + nu^2) (x - m),          deviation  c = nu s / sqrt(s^2 + nu^2).

Both learned diffusions correct W by something of size c, so that an error in the correction is never larger than what W leaves undecided.
Correlated coordinates are first turned to the `principal_axes` of their covariance: there W is the best linear denoiser of all
(Wiener 1949).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.core.tensors import to_numpy, to_torch, torch

#: A deviation below this share of the whole is rounding error: the coordinate is constant.
TINY = 1e-9


@dataclass(frozen=True)
class Moments:
    """What is known of the data before anything is learned.

    Attributes:
        unit: the deviation of the data as a whole (1 for points that all coincide); levels of noise are read in this unit.
    """

    mean: Float[torch.Tensor, " d"]
    deviation: Float[torch.Tensor, " d"]
    unit: float

    @staticmethod
    def of(x: Float[np.ndarray, "n d"], device: str) -> Moments:
        """The moments of training coordinates.

        Raises:
            PartError: no points, no coordinates, or numbers that are not finite.
        """
        refuse_none(x)
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        unit = float(np.sqrt((deviation**2).mean()))
        if unit <= TINY * max(1.0, float(np.abs(mean).max())):
            return Moments(to_torch(mean, device), to_torch(0 * deviation, device), 1.0)
        return Moments(to_torch(mean, device), to_torch(np.where(deviation > TINY * unit, deviation, 0.0), device), unit)

    def wiener(self, x: Float[torch.Tensor, "n d"], nu: float) -> Float[torch.Tensor, "n d"]:
        """The best linear denoiser at level nu > 0."""
        s2 = self.deviation**2
        return self.mean + s2 / (s2 + nu**2) * (x - self.mean)

    def left(self, nu: float) -> Float[torch.Tensor, " d"]:
        """The deviation that the linear denoiser leaves, at level nu > 0."""
        return nu * self.deviation / torch.sqrt(self.deviation**2 + nu**2)

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        return {"mean": to_numpy(self.mean), "deviation": to_numpy(self.deviation), "unit": np.array(self.unit)}


def principal_axes(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "d d"]:
    """Orthonormal columns along which the points are uncorrelated, by falling variance; the largest entry of each is positive.

    Raises:
        PartError: no points, no coordinates, or numbers that are not finite.
    """
    refuse_none(x)
    centred = x - x.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred / len(x))[1][:, ::-1]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    return np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0))


def refuse_none(x: Float[np.ndarray, "n d"]) -> None:
    """Raise `PartError` for coordinates that hold nothing or numbers that are not finite."""
    if 0 in x.shape or not np.isfinite(x).all():
        raise PartError(f"the training coordinates have shape {x.shape}; give at least one point with finite coordinates")

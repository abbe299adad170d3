"""Points as they are: the space that only moves and rescales.

    y = (x - mean) / scale,     scale^2 = mean over coordinates of the training variance

One scale for all coordinates keeps the geometry: circles stay circles, distances keep their order, and the total variance a coordinate is
one, as the diffusion's noise levels assume. Training points that all coincide have no scale; it is then 1, so that decoding still inverts
encoding. The map is affine, so a known Gaussian mixture is known in these coordinates too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.spaces import Fitted, Space

#: Below this share of the data's size a spread is rounding error.
TINY = 1e-12


class FittedPoints(Fitted):
    """Points, centred and on one scale."""

    def __init__(self, shift: Float[np.ndarray, " d"], scale: float) -> None:
        self.shift, self.scale = shift, scale
        self.dim = len(shift)
        self.weights = np.ones(self.dim)

    def encode(self, objects: np.ndarray) -> Float[np.ndarray, "n d"]:
        return (np.asarray(objects, float).reshape(-1, self.dim) - self.shift) / self.scale

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(x, float) * self.scale + self.shift


@dataclass(frozen=True)
class Points(Space):
    """The points' own coordinates, centred and scaled as a whole."""

    modalities: ClassVar[tuple[str, ...]] = ("points",)

    def fit(self, data: Dataset, rng: Rng) -> FittedPoints:
        x = np.asarray(data.train, float)
        if x.ndim != 2 or len(x) == 0 or not np.isfinite(x).all():
            raise PartError(
                f"{data.name} holds an array of shape {x.shape}; points are finite numbers in an (n, d) array with n >= 1"
            )
        shift = x.mean(axis=0)
        scale = float(np.sqrt(((x - shift) ** 2).mean()))
        return FittedPoints(shift, scale if scale > TINY * max(1.0, float(np.abs(shift).max())) else 1.0)

    def law(self, data: Dataset, fitted: Fitted) -> Any:
        """The mixture of the data, in these coordinates."""
        assert isinstance(fitted, FittedPoints)
        return None if data.law is None else data.law.affine(fitted.shift, fitted.scale)

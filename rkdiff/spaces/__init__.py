"""What a modality means: objects <-> coordinates. One file each; `rkhs` holds kernel embedding and pre-image.

A `Space` is chosen; `fit` turns it into a `Fitted` space. Coordinates are always such that the diffusion's noise is *white* in them:
with noise covariance C = diag(q) in the kernel's basis and kernel coordinates z, the space hands out y = z / sqrt(q), which is the same
process (same seeds, same paths). `Fitted.weights` = q / mean(q) is what turns a squared error in y back into the norm of H.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.parts import Part
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng


class Fitted(ABC):
    """A space that knows its data: encode, decode, distance, validity.

    Attributes:
        dim: number of coordinates d.
        weights: (d,) squared-error weights of the space's norm, mean 1.
    """

    dim: int
    weights: Float[np.ndarray, " d"]

    @abstractmethod
    def encode(self, objects: np.ndarray) -> Float[np.ndarray, "n d"]:
        """Coordinates of objects (works for unseen objects too)."""

    @abstractmethod
    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        """Objects of coordinates (the pre-image). `start`: objects to search from, e.g. those of the previous frame."""

    def plane(self, x: Float[np.ndarray, "... d"]) -> Float[np.ndarray, "... 2"]:
        """The two coordinates to draw (padded with 0 in one dimension)."""
        return x[..., :2] if self.dim > 1 else np.concatenate([x, np.zeros_like(x)], axis=-1)

    def valid(self, objects: np.ndarray) -> Bool[np.ndarray, " n"]:
        """Whether each object obeys the rules of its kind; everything finite is valid unless a space says more."""
        return np.isfinite(objects.reshape(len(objects), -1).astype(float)).all(axis=1)

    def distance(self, a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "n m"]:
        """Distances between objects in the norm of the space."""
        w = np.sqrt(self.weights)
        za, zb = self.encode(a) * w, self.encode(b) * w
        return np.sqrt(np.maximum((za**2).sum(1)[:, None] + (zb**2).sum(1)[None] - 2 * za @ zb.T, 0.0))


@dataclass(frozen=True)
class Space(Part, kind="space"):
    """A way to turn objects of some modalities into coordinates and back."""

    #: modalities this space can hold.
    modalities: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fit(self, data: Dataset, rng: Rng) -> Fitted:
        """Learn the coordinates from the training objects."""

    def law(self, data: Dataset, fitted: Fitted) -> Any:
        """The exact law of the coordinates, where the data's law is known and the space is affine; else None."""
        return None

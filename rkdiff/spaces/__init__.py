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

    def residual(self, objects: np.ndarray, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """How far each object is from the point it was decoded from: ||phi(object_i) - psi(x_i)||^2, outside the coordinates too."""
        return ((self.encode(objects) - x) ** 2 * self.weights).sum(1)

    def novel(self, objects: np.ndarray) -> Bool[np.ndarray, " n"]:
        """Whether each object differs from every training object (graphs: is isomorphic to none)."""
        return np.ones(len(objects), bool)

    def unique(self, objects: np.ndarray) -> float:
        """Share of different objects among these."""
        return len({o.tobytes() for o in np.ascontiguousarray(objects)}) / max(len(objects), 1)

    def shown(self, objects: np.ndarray) -> np.ndarray:
        """Objects in the form that `decode` hands out (training curves on the decoder's grid); themselves, mostly."""
        return objects

    def observe(self, places: Float[np.ndarray, " m"]) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, " m"]] | None:
        """A and b such that an object with coordinates x has the values A x + b at `places` in [0, 1]; None where it has no such values."""
        return None

    @property
    def decoders(self) -> tuple[str, ...]:
        """Names of the ways back; `with_decoder` gives the same space with another one."""
        return ()

    @property
    def advice(self) -> tuple[str, ...]:
        """Lines for a person about the fit itself (a kernel too narrow or too wide)."""
        return ()

    def with_decoder(self, name: str) -> Fitted:
        """The same fitted space with another decoder."""
        return self

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

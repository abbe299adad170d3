"""Small images through a kernel on their pixels: kernel PCA coordinates and the pre-image back.

A picture is a vector of grey values; the Gaussian kernel between vectors makes pictures similar only when all their pixels are, so the
coordinates bend along the set of real digits where linear components cut through it (Mika et al. 1999 decoded digits this way first).
Of the decoders, the fixed point ends nearest in H, convex weights stay nearest to real digits (the default), the learned map is sharpest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.vectors import KERNELS
from rkdiff.spaces._kernel import KernelSpace
from rkdiff.spaces._preimage import DECODERS
from rkdiff.spaces._vectors import FittedVectors


@dataclass(frozen=True)
class Images(KernelSpace):
    """Small grey pictures through a kernel on their pixels."""

    modalities: ClassVar[tuple[str, ...]] = ("images",)

    r: int = knob(16, 1, 60, help="how many kernel coordinates: few blur, many copy")
    kernel: str = knob("gaussian", options=KERNELS, help="how alike two pictures are")
    decoder: str = knob("simplex", options=DECODERS, help="how coordinates become a picture again")

    def fit(self, data: Dataset, rng: Rng) -> FittedImages:
        """Kernel PCA of the training pictures."""
        return FittedImages(self, data, rng)


class FittedImages(FittedVectors):
    """Kernel coordinates of grey pictures of one size."""

    def __init__(self, space: Images, data: Dataset, rng: Rng) -> None:
        if data.train.ndim != 3:
            raise ValueError(f"images come as (n, height, width); got an array of shape {data.train.shape}")
        self.shape = data.train.shape[1:]
        super().__init__(space, data.train, rng)

    def vectors(self, objects: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n p"]:
        return objects.reshape(len(objects), int(np.prod(self.shape))).astype(float)

    def objects(self, vectors: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n h w"]:
        return np.clip(vectors, 0.0, 1.0).reshape(len(vectors), *self.shape)

    def valid(self, objects: Float[np.ndarray, "n h w"]) -> Bool[np.ndarray, " n"]:
        """Finite grey values between 0 and 1."""
        flat = objects.reshape(len(objects), -1)
        return np.isfinite(flat).all(1) & (flat >= 0).all(1) & (flat <= 1).all(1)

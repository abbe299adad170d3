"""Kernel coordinates of anything that is a vector: what curves and images share.

Objects become vectors (a flattening, or the square root of quadrature weights), a kernel embeds the vectors (`rkdiff.spaces.rkhs`), and a
pre-image (`rkdiff.spaces._preimage`) leads back. Only the two crossings between objects and vectors differ from modality to modality.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.kernels.vectors import Kernel, median_distance
from rkdiff.spaces import Fitted
from rkdiff.spaces._preimage import preimage
from rkdiff.spaces.rkhs import embed, whiten


class FittedVectors(Fitted):
    """A kernel embedding of vectors; fill `vectors` and `objects`."""

    def __init__(self, train: np.ndarray, kernel: str, width: float, r: int, smoothness: float, decoder: str, rng: Rng) -> None:
        if len(train) == 0 or not np.isfinite(train).all():
            raise ValueError(
                f"the training objects must be finite numbers and at least two; got an array of shape {train.shape}"
            )
        self.train, self.decoder = self.vectors(train), decoder
        chosen = Kernel(kernel, width * median_distance(self.train) if kernel != "linear" else 1.0)
        self.embedding = embed(self.train, chosen, r, rng.numpy("landmarks"))
        self.scale, self.weights = whiten(self.embedding.variances, smoothness)
        self.dim = self.embedding.dim

    @abstractmethod
    def vectors(self, objects: np.ndarray) -> Float[np.ndarray, "n p"]:
        """Objects as vectors whose Euclidean norm is the norm that the kernel sees."""

    @abstractmethod
    def objects(self, vectors: Float[np.ndarray, "n p"]) -> np.ndarray:
        """Vectors as objects."""

    def encode(self, objects: np.ndarray) -> Float[np.ndarray, "n d"]:
        return self.embedding.coordinates(self.vectors(objects)) / self.scale

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        """The pre-images; they do not depend on `rng`, nor on `start`, because the search from the nearest object is short."""
        return self.objects(preimage(self.embedding, x * self.scale, self.train, self.decoder))

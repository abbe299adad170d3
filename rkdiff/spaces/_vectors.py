"""Kernel coordinates of objects that are vectors: what curves and images share beyond every kernel space.

Objects become vectors (a flattening, or the square root of quadrature weights) and a pre-image (`rkdiff.spaces._preimage`) leads back to a
vector. Only the two crossings between objects and vectors differ from modality to modality.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.kernels.vectors import Kernel, far_off
from rkdiff.spaces._kernel import FittedKernel
from rkdiff.spaces._preimage import preimage


class FittedVectors(FittedKernel):
    """A kernel embedding of vectors; fill `vectors` and `objects`."""

    @abstractmethod
    def objects(self, vectors: Float[np.ndarray, "n p"]) -> np.ndarray:
        """Vectors as objects."""

    def kernel(self) -> Kernel:
        """As for every kernel space; vectors far from zero are counted from their mean, which the linear kernel's geometry allows."""
        kernel = super().kernel()
        if kernel.name != "linear" or not far_off(self.candidates):
            return kernel
        return replace(kernel, origin=self.candidates.mean(0))

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        """The pre-images; they do not depend on `rng`, nor on `start`, because the search from the nearest object is short."""
        decoder = str(getattr(self.space, "decoder", "nearest"))
        return self.objects(preimage(self.embedding, self.kernel_coordinates(x), self.candidates, decoder))

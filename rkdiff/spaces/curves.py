"""Curves: functional principal components (linear kernel) or a kernel on functions; noise whose roughness can be chosen.

The norm is L2 over the curves' grid, so nothing depends on the number of grid points. With the linear kernel the coordinates are the
scores of functional PCA and decoding is exact, mean + sum_j z_j e_j (Ramsay and Silverman 2005, "Functional Data Analysis", chapter 8).
White noise in all coordinates becomes rougher with every finer grid; noise whose variances fall like a power of the data's (smoothness
above 0) does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.curves import from_l2_vectors, l2_vectors, quadrature
from rkdiff.spaces._kernel import KernelSpace
from rkdiff.spaces._preimage import DECODERS
from rkdiff.spaces._vectors import FittedVectors


@dataclass(frozen=True)
class Curves(KernelSpace):
    """Functions through their principal components, or through a kernel on functions."""

    modalities: ClassVar[tuple[str, ...]] = ("curves",)

    r: int = knob(6, 1, 60, help="how many coordinates")
    kernel: str = knob("linear", options=("linear", "gaussian", "matern"), help="linear gives functional principal components")
    decoder: str = knob("fixed_point", options=DECODERS, help="how coordinates become a curve again")

    def fit(self, data: Dataset, rng: Rng) -> FittedCurves:
        """Principal components of the training curves in the norm of L2."""
        return FittedCurves(self, data, rng)


class FittedCurves(FittedVectors):
    """Kernel coordinates of curves on one grid."""

    def __init__(self, space: Curves, data: Dataset, rng: Rng) -> None:
        if data.train.ndim != 2 or data.train.shape[1] < 2:
            raise ValueError(f"curves come as (n, grid) with two grid points or more; got an array of shape {data.train.shape}")
        grid = np.asarray(data.meta.get("grid", np.linspace(0, 1, data.train.shape[1])), dtype=float)
        if len(grid) != data.train.shape[1]:
            raise ValueError(
                f"the grid has {len(grid)} points and the curves have {data.train.shape[1]}; give one value a point"
            )
        self.quadrature = quadrature(grid)
        super().__init__(space, data.train, rng)

    def vectors(self, objects: Float[np.ndarray, "n g"]) -> Float[np.ndarray, "n g"]:
        return l2_vectors(objects.astype(float), self.quadrature)

    def objects(self, vectors: Float[np.ndarray, "n g"]) -> Float[np.ndarray, "n g"]:
        return from_l2_vectors(vectors, self.quadrature)

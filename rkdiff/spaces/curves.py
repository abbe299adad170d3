"""Curves: principal components, a cosine basis, or a kernel on functions; noise whose roughness can be chosen; any resolution.

The norm is L2 over the curves' interval, so nothing depends on the number of grid points. With the linear kernel the coordinates are the
scores of functional PCA and decoding is exact, mean + sum_j z_j e_j (Ramsay and Silverman 2005, "Functional Data Analysis", chapter 8);
with "cosine" the e_j are cosines, known at every place of the interval. White noise in all coordinates becomes rougher with every finer
grid; noise whose variances have a finite sum does not.

Decoding may be asked for on another grid than the data's (`resolution`): cosines are evaluated there, everything else is carried over by
cubic splines, which are exact at shared points. The number of points says where a curve stands: as many as the training curves have is the
data's grid, even or not (a `resolution` of just as many is that grid too), every other number is evenly spaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.curves import cosine_basis, from_l2_vectors, l2_vectors, quadrature, resample
from rkdiff.kernels.vectors import Kernel
from rkdiff.processes.mixture import Mixture
from rkdiff.spaces import Fitted
from rkdiff.spaces._curve_modes import cosine_embedding
from rkdiff.spaces._kernel import KernelSpace, beyond
from rkdiff.spaces._preimage import DECODERS
from rkdiff.spaces._vectors import FittedVectors

#: Fewest points of a curve that is decoded on a grid of its own.
FEWEST = 8
#: Kernels whose coordinates are linear in the curve.
LINEAR = ("linear", "cosine")


@dataclass(frozen=True)
class Curves(KernelSpace):
    """Functions through their principal components, through cosines, or through a kernel on functions."""

    modalities: ClassVar[tuple[str, ...]] = ("curves",)

    r: int = knob(6, 1, 60, help="how many coordinates")
    kernel: str = knob(
        "linear",
        options=("linear", "cosine", "gaussian", "matern"),
        help="linear gives functional principal components, cosine fixed waves (take 20 or more), the others see nearness only",
    )
    decoder: str = knob("fixed_point", options=DECODERS, help="how coordinates become a curve again")
    resolution: int = knob(
        0, 0, 512, step=8, help="on how many points curves are decoded (8 or more); 0 takes the grid of the data"
    )

    def fit(self, data: Dataset, rng: Rng) -> FittedCurves:
        """Coordinates of the training curves in the norm of L2."""
        return FittedCurves(self, data, rng)

    def law(self, data: Dataset, fitted: Fitted) -> Any:
        """The mixture of the data's values on its grid, seen through coordinates that are affine in them."""
        if not isinstance(data.law, Mixture) or self.kernel not in LINEAR:
            return None
        at_zero = fitted.encode(np.zeros((1, data.law.dim)))
        t = fitted.encode(np.eye(data.law.dim)) - at_zero
        covs = t.T @ data.law.covs @ t
        return Mixture(data.law.weights, data.law.means @ t + at_zero, (covs + covs.transpose(0, 2, 1)) / 2, data.law.classes)


class FittedCurves(FittedVectors):
    """Kernel coordinates of curves.

    Attributes:
        grid: (g,) places of the training curves' values, from 0 to 1.
        inner: (g,) places of the values in the vectors that the kernel sees: evenly spaced for cosines, else the grid.
        places: places of decoded values.
    """

    space: Curves

    def __init__(self, space: Curves, data: Dataset, rng: Rng) -> None:
        self.grid = _unit_grid(data)
        cosine = space.kernel == "cosine"
        self.inner = np.linspace(0, 1, len(self.grid)) if cosine else self.grid
        self.places = self._grid_of(max(space.resolution, FEWEST) if space.resolution else len(self.grid))
        self.quadrature = quadrature(self.inner)
        if not cosine:
            super().__init__(space, data.train, rng)
            return
        self.space, self.training = space, data.train
        self.candidates = self.vectors(data.train)
        self.embedding = cosine_embedding(self.candidates, self.inner, self.quadrature, space.r)
        self.set_scales(self.embedding.variances)

    def kernel(self) -> Kernel:
        return Kernel("linear") if self.space.kernel == "cosine" else super().kernel()

    def _grid_of(self, count: int) -> Float[np.ndarray, " g"]:
        """Where curves of `count` points stand."""
        return self.grid if count == len(self.grid) else np.linspace(0, 1, count)

    def frequencies(self, d: int) -> Int[np.ndarray, " d"] | None:
        """Cosine modes are counted by frequency, so that Matern noise is a Matern field; principal components by variance."""
        return np.arange(1, d + 1) if self.space.kernel == "cosine" else None

    def vectors(self, objects: Float[np.ndarray, "n g"]) -> Float[np.ndarray, "n p"]:
        return l2_vectors(resample(objects.astype(float), self._grid_of(objects.shape[1]), self.inner), self.quadrature)

    def objects(self, vectors: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n g"]:
        return resample(from_l2_vectors(vectors, self.quadrature), self.inner, self.places)

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        """Curves on the decoder's grid; they depend on the coordinates alone."""
        if self.space.decoder == "nearest":
            return self.shown(self.training[self.nearest(x)])
        if self.space.decoder == "fixed_point" and self.space.kernel == "cosine":
            return self.embedding.gamma(self.kernel_coordinates(x)) @ cosine_basis(self.places, self.dim)
        return super().decode(x, rng, start)

    def shown(self, objects: np.ndarray) -> np.ndarray:
        """Curves on the decoder's grid."""
        return resample(objects.astype(float), self._grid_of(objects.shape[1]), self.places)

    def novel(self, objects: np.ndarray) -> Bool[np.ndarray, " n"]:
        """Farther from the training curves than they are among each other, on the grid on which the curves are given."""
        there = self._grid_of(objects.shape[1])
        if len(there) == len(self.grid):
            return super().novel(objects)
        w = quadrature(there)
        known = l2_vectors(resample(self.training.astype(float), self.grid, there), w)
        return beyond(l2_vectors(objects.astype(float), w), known)

    def observe(self, places: Float[np.ndarray, " m"]) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, " m"]] | None:
        """Values of decoded curves, which are affine in the coordinates for principal components and cosines.

        Raises:
            ValueError: a place outside of [0, 1].
        """
        if not ((places >= 0) & (places <= 1)).all():
            raise ValueError(f"the places to observe are {places}; give numbers from 0 (the curve's beginning) to 1 (its end)")
        e = self.embedding
        if self.space.kernel not in LINEAR or self.space.decoder != "fixed_point":
            return None
        if self.space.kernel == "cosine":
            at = cosine_basis(places, self.dim)
            return (self.scale[:, None] * at).T, e.beta @ at
        functions = from_l2_vectors(np.vstack([e.beta[None], e.projection.T]) @ e.anchors, self.quadrature)
        at = resample(functions, self.inner, places)
        return (self.scale[:, None] * at[1:]).T, at[0]

    def plane(self, x: Float[np.ndarray, "... d"]) -> Float[np.ndarray, "... 2"]:
        """The two coordinates to draw: for cosines those in which the data varies most."""
        if self.space.kernel != "cosine" or self.dim < 2:
            return super().plane(x)
        return x[..., np.argsort(-self.embedding.variances, kind="stable")[:2]]


def _unit_grid(data: Dataset) -> Float[np.ndarray, " g"]:
    """The grid of a set of curves, moved to [0, 1].

    Raises:
        PartError: the array holds no curves, or the grid does not fit it.
    """
    if data.train.ndim != 2 or data.train.shape[1] < 2:
        raise PartError(f"curves come as (n, grid) with two grid points or more; got an array of shape {data.train.shape}")
    count = data.train.shape[1]
    even = np.linspace(0, 1, count)
    if "grid" not in data.meta:
        return even
    grid = _numbers(data.meta["grid"])
    if grid is None or len(grid) != count or not np.isfinite(grid).all() or not (np.diff(grid) > 0).all():
        given = "is no list of numbers" if grid is None else f"holds {len(grid)} numbers, {_fault(grid, count)}"
        raise PartError(
            f'meta["grid"] {given}; give {count} finite numbers that increase strictly, one value a point, '
            "or leave it out for evenly spaced points"
        )
    unit = (grid - grid[0]) / (grid[-1] - grid[0])
    return even if np.allclose(unit, even, rtol=0, atol=1e-9) else unit


def _numbers(given: Any) -> Float[np.ndarray, " k"] | None:
    """A flat list as numbers; None where it is none."""
    try:
        grid = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return None
    return grid if grid.ndim == 1 else None


def _fault(grid: Float[np.ndarray, " k"], count: int) -> str:
    """What is wrong with the numbers of a grid."""
    if len(grid) != count:
        return f"and the curves have {count} points"
    return "which do not increase strictly" if np.isfinite(grid).all() else "not all of them finite"

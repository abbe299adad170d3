"""Clouds of points through their sorted projections: a Gaussian kernel on the sliced Wasserstein distance, and the flow back.

A cloud of P points without an order becomes the vector psi of its sorted projections (`rkdiff.kernels.clouds`), kernel PCA of the psi gives
the coordinates, and decoding goes the same way back: a pre-image g among vectors of sorted projections (`rkdiff.spaces._preimage`), then a
flow that moves the points until their own sorted projections come as near to g as those of a cloud can. Points keep their identity:
the flow begins at the nearest training cloud, or at the cloud of the frame before.

Which g to aim at was measured: the fixed point ends nearest to psi(z) in H and is the default; convex weights come nearer to true clouds
and blur; the conformal map keeps the spread of a set of clouds best; the learned map is best on unseen clouds, worst on generated points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.clouds import SlicedQuantiles
from rkdiff.kernels.vectors import Kernel
from rkdiff.spaces._cloud_decode import DECODERS, ITERATIONS, TARGETS, in_order_of
from rkdiff.spaces._kernel import FittedKernel, KernelSpace
from rkdiff.spaces._preimage import preimage
from rkdiff.spaces.rkhs import Embedding

#: A cloud is valid inside the training box widened by this share of its sides, on every side.
MARGIN = 0.5
#: Shares of the mass that are kept of each projection, at most.
LEVELS = 64
KERNELS = ("gaussian", "laplace", "matern")


@dataclass(frozen=True)
class Clouds(KernelSpace):
    """Clouds of points through the sliced Wasserstein distance."""

    modalities: ClassVar[tuple[str, ...]] = ("clouds",)

    r: int = knob(12, 1, 60, help="how many kernel coordinates: few blur, many copy")
    kernel: str = knob("gaussian", options=KERNELS, help="how likeness falls with the sliced Wasserstein distance")
    slices: int = knob(16, 4, 128, advanced=True, help="on how many directions clouds are projected")
    decoder: str = knob("flow", options=DECODERS, help="how coordinates become a cloud again")

    def fit(self, data: Dataset, rng: Rng) -> FittedClouds:
        """Kernel PCA of the training clouds.

        Raises:
            PartError: clouds that are not (n, P, 2) with P >= 1, fewer than two different ones, or values that are not finite.
        """
        return FittedClouds(self, data.train, rng)


class FittedClouds(FittedKernel):
    """Kernel coordinates of clouds with one number of points."""

    space: Clouds

    def __init__(self, space: Clouds, training: np.ndarray, rng: Rng) -> None:
        if training.ndim != 3 or training.shape[2] != 2 or not training.shape[1]:
            raise PartError(f"clouds come as (n, points, 2) with a point or more; got an array of shape {training.shape}")
        if len(training) < 2:
            raise PartError(f"there are {len(training)} training clouds; give at least two different ones")
        if not np.isfinite(training).all():
            raise PartError(f"the {len(training)} training clouds hold values that are not finite; give finite numbers only")
        self.sliced = SlicedQuantiles.draw(training.shape[1], space.slices, LEVELS, rng.numpy("directions"))
        low, high = training.min((0, 1)), training.max((0, 1))
        self.box = low - MARGIN * (high - low), high + MARGIN * (high - low)
        super().__init__(space, training, rng)
        self.basis, self.short, self.short_candidates = _shortened(self.embedding, self.candidates)

    def vectors(self, objects: Float[np.ndarray, "n p 2"]) -> Float[np.ndarray, "n q"]:
        return self.sliced(objects.astype(float))

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> np.ndarray:
        """The clouds of coordinates, points in the order of `start` (of the nearest training cloud without it); `rng` is not used."""
        nearest = self.training[self.nearest(x)].astype(float)
        if self.space.decoder == "nearest":
            return nearest if start is None else in_order_of(start, nearest)
        aim = preimage(self.short, self.kernel_coordinates(x), self.short_candidates, TARGETS[self.space.decoder])
        target = aim if self.basis is None else aim @ self.basis.T
        found = self.sliced.flow(nearest if start is None else start, target, ITERATIONS)
        return np.clip(found, *self.box)

    def valid(self, objects: Float[np.ndarray, "n p 2"]) -> Bool[np.ndarray, " n"]:
        """Finite, and inside the training box widened by half its sides on every side."""
        low, high = self.box
        return (np.isfinite(objects) & (objects >= low) & (objects <= high)).all((1, 2))

    def unique(self, objects: Float[np.ndarray, "n p 2"]) -> float:
        """Share of different sets of points among these, whatever their order."""
        return super().unique(ordered(objects))


def _shortened(
    embedding: Embedding, vectors: Float[np.ndarray, "n q"]
) -> tuple[np.ndarray | None, Embedding, Float[np.ndarray, "n s"]]:
    """The same embedding of the same vectors written in a basis of their span, where that is shorter: pre-images lie in it."""
    if len(vectors) >= vectors.shape[1] or type(embedding.kernel) is not Kernel:
        return None, embedding, vectors
    basis = np.linalg.qr(vectors.T)[0]
    return basis, replace(embedding, anchors=embedding.anchors @ basis), vectors @ basis


def ordered(clouds: Float[np.ndarray, "n p 2"]) -> Float[np.ndarray, "n p 2"]:
    """The same clouds with their points sorted by x, then y: equal exactly where the sets of points are."""
    first = np.take_along_axis(clouds, np.argsort(clouds[:, :, 1:], axis=1, kind="stable"), axis=1)
    return np.take_along_axis(first, np.argsort(first[:, :, :1], axis=1, kind="stable"), axis=1).astype(float)

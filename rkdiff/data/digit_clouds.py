"""Handwritten digits as clouds of points: every scan of 8 x 8 pixels becomes points drawn in proportion to its ink.

The points take evenly spaced shares of the ink, from a random beginning, along the pixels read row by row, and fall anywhere inside their
pixel: a pixel with share w of the ink gets w * points of them, rounded up or down (systematic sampling; Cochran 1977, "Sampling
Techniques", chapter 8). The picture fills the square from -1 to 1; up is up.

Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (its test part).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob, knobs
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.data.digits import Digits

_SETS = next(k.options for k in knobs(Digits) if k.name == "digits")


@dataclass(frozen=True)
class DigitClouds(Source):
    """Handwritten digits as clouds of points on their strokes."""

    modality: ClassVar[str] = "clouds"
    label: ClassVar[str] = "Digits as clouds"

    n: int = knob(
        300,
        20,
        1500,
        log=True,
        label="Training objects",
        help="how many training clouds (as many as there are digits, at most)",
    )
    points: int = knob(64, 8, 256, help="how many points a cloud has")
    digits: str = knob("all", options=_SETS, help="which digits")

    def make(self, rng: Rng) -> Dataset:
        """The training and held-out pictures of `Digits`, each as one cloud; the classes are the digits."""
        pictures = Digits(n=self.n, digits=self.digits).make(rng)
        train = scattered(pictures.train, self.points, rng.numpy("train points"))
        held_out = scattered(pictures.held_out, self.points, rng.numpy("held out points"))
        return Dataset(
            self.name,
            self.modality,
            train,
            held_out,
            pictures.train_labels,
            pictures.held_out_labels,
            meta=pictures.meta,
        )


def scattered(pictures: Float[np.ndarray, "n h w"], points: int, rng: np.random.Generator) -> Float[np.ndarray, "n p 2"]:
    """`points` places in each picture, in proportion to its grey values (a blank picture: everywhere alike), in random order."""
    n, h, w = pictures.shape
    ink = np.maximum(pictures.reshape(n, h * w), 0.0)
    ink = np.where(ink.sum(1, keepdims=True) > 0, ink, 1.0)
    share = np.cumsum(ink / ink.sum(1, keepdims=True), axis=1)
    at = (np.arange(points) + rng.uniform(size=(n, 1))) / points
    pixel = np.minimum((share[:, None, :] <= at[:, :, None]).sum(-1), h * w - 1)
    x = (pixel % w + rng.uniform(size=pixel.shape)) / w
    y = (pixel // w + rng.uniform(size=pixel.shape)) / h
    clouds = np.stack([2 * x - 1, 1 - 2 * y], axis=-1)
    order = np.argsort(rng.random((n, points)), axis=1)
    return np.take_along_axis(clouds, order[:, :, None], axis=1)

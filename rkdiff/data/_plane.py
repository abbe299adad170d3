"""Toy laws in the plane: what all of them share.

A law is given by one function, `draw(n, generator) -> (points, labels)`: n independent points and the class of each (or None). Training,
held-out and fresh points come from streams of different names, so they are independent of each other and of how many were asked for
elsewhere. Points are independent and identically distributed: also the number of points in each class is random, as it is in the floors
of the metrics. Every law has coordinates of order one.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

#: Points and the class of each, or None.
Draw = tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, " n"] | None]


@dataclass(frozen=True)
class PlaneSource(Source, abstract=True):
    """A law of points in the plane: fill `draw`."""

    n: int = knob(
        2000, 50, 20000, step=50, label="Training objects", help="how many training points (and as many held-out ones)"
    )

    @abstractmethod
    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        """`n` independent points of the law, with their classes where there are any."""

    def law(self) -> Any:
        """The exact law, where it is a Gaussian mixture; else None."""
        return None

    def class_names(self) -> tuple[str, ...]:
        """What the classes are called; empty without classes."""
        return ()

    def make(self, rng: Rng) -> Dataset:
        """`n` training and `n` held-out points."""
        return self._dataset(self.n, rng)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """`n` new training and `n` new held-out points of the same law."""
        return self._dataset(n, rng.child("fresh"))

    def _dataset(self, n: int, rng: Rng) -> Dataset:
        train, train_labels = self.draw(n, rng.numpy("train"))
        held_out, held_out_labels = self.draw(n, rng.numpy("held out"))
        names = self.class_names()
        meta = {"class_names": list(names)} if names else {}
        return Dataset(self.name, self.modality, train, held_out, train_labels, held_out_labels, self.law(), meta)


def polar(radius: Float[np.ndarray, " n"] | float, angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    """Points of given radius and angle."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

"""Point clouds that trace shapes in the plane: ring, square, triangle, star, cross and eight, turned, sized, stretched and shifted.

An object is `points` places on an outline, evenly spaced along it from a random beginning, with a little noise, in random order: the order
carries no meaning. With phi the direction of the stretch, the outline c(s) becomes

    p = R(turn) S c(s) + shift + noise,      S = size * R(phi) diag(e^k, e^-k) R(-phi)

with turn uniform in +- `turn` degrees, log size and k normal, and a small normal shift. Every outline has its longest radius equal to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

SOURCE = "drawn by rkdiff: outlines of plane shapes under random rotation, size, stretch and shift"
#: Spread of log size, and of the shift in every direction.
SIZES, SHIFTS = 0.12, 0.08
_CROSS = [(1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1), (-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1)]


def _regular(corners: int, begin: float = 0.0, inner: float = 1.0) -> Float[np.ndarray, "c 2"]:
    """Corners of a regular polygon; every second one at radius `inner`."""
    angle = 2 * np.pi * np.arange(corners) / corners + begin
    radius = np.where(np.arange(corners) % 2, inner, 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def outlines() -> dict[str, Float[np.ndarray, "c 2"]]:
    """Name -> corners of the closed outline, longest radius one."""
    s = 2 * np.pi * np.arange(100) / 100
    return {
        "ring": _regular(100),
        "square": _regular(4, np.pi / 4),
        "triangle": _regular(3, np.pi / 2),
        "star": _regular(10, np.pi / 2, 0.4),
        "cross": np.array(_CROSS, dtype=float) / np.sqrt(10),
        "eight": np.stack([np.sin(2 * s) / 2, np.cos(s)], axis=1),
    }


SETS = {
    "all": tuple(outlines()),
    "ring, square and triangle": ("ring", "square", "triangle"),
    "star and cross": ("star", "cross"),
    "ring and eight": ("ring", "eight"),
}


@dataclass(frozen=True)
class CloudShapes(Source):
    """Clouds of points along rings, squares, triangles, stars, crosses and eights."""

    modality: ClassVar[str] = "clouds"
    label: ClassVar[str] = "Clouds in shapes"

    n: int = knob(300, 4, 3000, log=True, label="Training objects", help="how many training clouds (and as many held-out ones)")
    points: int = knob(64, 8, 256, help="how many points a cloud has")
    shapes: str = knob("all", options=tuple(SETS), help="which outlines")
    turn: float = knob(20.0, 0.0, 180.0, help="shapes are turned by up to this many degrees to either side")
    stretch: float = knob(0.12, 0.0, 0.6, advanced=True, help="spread of the stretch along a random direction, in logarithms")
    noise: float = knob(0.015, 0.0, 0.2, help="jitter of each point")

    def make(self, rng: Rng) -> Dataset:
        """`n` training and `n` held-out clouds."""
        return self._dataset(self.n, rng)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New clouds of the same law."""
        return self._dataset(n, rng.child("fresh"))

    def _dataset(self, n: int, rng: Rng) -> Dataset:
        train, labels = self.draw(n, rng.numpy("train"))
        held_out, held_out_labels = self.draw(n, rng.numpy("held out"))
        meta = {"source": SOURCE, "class_names": list(SETS[self.shapes])}
        return Dataset(self.name, self.modality, train, held_out, labels, held_out_labels, meta=meta)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Float[np.ndarray, "n p 2"], Int[np.ndarray, " n"]]:
        """`n` clouds and their classes; classes are as even as `n` allows, in random order."""
        names = SETS[self.shapes]
        labels = rng.permutation(np.arange(n) % len(names))
        places = (np.arange(self.points) + rng.uniform(size=(n, 1))) / self.points
        shapes = outlines()
        clouds = np.empty((n, self.points, 2))
        for i, name in enumerate(names):
            clouds[labels == i] = along(shapes[name], places[labels == i])
        clouds = clouds @ self._maps(n, rng).transpose(0, 2, 1) + SHIFTS * rng.standard_normal((n, 1, 2))
        clouds += self.noise * rng.standard_normal(clouds.shape)
        order = np.argsort(rng.random((n, self.points)), axis=1)
        return np.take_along_axis(clouds, order[:, :, None], axis=1), labels

    def _maps(self, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2 2"]:
        turn = np.deg2rad(self.turn) * rng.uniform(-1, 1, n)
        size, k, phi = np.exp(SIZES * rng.standard_normal(n)), self.stretch * rng.standard_normal(n), rng.uniform(0, np.pi, n)
        scale = np.zeros((n, 2, 2))
        scale[:, 0, 0], scale[:, 1, 1] = size * np.exp(k), size * np.exp(-k)
        return _rotation(turn + phi) @ scale @ _rotation(-phi)


def _rotation(angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2 2"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([c, -s], axis=-1), np.stack([s, c], axis=-1)], axis=-2)


def along(corners: Float[np.ndarray, "c 2"], places: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s 2"]:
    """Points at these shares (0 to 1) of the length of a closed outline."""
    closed = np.concatenate([corners, corners[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = places % 1.0 * length[-1]
    return np.stack([np.interp(at, length, closed[:, i]) for i in (0, 1)], axis=-1)

"""Orders: a made-up mixed table whose law is written down, for floors and exact tests.

A customer's kind k (home, shop, plant) has chances 0.5, 0.3, 0.2 and decides everything; given k the columns below are drawn
as

    weight, speed   a plane normal with means MEANS[k], deviations 1 and correlation CORRELATION[k]
    price           exp of a normal with mean LOG_PRICE[k] and deviation 0.5: skewed to the right
    items           1 + Poisson(ITEMS[k])
    express         yes with chance EXPRESS[k]

so within a kind the last three are independent, and weight and speed know of each other. Numbers are rounded to two
decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.data._tables import describe

SOURCE = "made up; the law is known"
CHANCES = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[5.0, 5.0], [8.0, 6.0], [5.0, 9.0]])
CORRELATION = np.array([0.6, 0.0, -0.6])
LOG_PRICE = np.array([2.0, 3.0, 4.0])
ITEMS = np.array([0.5, 2.0, 6.0])
EXPRESS = np.array([0.2, 0.5, 0.9])
TYPES = {
    "kind": ("home", "shop", "plant"),
    "weight": "number",
    "speed": "number",
    "price": "number",
    "items": "integer",
    "express": ("no", "yes"),
}


def draw(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 6"]:
    """Rows of the law above."""
    kind = rng.choice(3, size=n, p=CHANCES)
    a, b = rng.standard_normal((2, n))
    c = CORRELATION[kind]
    weight, speed = MEANS[kind, 0] + a, MEANS[kind, 1] + c * a + np.sqrt(1 - c**2) * b
    price = np.exp(LOG_PRICE[kind] + 0.5 * rng.standard_normal(n))
    items, express = 1 + rng.poisson(ITEMS[kind]), rng.random(n) < EXPRESS[kind]
    return np.stack([kind, np.round(weight, 2), np.round(speed, 2), np.round(price, 2), items, express], axis=1) + 0.0


@dataclass(frozen=True)
class Orders(Source):
    """A made-up table of orders: the customer's kind decides numbers, a count and a choice."""

    modality: ClassVar[str] = "tables"
    label: ClassVar[str] = "Orders (made up)"

    n: int = knob(250, 20, 2000, log=True, label="Training objects", help="how many training rows")

    def make(self, rng: Rng) -> Dataset:
        """`n` training rows and half as many held out. The column to predict is the kind."""
        return self._dataset(draw(self.n + self.n // 2, rng.numpy("rows")), self.n)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New rows of the same law."""
        return self._dataset(draw(2 * n, rng.numpy("fresh")), n)

    def _dataset(self, rows: Float[np.ndarray, "n c"], cut: int) -> Dataset:
        labels = rows[:, 0].astype(np.int64)
        meta = {"source": SOURCE, "columns": describe(rows[:cut], TYPES), "class_names": list(TYPES["kind"]), "target": "kind"}
        return Dataset(self.name, self.modality, rows[:cut], rows[cut:], labels[:cut], labels[cut:], meta=meta)

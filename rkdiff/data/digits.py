"""Handwritten digits: 1797 scans of 8 x 8 pixels with 17 grey levels, the set that ships with scikit-learn.

Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (its test part).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

SOURCE = "Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), as shipped with scikit-learn"
_SETS = {
    "all": range(10),
    "0 and 1": (0, 1),
    "3 and 8": (3, 8),
    "4, 7 and 9": (4, 7, 9),
    "even": (0, 2, 4, 6, 8),
    "odd": (1, 3, 5, 7, 9),
}


@dataclass(frozen=True)
class Digits(Source):
    """Handwritten digits, 8 by 8 pixels, written by real hands."""

    modality: ClassVar[str] = "images"
    label: ClassVar[str] = "Handwritten digits"

    n: int = knob(
        1000, 20, 1500, log=True, label="Training objects", help="how many training images (as many as there are, at most)"
    )
    digits: str = knob("all", options=tuple(_SETS), help="which digits")

    def make(self, rng: Rng) -> Dataset:
        """A random part of the images as training set, the rest held out; the classes are the digits."""
        from sklearn.datasets import load_digits

        images, digit = load_digits(return_X_y=True)
        wanted = tuple(_SETS[self.digits])
        keep = np.flatnonzero(np.isin(digit, wanted))
        keep = keep[rng.numpy("split").permutation(len(keep))]
        objects = images[keep].reshape(-1, 8, 8) / 16.0
        labels = np.searchsorted(wanted, digit[keep]).astype(int)
        cut = min(self.n, round(0.84 * len(keep)))
        meta = {"source": SOURCE, "class_names": [str(d) for d in wanted]}
        return Dataset(self.name, self.modality, objects[:cut], objects[cut:], labels[:cut], labels[cut:], meta=meta)

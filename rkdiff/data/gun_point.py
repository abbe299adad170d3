"""GunPoint: 200 recordings of a hand that draws a gun or only points, 150 moments each.

The horizontal place of an actor's hand while it is raised, held and lowered again (Ratanamahatana and Keogh 2005, "Three myths about
dynamic time warping data mining"), each recording standardised by its makers. The files ship with the package sktime; they are read as
text, and the (heavy) package itself is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.data._curves import pool

SOURCE = "Ratanamahatana and Keogh 2005 (GunPoint), as shipped with sktime"


@dataclass(frozen=True)
class GunPoint(Source):
    """A hand that draws a gun or only points: real curves with steep parts."""

    modality: ClassVar[str] = "curves"
    label: ClassVar[str] = "Gun or point"

    share: float = knob(
        0.75, 0.2, 0.9, advanced=True, help="the part of the 200 recordings that is shown to the methods; the rest is held out"
    )
    points: int = knob(75, 16, 150, help="at how many moments each recording is seen")

    def make(self, rng: Rng) -> Dataset:
        """All recordings in one pool, split at random, seen at `points` evenly spaced moments."""
        curves, kind = pool("GunPoint")
        full, places = np.linspace(0, 1, curves.shape[1]), np.linspace(0, 1, self.points)
        curves, labels = np.stack([np.interp(places, full, c) for c in curves]), kind.astype(int) - 1
        order = rng.numpy("split").permutation(len(curves))
        curves, labels = curves[order], labels[order]
        cut = round(self.share * len(curves))
        meta = {
            "source": SOURCE,
            "grid": places.tolist(),
            "axes": ["time", "place of the hand"],
            "class_names": ["gun", "point"],
        }
        return Dataset(self.name, self.modality, curves[:cut], curves[cut:], labels[:cut], labels[cut:], meta=meta)

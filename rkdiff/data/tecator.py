"""Tecator: near-infrared absorbance spectra of 215 pieces of meat, 100 wavelengths from 850 to 1050 nm, and their fat content.

Borggaard and Thodberg 1992, "Optimal minimal neural interpretation of spectra", Analytical Chemistry 64, 545-551. The files ship with
the package sktime; they are read as text, and the (heavy) package itself is never imported.
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

SOURCE = "Borggaard and Thodberg 1992, Analytical Chemistry 64 (Tecator spectra), as shipped with sktime"
WAVELENGTHS = (850.0, 1050.0)


@dataclass(frozen=True)
class Tecator(Source):
    """Infrared spectra of meat: real, smooth curves; the classes are lean and fat."""

    modality: ClassVar[str] = "curves"
    label: ClassVar[str] = "Meat spectra"

    share: float = knob(
        0.75, 0.2, 0.9, advanced=True, help="the part of the 215 spectra that is shown to the methods; the rest is held out"
    )
    points: int = knob(100, 16, 100, help="at how many wavelengths each curve is seen")

    def make(self, rng: Rng) -> Dataset:
        """All spectra in one pool, split at random, seen at `points` evenly spaced wavelengths."""
        curves, fat = pool("Tecator")
        full = np.linspace(*WAVELENGTHS, curves.shape[1])
        grid = np.linspace(*WAVELENGTHS, self.points)
        curves = np.stack([np.interp(grid, full, c) for c in curves])
        labels = (fat > np.median(fat)).astype(int)
        order = rng.numpy("split").permutation(len(curves))
        curves, labels = curves[order], labels[order]
        cut = round(self.share * len(curves))
        meta = {
            "source": SOURCE,
            "grid": grid.tolist(),
            "axes": ["wavelength (nm)", "absorbance"],
            "class_names": ["lean", "fat"],
        }
        return Dataset(self.name, self.modality, curves[:cut], curves[cut:], labels[:cut], labels[cut:], meta=meta)

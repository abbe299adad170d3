"""Tecator: near-infrared absorbance spectra of 215 pieces of meat, 100 wavelengths from 850 to 1050 nm, and their fat content.

Borggaard and Thodberg 1992, "Optimal minimal neural interpretation of spectra", Analytical Chemistry 64, 545-551. The files ship with
the package sktime; they are read as text, and the (heavy) package itself is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.data._curves import RealCurves


@dataclass(frozen=True)
class Tecator(RealCurves):
    """Infrared spectra of meat: real, smooth curves; the classes are lean and fat."""

    label: ClassVar[str] = "Meat spectra"
    files: ClassVar[str] = "Tecator"
    span: ClassVar[tuple[float, float]] = (850.0, 1050.0)
    axes: ClassVar[tuple[str, str]] = ("wavelength (nm)", "absorbance")
    classes: ClassVar[tuple[str, str]] = ("lean", "fat")
    source: ClassVar[str] = "Borggaard and Thodberg 1992, Analytical Chemistry 64 (Tecator spectra), as shipped with sktime"

    points: int = knob(100, 16, 100, help="at how many wavelengths each curve is seen")

    def kinds(self, target: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        return (target > np.median(target)).astype(int)

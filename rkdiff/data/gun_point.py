"""GunPoint: 200 recordings of a hand that draws a gun or only points, 150 moments each.

The horizontal place of an actor's hand while it is raised, held and lowered again (Ratanamahatana and Keogh 2005, "Three myths about
dynamic time warping data mining"), each recording standardised by its makers. The files ship with the package sktime; they are read as
text, and the (heavy) package itself is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.data._curves import RealCurves


@dataclass(frozen=True)
class GunPoint(RealCurves):
    """A hand that draws a gun or only points: real curves with steep parts."""

    label: ClassVar[str] = "Gun or point"
    files: ClassVar[str] = "GunPoint"
    axes: ClassVar[tuple[str, str]] = ("time", "place of the hand")
    classes: ClassVar[tuple[str, str]] = ("gun", "point")
    source: ClassVar[str] = "Ratanamahatana and Keogh 2005 (GunPoint), as shipped with sktime"

    points: int = knob(75, 16, 150, help="at how many moments each recording is seen")

    def kinds(self, target: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        return target.astype(int) - 1

"""Arms that wind out from the centre: a thin curve that folds back on itself.

Each arm is an Archimedean spiral, radius proportional to angle, walked with the square root of a uniform number so that points lie evenly
along the curve (away from the centre). Arms are rotated copies of each other and are the classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource, polar

REACH = 2.0


@dataclass(frozen=True)
class Spiral(PlaneSource):
    """Thin arms that wind out from the centre."""

    arms: int = knob(2, 1, 5, help="how many arms")
    turns: float = knob(1.5, 0.5, 4.0, step=0.25, help="how often each arm winds around the centre")
    noise: float = knob(0.04, 0.0, 0.3, step=0.01, help="jitter of each point (standard deviation)")

    def class_names(self) -> tuple[str, ...]:
        return tuple(f"arm {k + 1}" for k in range(self.arms)) if self.arms > 1 else ()

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        arm = generator.integers(0, self.arms, n)
        along = np.sqrt(generator.uniform(size=n))
        x = polar(REACH * along, 2 * np.pi * (self.turns * along + arm / self.arms))
        return x + self.noise * generator.standard_normal((n, 2)), arm if self.arms > 1 else None

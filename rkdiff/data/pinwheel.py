"""Gaussian blades twisted around the centre: curved clusters of uneven width.

Each point starts in a Gaussian that is stretched along one arm, and is then rotated by an angle that grows exponentially with its distance
along the arm (the pinwheel of Johnson et al. 2016, "Composing graphical models with neural networks"). The blade is the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource

LENGTH = 0.36


@dataclass(frozen=True)
class Pinwheel(PlaneSource):
    """Curved blades around a centre, dense inside and thin outside."""

    arms: int = knob(5, 2, 10, help="how many blades")
    noise: float = knob(0.1, 0.01, 0.4, step=0.01, help="width of each blade (standard deviation)")
    twist: float = knob(0.3, 0.0, 1.0, step=0.05, help="how strongly the blades bend")

    def class_names(self) -> tuple[str, ...]:
        return tuple(f"blade {k + 1}" for k in range(self.arms))

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        arm = generator.integers(0, self.arms, n)
        along, across = 1.2 + 1.2 * LENGTH * generator.standard_normal(n), self.noise * generator.standard_normal(n)
        angle = 2 * np.pi * arm / self.arms + self.twist * np.exp(along)
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([c * along - s * across, s * along + c * across], axis=1), arm

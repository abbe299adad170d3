"""Two interleaved half circles, the first picture of every course on non-linear classes.

A fair coin picks the moon, an angle uniform on a half circle the place, and isotropic Gaussian jitter blurs it. Radius 1.2; the moons'
centres lie so that the whole law has mean zero. Class 0 is the upper moon, class 1 the lower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource, polar

RADIUS = 1.2


@dataclass(frozen=True)
class TwoMoons(PlaneSource):
    """Two half circles that reach into each other."""

    noise: float = knob(0.08, 0.0, 0.5, step=0.01, help="jitter of each point (standard deviation)")

    def class_names(self) -> tuple[str, ...]:
        return ("upper moon", "lower moon")

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        lower = generator.integers(0, 2, n)
        arc = polar(RADIUS, generator.uniform(0.0, np.pi, n)) - RADIUS * np.array([0.5, 0.25])
        return np.where(lower[:, None] == 1, -arc, arc) + self.noise * generator.standard_normal((n, 2)), lower

"""A rolled-up sheet seen from its side: one long curve with an empty middle.

    x(t) = c t (cos t, sin t),   t uniform on [3 pi/2, 9 pi/2]

the cross-section of the Swiss roll of the manifold-learning literature (Tenenbaum et al. 2000), scaled to reach 2. Unlike the spiral, the
curve starts away from the centre and gets thinner outwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource, polar

REACH = 2.0
FIRST, LAST = 1.5 * np.pi, 4.5 * np.pi


@dataclass(frozen=True)
class SwissRoll(PlaneSource):
    """The side view of a rolled-up sheet: one long curve."""

    noise: float = knob(0.05, 0.0, 0.3, step=0.01, help="jitter of each point (standard deviation)")

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        t = generator.uniform(FIRST, LAST, n)
        return polar(REACH * t / LAST, t) + self.noise * generator.standard_normal((n, 2)), None

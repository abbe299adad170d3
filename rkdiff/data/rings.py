"""Concentric circles: classes that no straight line separates.

Radii are equally spaced up to 2; a ring is picked with probability proportional to its radius, so points lie equally dense on all of
them. The ring is the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource, polar

OUTER = 2.0


@dataclass(frozen=True)
class Rings(PlaneSource):
    """Concentric circles around one centre."""

    rings: int = knob(3, 1, 6, help="how many circles")
    noise: float = knob(0.05, 0.0, 0.3, step=0.01, help="jitter of each point (standard deviation)")

    def class_names(self) -> tuple[str, ...]:
        return tuple(f"ring {k + 1}" for k in range(self.rings)) if self.rings > 1 else ()

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        radii = OUTER * np.arange(1, self.rings + 1) / self.rings
        ring = generator.choice(self.rings, n, p=radii / radii.sum())
        x = polar(radii[ring], generator.uniform(0.0, 2 * np.pi, n))
        return x + self.noise * generator.standard_normal((n, 2)), ring if self.rings > 1 else None

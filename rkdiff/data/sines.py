"""Sine waves of random amplitude, frequency and phase.

    f(s) = a sin(2 pi w s + p),      a ~ U(1 - v, 1 + v),   w ~ U(slow, fast),   p ~ U(0, 2 pi)

Smooth curves on a manifold of three dimensions: the total variation of f is near 4 a w, whatever the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.data._curves import CurveSource, Drawn


@dataclass(frozen=True)
class Sines(CurveSource):
    """Waves of random amplitude, frequency and phase."""

    label: ClassVar[str] = "Sine waves"

    slow: float = knob(1.0, 0.25, 4.0, step=0.25, help="fewest waves on the interval")
    fast: float = knob(2.0, 0.25, 4.0, step=0.25, help="most waves on the interval")
    vary: float = knob(0.5, 0.0, 1.0, step=0.1, help="how much the amplitude varies around one")

    def draw(self, n: int, places: Float[np.ndarray, " g"], generator: np.random.Generator) -> Drawn:
        low, high = sorted((self.slow, self.fast))
        waves = generator.uniform(low, high, n)[:, None]
        amplitude = generator.uniform(1 - self.vary, 1 + self.vary, n)[:, None]
        phase = generator.uniform(0, 2 * np.pi, n)[:, None]
        return amplitude * np.sin(2 * np.pi * waves * places + phase), None

    def told(self) -> dict[str, Any]:
        return {"source": "sine waves of random amplitude, frequency and phase, drawn here"}

"""Eight small Gaussians on a circle: the standard test of whether a model finds all modes.

    p = (1/8) sum_k N(R (cos 2 pi k/8, sin 2 pi k/8), noise^2 I)

The law is a Gaussian mixture, so its density and score at every noise level are known exactly. The class is the component.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource, polar

MODES = 8


@dataclass(frozen=True)
class EightGaussians(PlaneSource):
    """Eight small Gaussians on a circle; the exact density is known."""

    radius: float = knob(1.4, 0.5, 3.0, step=0.1, help="radius of the circle the eight centres lie on")
    noise: float = knob(0.1, 0.01, 0.5, step=0.01, help="standard deviation of each Gaussian")

    def _centres(self) -> Float[np.ndarray, "8 2"]:
        return polar(self.radius, 2 * np.pi * np.arange(MODES) / MODES)

    def class_names(self) -> tuple[str, ...]:
        return tuple(f"mode {k + 1}" for k in range(MODES))

    def law(self) -> Any:
        from rkdiff.processes.mixture import Mixture

        covs = np.broadcast_to(self.noise**2 * np.eye(2), (MODES, 2, 2)).copy()
        return Mixture(np.full(MODES, 1 / MODES), self._centres(), covs, np.arange(MODES))

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        mode = generator.integers(0, MODES, n)
        return self._centres()[mode] + self.noise * generator.standard_normal((n, 2)), mode

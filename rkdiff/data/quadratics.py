"""Parabolas that open upward or downward: two kinds of curves and nothing between them.

    f(s) = c a (2 s - 1)^2 + b,      c = -1 or 1,   a ~ U(1 - v, 1 + v),   b ~ N(0, d^2)

The total variation of f is 2 a on every grid that holds its vertex; a Gaussian with the same mean and covariance is mostly flat. After the
set of the same name in Lim et al. 2023, "Score-based generative modeling through stochastic evolution equations in Hilbert spaces".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.data._curves import CurveSource, Drawn


@dataclass(frozen=True)
class Quadratics(CurveSource):
    """Parabolas that open upward or downward."""

    label: ClassVar[str] = "Parabolas"

    vary: float = knob(0.3, 0.0, 1.0, step=0.1, help="how much the steepness varies around one")
    offset: float = knob(0.5, 0.05, 2.0, step=0.05, help="how far parabolas are moved up or down (standard deviation)")

    def draw(self, n: int, places: Float[np.ndarray, " g"], generator: np.random.Generator) -> Drawn:
        up = generator.permutation(np.arange(n) % 2)
        steep = generator.uniform(1 - self.vary, 1 + self.vary, n)[:, None]
        shift = self.offset * generator.standard_normal(n)[:, None]
        return (2 * up[:, None] - 1) * steep * (2 * places - 1) ** 2 + shift, up

    def told(self) -> dict[str, Any]:
        return {
            "source": "parabolas after Lim et al. 2023 (quadratic functions), drawn here",
            "class_names": ["opens downward", "opens upward"],
        }

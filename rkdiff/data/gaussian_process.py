"""Draws of a Gaussian process with a known covariance function: the law of every set of values is an exact Gaussian.

    gaussian  k(s, t) = exp(-(s - t)^2 / 2 l^2)       matern  (1 + d) exp(-d), d = sqrt(3) |s - t| / l       brownian  min(s, t)

Smooth, once differentiable and nowhere differentiable paths (Rasmussen and Williams 2006, section 4.2). As the law is known in closed form
in every linear coordinate, learned models and conditioning on observed values can be held against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.data._curves import CurveSource, Drawn
from rkdiff.kernels.vectors import Kernel


@dataclass(frozen=True)
class GaussianProcess(CurveSource):
    """Random functions with a known covariance; the exact law is known."""

    label: ClassVar[str] = "Gaussian process"

    covariance: str = knob(
        "gaussian", options=("gaussian", "matern", "brownian"), help="smooth, once differentiable, or Brownian paths"
    )
    length: float = knob(0.2, 0.05, 1.0, log=True, help="over which distance values are alike (not for Brownian paths)")

    def matrix(self, places: Float[np.ndarray, " g"]) -> Float[np.ndarray, "g g"]:
        """The covariance of the values at these places."""
        if self.covariance == "brownian":
            return np.minimum(places[:, None], places)
        return Kernel(self.covariance, self.length)(places[:, None], places[:, None])

    def law(self) -> Any:
        from rkdiff.processes.mixture import Mixture

        k = self.matrix(np.linspace(0, 1, self.points))
        return Mixture(np.ones(1), np.zeros((1, self.points)), ((k + k.T) / 2)[None])

    def draw(self, n: int, places: Float[np.ndarray, " g"], generator: np.random.Generator) -> Drawn:
        values, vectors = np.linalg.eigh(self.matrix(places))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return generator.standard_normal((n, len(places))) @ root.T, None

    def told(self) -> dict[str, Any]:
        return {"source": f"Gaussian process with covariance {self.covariance!r}, drawn here"}

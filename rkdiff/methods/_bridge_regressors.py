r"""Drifts of bridges, learned from pairs (a, b): least squares, affine or by a network.

Between the ends of a pair runs a Brownian bridge of deviation sigma, on a clock s from 0 at a to 1 at b,

    x_s = (1 - s) a + s b + sigma sqrt(s (1 - s)) z,      drift  E[ (b - x_s) / (1 - s) | x_s ],
    (b - x_s) / (1 - s) = b - a - sigma sqrt(s / (1 - s)) z

(Shi, De Bortoli, Campbell and Doucet 2023, equation 10). What is regressed on x_s has a variance that grows like sigma^2 / (1 - s). Both
regressors therefore know what the means, variances and covariances of the pairs decide, in closed form and without a division by 1 - s:

    x_s ~ (m_s, V_s),   V_s = (1 - s)^2 A + s^2 B + s (1 - s)(C + C' + sigma^2 I),        A = Var a,  B = Var b,  C = Cov(a, b)
    line    b-bar - a-bar + [(1 - s) C' + s B - (1 - s) A - s C - s sigma^2 I] V_s^{-1} (x - m_s)
    left    ((A B - C^2) + s / (1 - s) sigma^2 B) / V_s        (variance per coordinate)

The affine regressor is this line with full matrices: exact for Gaussian pairs. The network (`_bridge_network`) takes it coordinate by
coordinate and adds a perceptron's correction times the root of what is left, so that the perceptron's own target has variance 1 at every
time and an error of it is never larger than what the line leaves undecided (Karras et al. 2022, table 1). That is why the drift is not
predicted raw, whose regression would be all noise near s = 1. A correction learned from few points draws walks away from the means and
variances of the bridges, mostly inwards; a last small line in each coordinate (`steadied`) holds them there. With sigma = 0 this is flow
matching, and on simulated pairs rectified flow (Liu et al. 2023).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch

#: Times stay this far from both ends, in lessons and where a drift is asked for.
NEAREST = 1e-3
#: Variances below this share of the whole are rounding error.
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Coupled:
    """Pairs of points.

    Attributes:
        fresh: points of the end a as it truly is, where those of the pairs were simulated.
    """

    a: Float[torch.Tensor, "n d"]
    b: Float[torch.Tensor, "n d"]
    fresh: Float[torch.Tensor, "m d"] | None = None

    def turned(self) -> Coupled:
        """The same pairs seen from the other end."""
        return Coupled(self.b, self.a)


@runtime_checkable
class Field(Protocol):
    """A learned drift from a to b."""

    def drift(self, x: Float[torch.Tensor, "n d"], s: float) -> Float[torch.Tensor, "n d"]:
        """Velocity at the time s in [0, 1] that has passed since a."""

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""


@runtime_checkable
class Regressor(Protocol):
    """A way to learn a drift."""

    def learn(
        self, pairs: Coupled, sigma: float, rng: Rng, begin: Field | None
    ) -> Generator[tuple[int, int, float], None, Field]:
        """Yield (lessons done, of how many, loss), return the drift; `begin` is what was learned in this direction before."""


# -- affine --


@dataclass(frozen=True, eq=False)
class AffineField:
    """The line with full matrices."""

    mean_a: Float[torch.Tensor, " d"]
    mean_b: Float[torch.Tensor, " d"]
    var_a: Float[torch.Tensor, "d d"]
    var_b: Float[torch.Tensor, "d d"]
    cross: Float[torch.Tensor, "d d"]
    sigma: float

    def slope(self, s: float) -> Float[torch.Tensor, "d d"]:
        """The matrix of the drift at time s."""
        unit = torch.eye(len(self.mean_a), dtype=self.cross.dtype, device=self.cross.device)
        both, rest = self.cross + self.cross.T, self.sigma**2 * unit
        law = (1 - s) ** 2 * self.var_a + s**2 * self.var_b + s * (1 - s) * (both + rest)
        ahead = (1 - s) * self.cross.T + s * self.var_b - (1 - s) * self.var_a - s * self.cross - s * rest
        values, vectors = torch.linalg.eigh((law + law.T) / 2)
        some = values > 1e-10 * values[-1].clamp_min(TINY)
        inverse = torch.where(some, 1 / torch.where(some, values, 1.0), 0.0)
        return ahead @ (vectors * inverse) @ vectors.T

    def drift(self, x: Float[torch.Tensor, "n d"], s: float) -> Float[torch.Tensor, "n d"]:
        return self.mean_b - self.mean_a + (x - (1 - s) * self.mean_a - s * self.mean_b) @ self.slope(s).T

    def state(self) -> dict[str, np.ndarray]:
        names = ("mean_a", "mean_b", "var_a", "var_b", "cross")
        return {name: to_numpy(getattr(self, name)) for name in names} | {"sigma": np.array(self.sigma)}


@dataclass(frozen=True)
class Affine:
    """Means and covariances of the pairs decide everything: exact for Gaussians, and the linear control elsewhere."""

    def learn(
        self, pairs: Coupled, sigma: float, rng: Rng, begin: Field | None
    ) -> Generator[tuple[int, int, float], None, AffineField]:
        ma, mb = pairs.a.mean(0), pairs.b.mean(0)
        a, b, n = pairs.a - ma, pairs.b - mb, len(pairs.a)
        field = AffineField(ma, mb, a.T @ a / n, b.T @ b / n, a.T @ b / n, sigma)
        missed = (field.drift(pairs.a, 0.0) - (pairs.b - pairs.a)).square().mean()
        yield 1, 1, float(missed)
        return field


# -- network --

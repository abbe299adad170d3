"""Interpolants: how a source point, a target point and a Gaussian are mixed on the way from the one to the other.

    x_t = alpha(t) x_0 + beta(t) x_1 + gamma(t) z,     alpha(0) = beta(1) = 1,  alpha(1) = beta(0) = gamma(0) = gamma(1) = 0

(Albergo, Boffi and Vanden-Eijnden 2023, section 2.1). The velocity b(x, t) = E[alpha' x_0 + beta' x_1 + gamma' z | x_t = x] carries the
law of x_0 to that of x_1, whatever their coupling. Where gamma > 0 the score is -E[z | x_t = x] / gamma, and for every e(t) >= 0

    dX = (b + e score) dt + sqrt(2 e) dW

has the same law at every time (their section 2.3).

    linear              1 - t, t, 0: flow matching, rectified flow, alpha-(de)blending (Liu et al. 2023, Heitz et al. 2023)
    trigonometric       cos(pi t/2), sin(pi t/2), 0: keeps the variance of independent standard ends
    encoding_decoding   cos^2(pi t) until 1/2, then 0; the mirror image; sigma sin^2(pi t): pure noise half-way
    brownian            1 - t, t, sigma sqrt(t (1 - t)): the bridge of a Brownian motion of variance sigma^2
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.core.tensors import torch

#: What there is, and those that mix a Gaussian in.
INTERPOLANTS = ("linear", "trigonometric", "encoding_decoding", "brownian")
NOISY = ("encoding_decoding", "brownian")
#: gamma of a Brownian bridge has no slope at the ends: times of noisy interpolants stay this far from them.
MARGIN = 1e-3


@dataclass(frozen=True)
class Mix:
    """The three weights at some times and their slopes, each of the shape of the times."""

    alpha: torch.Tensor
    beta: torch.Tensor
    gamma: torch.Tensor
    alpha_slope: torch.Tensor
    beta_slope: torch.Tensor
    gamma_slope: torch.Tensor


@dataclass(frozen=True)
class Interpolant:
    """One of the `INTERPOLANTS`; `sigma` sizes the Gaussian of those that have one.

    Raises:
        PartError: another name, or a sigma that is not positive where it matters.
    """

    name: str = "linear"
    sigma: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in INTERPOLANTS:
            raise PartError(f"interpolant is {self.name!r}; choose one of {', '.join(INTERPOLANTS)}")
        if self.noisy and not self.sigma > 0:
            raise PartError(f"sigma is {self.sigma}; interpolant {self.name!r} needs sigma > 0: choose 'linear' for none")

    @property
    def noisy(self) -> bool:
        """Whether a Gaussian is mixed in."""
        return self.name in NOISY

    def inside(self, t: Float[torch.Tensor, "*t"]) -> Float[torch.Tensor, "*t"]:
        """The times at which the weights are read: away from the ends where gamma has no slope there."""
        return t.clamp(MARGIN, 1 - MARGIN) if self.noisy else t

    def at(self, t: Float[torch.Tensor, "*t"]) -> Mix:
        """Weights and slopes at times in [0, 1]."""
        zero, one = torch.zeros_like(t), torch.ones_like(t)
        if self.name == "linear":
            return Mix(1 - t, t, zero, -one, one, zero)
        if self.name == "trigonometric":
            quarter = math.pi / 2
            c, s = torch.cos(quarter * t), torch.sin(quarter * t)
            return Mix(c, s, zero, -quarter * s, quarter * c, zero)
        if self.name == "encoding_decoding":
            wave, slope = torch.cos(math.pi * t) ** 2, -math.pi * torch.sin(2 * math.pi * t)
            early = t <= 0.5
            return Mix(
                torch.where(early, wave, zero),
                torch.where(early, zero, wave),
                self.sigma * torch.sin(math.pi * t) ** 2,
                torch.where(early, slope, zero),
                torch.where(early, zero, slope),
                -self.sigma * slope,
            )
        gamma = self.sigma * torch.sqrt(t * (1 - t))
        return Mix(1 - t, t, gamma, -one, one, self.sigma**2 * (1 - 2 * t) / (2 * gamma))

    def spread(self, t: float) -> float:
        """gamma(t)^2: the shape that the noise e(t) of a stochastic walk is given, which keeps its steps stable."""
        return float(self.at(torch.tensor(min(max(t, 0.0), 1.0), dtype=torch.float64)).gamma ** 2)

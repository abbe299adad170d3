"""Schedules: how much signal and how much noise at time t.

    x_t = alpha_t x_0 + sigma_t xi,    nu = sigma / alpha,    lam = log SNR = -2 log nu,     t in [0, 1], 0 at the data.

A schedule fixes only the marginals. It must supply alpha and sigma; log-SNR must fall strictly in t. The schedule is the clock of the
sampler and of the picture; a model never depends on it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import Part


@dataclass(frozen=True)
class Grid:
    """The times at which a sampler stands, from the noise to the data: N+1 entries for N steps.

    For a diffusion: t falls from 1, nu = sigma/alpha falls strictly to nu[-1] = 0 (the last step returns the denoised point).
    For a transport: t = tau rises from 0, alpha = 1 and sigma = 0 throughout.
    """

    t: Float[np.ndarray, " N1"]
    alpha: Float[np.ndarray, " N1"]
    sigma: Float[np.ndarray, " N1"]

    @property
    def nu(self) -> Float[np.ndarray, " N1"]:
        return self.sigma / self.alpha

    @property
    def u(self) -> Float[np.ndarray, " N1"]:
        """The screen's clock: equal shares of [0, 1] for each step."""
        return np.linspace(0.0, 1.0, len(self.t))


@dataclass(frozen=True)
class Schedule(Part, kind="schedule"):
    """A noise schedule one can choose."""

    @abstractmethod
    def alpha(self, t: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """Signal scale, in (0, 1]."""

    @abstractmethod
    def sigma(self, t: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """Noise scale, >= 0."""

"""Schedules: how much signal and how much noise at time t.

    x_t = alpha_t x_0 + sigma_t xi,    nu = sigma / alpha,    lam = log SNR = -2 log nu,     t in [0, 1], 0 at the data.

A schedule fixes only the marginals. It must supply alpha and sigma and their derivatives in t; log-SNR must fall strictly in t and
alpha stays above 0 (where the textbook reaches 0 at t = 1, the curve is stretched by a thousandth so that it does not). The schedule
is the clock of the sampler and of the picture; a model never depends on it (Karras et al. 2022, section 2; Kingma et al. 2021,
section 4).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import Part, PartError, knob

#: The noise-to-signal ratio at which a sampler takes its last step, straight to the denoised point.
NU_MIN = 0.02


@dataclass(frozen=True)
class Grid:
    """The times at which a sampler stands, from the noise to the data: N+1 entries for N steps.

    For a diffusion: t falls from 1, nu = sigma/alpha falls strictly to nu[-1] = 0 (the last step returns the denoised point).
    For a transport: t = tau rises from 0, alpha = 1 and sigma = 0 throughout.

    Attributes:
        alpha_dot: d alpha / dt, needed by samplers that step in t itself; 0 where nu = 0, where no step begins.
        sigma_dot: d sigma / dt, likewise.
    """

    t: Float[np.ndarray, " N1"]
    alpha: Float[np.ndarray, " N1"]
    sigma: Float[np.ndarray, " N1"]
    alpha_dot: Float[np.ndarray, " N1"] | None = None
    sigma_dot: Float[np.ndarray, " N1"] | None = None

    @property
    def nu(self) -> Float[np.ndarray, " N1"]:
        return self.sigma / self.alpha

    @property
    def u(self) -> Float[np.ndarray, " N1"]:
        """The screen's clock: equal shares of [0, 1] for each step."""
        return np.linspace(0.0, 1.0, len(self.t))


@dataclass(frozen=True)
class Schedule(Part, kind="schedule"):
    """A noise schedule one can choose. Fill the four curves; everything else follows."""

    @abstractmethod
    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Signal scale, in (0, 1]."""

    @abstractmethod
    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Noise scale, >= 0."""

    @abstractmethod
    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D alpha / dt, at t > 0."""

    @abstractmethod
    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D sigma / dt, at t > 0."""

    def nu(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Noise-to-signal ratio: the clock of every model."""
        return self.sigma(t) / self.alpha(t)

    def logsnr(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Log alpha^2 / sigma^2, at t > 0."""
        return 2 * (np.log(self.alpha(t)) - np.log(self.sigma(t)))

    def logsnr_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D log-SNR / dt, always negative; the diffusion coefficient is G^2 = -sigma^2 times this."""
        return 2 * (self.alpha_dot(t) / self.alpha(t) - self.sigma_dot(t) / self.sigma(t))

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """The time of a log-SNR, clipped to [0, 1]. By bisection unless a schedule knows the closed form."""
        low, high = np.zeros_like(logsnr), np.ones_like(logsnr)
        for _ in range(60):
            middle = (low + high) / 2
            noisier = self.logsnr(middle) < logsnr
            low, high = np.where(noisier, low, middle), np.where(noisier, middle, high)
        return (low + high) / 2

    @property
    def nu_end(self) -> float:
        """The noise-to-signal ratio from which the last step jumps to the data."""
        return NU_MIN

    @property
    def t_min(self) -> float:
        """The smallest time at which a sampler stands before its last step."""
        return float(self.t_of_logsnr(np.array([-2 * math.log(self.nu_end)]))[0])

    def grid(self, steps: int) -> Grid:
        """Steps evenly spaced in t from 1 to `t_min`, then one to the data.

        Raises:
            PartError: fewer than one step.
        """
        if steps < 1:
            raise PartError(f"steps is {steps}; choose a whole number of at least 1")
        t = np.linspace(1.0, self.t_min, steps)
        curves = (self.alpha(t), self.sigma(t), self.alpha_dot(t), self.sigma_dot(t))
        ends = (1.0, 0.0, 0.0, 0.0)
        return Grid(np.append(t, 0.0), *(np.append(c, end) for c, end in zip(curves, ends, strict=True)))


@dataclass(frozen=True)
class VPLinear(Schedule):
    """Variance preserving with a noise rate that grows linearly (Song et al. 2021, equation 32)."""

    label: ClassVar[str] = "VP, linear rate"

    beta_min: float = knob(0.1, 0.05, 1.0, log=True, help="rate of noising at the data")
    beta_max: float = knob(20.0, 8.0, 30.0, help="rate of noising at the noise end")

    def _b(self, t: np.ndarray) -> np.ndarray:
        return self.beta_min * t + 0.5 * (self.beta_max - self.beta_min) * t**2

    def _beta(self, t: np.ndarray) -> np.ndarray:
        return self.beta_min + (self.beta_max - self.beta_min) * t

    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.exp(-0.5 * self._b(t))

    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.sqrt(-np.expm1(-self._b(t)))

    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return -0.5 * self._beta(t) * self.alpha(t)

    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return 0.5 * self._beta(t) * self.alpha(t) ** 2 / self.sigma(t)

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        b = np.logaddexp(0.0, -logsnr)
        slope = self.beta_max - self.beta_min
        return np.clip(2 * b / (self.beta_min + np.sqrt(self.beta_min**2 + 2 * slope * b)), 0.0, 1.0)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Signal falls as a cosine: gentle at both ends (Nichol and Dhariwal 2021, equation 17)."""

    logsnr_end: float = knob(
        -15.0, -18.0, -6.0, help="log-SNR at the noise end, where the cosine itself would have no signal left"
    )

    OFFSET: ClassVar[float] = 0.008

    @property
    def _angles(self) -> tuple[float, float]:
        return math.pi / 2 * self.OFFSET / (1 + self.OFFSET), math.atan(math.exp(-self.logsnr_end / 2))

    def _angle(self, t: np.ndarray) -> np.ndarray:
        first, last = self._angles
        return first + (last - first) * t

    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.cos(self._angle(t))

    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.sin(self._angle(t))

    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return -(self._angles[1] - self._angles[0]) * np.sin(self._angle(t))

    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return (self._angles[1] - self._angles[0]) * np.cos(self._angle(t))

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        first, last = self._angles
        return np.clip((np.arctan(np.exp(-logsnr / 2)) - first) / (last - first), 0.0, 1.0)


@dataclass(frozen=True)
class Karras(Schedule):
    """Only noise is added, most steps where little is left (Karras et al. 2022, equation 5)."""

    label: ClassVar[str] = "Karras (EDM)"

    sigma_max: float = knob(20.0, 5.0, 100.0, log=True, help="noise at the start, in units of the data's spread")
    sigma_min: float = knob(0.02, 0.002, 0.1, log=True, help="noise at which the last step jumps to the data")
    rho: float = knob(7.0, 1.0, 12.0, help="how strongly the steps crowd towards little noise (1: evenly)")

    @property
    def nu_end(self) -> float:
        return self.sigma_min

    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.ones_like(t)

    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return self.sigma_max * np.power(t, self.rho)

    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.zeros_like(t)

    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return self.rho * self.sigma_max * np.power(t, self.rho - 1)

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.clip(np.exp((-logsnr / 2 - math.log(self.sigma_max)) / self.rho), 0.0, 1.0)


@dataclass(frozen=True)
class FlowMatching(Schedule):
    """Straight lines between a data point and its noise (Lipman et al. 2023; Liu et al. 2023)."""

    label: ClassVar[str] = "Flow matching, straight lines"

    shift: float = knob(1.0, 0.25, 4.0, log=True, help="above 1 more time is spent near the noise, below 1 near the data")

    #: Signal left at t = 1: the noise-to-signal ratio begins at a thousand.
    LEFT: ClassVar[float] = 1e-3

    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return self.shift * t / (1 + (self.shift - 1) * t)

    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return 1 - (1 - self.LEFT) * self.sigma(t)

    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return self.shift / (1 + (self.shift - 1) * t) ** 2

    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return -(1 - self.LEFT) * self.sigma_dot(t)

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        nu = np.exp(-logsnr / 2)
        s = nu / (1 + (1 - self.LEFT) * nu)
        return np.clip(s / (self.shift - (self.shift - 1) * s), 0.0, 1.0)

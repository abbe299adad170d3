"""Schedules: how much signal and how much noise at time t.

    x_t = alpha_t x_0 + sigma_t xi,    nu = sigma / alpha,    lam = log SNR = -2 log nu,     t in [0, 1], 0 at the data.

A schedule is one falling curve, log-SNR over t, and a *form* that says how signal and noise share the scale:

    vp    alpha^2 + sigma^2 = 1:   alpha^2 = sigmoid(lam)         (variance preserving)
    ve    alpha = 1:               sigma = exp(-lam / 2)          (variance exploding)
    flow  alpha + sigma = 1:       alpha = sigmoid(lam / 2)       (straight lines)

Everything else follows from the curve and its slope. The form is a harmless scale: a sampler walks nu alone (Karras et al. 2022,
section 2). A schedule fixes only the marginals; it is the clock of the sampler and of the picture, and a model never depends on it
(Kingma et al. 2021, section 4). Log-SNR falls strictly and stays finite at t = 1.

Two changes apply to every curve: `shift` c lowers log-SNR by 2 log c, what c times as many redundant coordinates a side ask for (Hoogeboom
et al. 2023; Esser et al. 2024), and, where variance is preserved, `zero_terminal` rescales sqrt(alpha^2) so that no signal is left at
t = 1 (Lin et al. 2024, algorithm 1), to log-SNR about -16.6 instead of minus infinity.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import Part, PartError, knob

#: The noise-to-signal ratio at which a sampler takes its last step, straight to the denoised point.
NU_MIN = 0.02
FORMS = ("vp", "ve", "flow")
#: The smallest time at which a sampler stands before its last step: some curves end at t = 0 with noise left.
FIRST = 1e-9
#: alpha^2 that a zero-terminal schedule keeps at t = 1, so that nu stays finite (4096).
LEFT = 2.0**-24


@dataclass(frozen=True)
class Grid:
    """The levels at which a sampler stands, from the noise to the data: N+1 entries for N steps.

    For a diffusion: t falls, nu = sigma/alpha falls strictly to nu[-1], which is 0 (the last step returns the denoised point) unless the
    grid is told to stop at its smallest level. For a transport: t rises from 0, alpha = 1 and sigma = 0 throughout.

    Attributes:
        alpha_dot: d alpha / dt, needed by samplers that step in t itself; 0 where nu = 0, where no step begins.
        sigma_dot: d sigma / dt, likewise.
        prior: standard deviation of the noise a sampler starts from, in the schedule's coordinates; None: sigma at the first level. Where
            variance is preserved it is 1 by convention, signal left or not.
        clock: what the time is called where it is shown: "t", or "tau" for a flow without an end.
    """

    t: Float[np.ndarray, " N1"]
    alpha: Float[np.ndarray, " N1"]
    sigma: Float[np.ndarray, " N1"]
    alpha_dot: Float[np.ndarray, " N1"] | None = None
    sigma_dot: Float[np.ndarray, " N1"] | None = None
    prior: float | None = None
    clock: str = "t"

    @property
    def begin(self) -> float:
        """The same standard deviation in variance-exploding coordinates, x / alpha."""
        return float((self.sigma[0] if self.prior is None else self.prior) / self.alpha[0])

    @property
    def nu(self) -> Float[np.ndarray, " N1"]:
        return self.sigma / self.alpha

    @property
    def logsnr(self) -> Float[np.ndarray, " N1"]:
        """Log alpha^2 / sigma^2; infinite where there is no noise."""
        with np.errstate(divide="ignore"):
            return 2 * (np.log(self.alpha) - np.log(self.sigma))

    @property
    def u(self) -> Float[np.ndarray, " N1"]:
        """The screen's clock: equal shares of [0, 1] for each step."""
        return np.linspace(0.0, 1.0, len(self.t))


@dataclass(frozen=True)
class Schedule(Part, kind="schedule"):
    """A noise schedule one can choose. Fill `curve` and `curve_dot`; everything else follows."""

    _: KW_ONLY
    shift: float = knob(
        1.0, 0.05, 20.0, log=True, advanced=True,
        help="noise-to-signal ratio times this at every t: above 1 for data with redundant coordinates, as at higher resolution",
    )  # fmt: skip

    #: How signal and noise share the scale; a knob of this name where a person chooses.
    form: ClassVar[str] = "vp"
    #: Whether the level at t = 0 is a choice of the schedule's own, at which its grids end.
    own_end: ClassVar[bool] = False

    @abstractmethod
    def curve(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Log-SNR at t in (0, 1], before shift and rescaling; strictly falling, finite at t = 1."""

    @abstractmethod
    def curve_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D curve / dt, negative."""

    def t_of_curve(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """The time of a value of `curve`, clipped to [0, 1]. By bisection unless a schedule knows the closed form."""
        low, high = np.zeros_like(logsnr), np.ones_like(logsnr)
        for _ in range(60):
            middle = (low + high) / 2
            noisier = self.curve(middle) < logsnr
            low, high = np.where(noisier, low, middle), np.where(noisier, middle, high)
        return (low + high) / 2

    @property
    def levels(self) -> Float[np.ndarray, " T"] | None:
        """Log-SNR of each training level of a discrete schedule, index 0 at the data, shift and rescaling included; None: continuous.

        Level i of T stands at t = (i + 1) / T.
        """
        return None

    def logsnr(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Log alpha^2 / sigma^2; infinite at t = 0 where the curve is."""
        with np.errstate(divide="ignore", over="ignore"):
            return self._changed(self.curve(t))

    def logsnr_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D log-SNR / dt, always negative; the diffusion coefficient is G^2 = -sigma^2 times this."""
        return self._changed_dot(self.curve(t)) * self.curve_dot(t)

    def t_of_logsnr(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """The time of a log-SNR, clipped to [0, 1]."""
        return self.t_of_curve(self._unchanged(np.asarray(logsnr, dtype=float)))

    def alpha(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Signal scale, in (0, 1]."""
        return signal(self.form, self.logsnr(t))

    def sigma(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Noise scale, >= 0."""
        return noise(self.form, self.logsnr(t))

    def alpha_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D alpha / dt, at t > 0."""
        a, s = self.alpha(t), self.sigma(t)
        share = {"vp": a * s**2, "ve": np.zeros_like(a), "flow": a * s}[self.form]
        return share / 2 * self.logsnr_dot(t)

    def sigma_dot(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """D sigma / dt, at t > 0."""
        a, s = self.alpha(t), self.sigma(t)
        share = {"vp": s * a**2, "ve": s, "flow": a * s}[self.form]
        return -share / 2 * self.logsnr_dot(t)

    def nu(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Noise-to-signal ratio: the clock of every model."""
        return np.exp(-self.logsnr(t) / 2)

    def beta(self, t: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        """Rate of the variance preserving process with this log-SNR, -d log sigmoid(lam) / dt, at t > 0."""
        return -self.logsnr_dot(t) * noise("vp", self.logsnr(t)) ** 2

    @property
    def nu_end(self) -> float:
        """The noise-to-signal ratio from which the last step jumps to the data.

        A discrete schedule's first level; the level at t = 0 where that is a choice of the schedule's own; otherwise `NU_MIN`, or the
        curve's least noise where it does not reach that low (or lies below it altogether).
        """
        if self.levels is not None:
            return math.exp(-self.levels[0] / 2)
        least, most = self.nu(np.array([FIRST, 1.0])).tolist()
        return max(NU_MIN, least) if most > NU_MIN and not self.own_end else least

    @cached_property
    def t_min(self) -> float:
        """The smallest time at which a sampler stands before its last step."""
        return max(FIRST, float(self.t_of_logsnr(np.array([-2 * math.log(self.nu_end)]))[0]))

    def at(self, t: Float[np.ndarray, " N"], *, to_data: bool = True) -> Grid:
        """The grid that stands at these falling times and, `to_data`, ends without noise.

        Raises:
            PartError: no times, or times whose noise does not fall strictly.
        """
        t = np.asarray(t, dtype=float)
        if not len(t) or not (np.diff(self.logsnr(t)) > 0).all():
            raise PartError(f"{len(t)} times from {t[:3].tolist()}: give at least one, falling, in (0, 1]")
        curves = (t, self.alpha(t), self.sigma(t), self.alpha_dot(t), self.sigma_dot(t))
        prior = 1.0 if self.form == "vp" else None
        if not to_data:
            return Grid(*curves, prior)
        u, alpha, sigma, alpha_dot, sigma_dot = (
            np.append(c, v) for c, v in zip(curves, (0.0, 1.0, 0.0, 0.0, 0.0), strict=True)
        )
        return Grid(u, alpha, sigma, alpha_dot, sigma_dot, prior)

    def grid(self, steps: int) -> Grid:
        """Steps evenly spaced in t from 1 to `t_min`, then one to the data; other placements are spacings (`rkdiff.processes.spacings`).

        Raises:
            PartError: fewer than one step.
        """
        if steps < 1:
            raise PartError(f"steps is {steps}; choose a whole number of at least 1")
        return self.at(np.linspace(1.0, self.t_min, steps))

    # -- what shift and rescaling do to the curve --

    def _changed(self, curve: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return curve - 2 * math.log(self.shift)

    def _changed_dot(self, curve: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return np.ones_like(curve)

    def _unchanged(self, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
        return logsnr + 2 * math.log(self.shift)


def signal(form: str, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Alpha of a log-SNR in a form."""
    if form == "ve":
        return np.ones_like(logsnr)
    return np.exp(-np.logaddexp(0.0, -logsnr) / 2) if form == "vp" else np.exp(-np.logaddexp(0.0, -logsnr / 2))


def noise(form: str, logsnr: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Sigma of a log-SNR in a form."""
    if form == "ve":
        return np.exp(-logsnr / 2)
    return np.exp(-np.logaddexp(0.0, logsnr) / 2) if form == "vp" else np.exp(-np.logaddexp(0.0, logsnr / 2))

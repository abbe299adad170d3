"""A network that learns the velocity of an interpolant, from pairs of points however they are coupled.

With x_t = alpha x_0 + beta x_1 + gamma z the network learns two conditional means, the second only where gamma > 0:

    v(x, t) = E[alpha' x_0 + beta' x_1 | x_t = x],    eta(x, t) = E[z | x_t = x],
    velocity b = v + gamma' eta,                      score = -eta / gamma

by least squares (flow matching: Lipman et al. 2023, Liu et al. 2023; stochastic interpolants: Albergo, Boffi and Vanden-Eijnden 2023,
sections 2.2 and 2.4). gamma' stays out of the regression, because that of a Brownian bridge has no bound at the ends. Both means are
the best functions linear in each coordinate, known from the moments of the ends, plus a perceptron's correction of the size of what
these leave (Karras et al. 2022, table 1): before training the model carries mean and variances of the source to those of the target.
Random Fourier features let a small network see fine detail (Tancik et al. 2020). `rkdiff.methods._velocity_training` trains it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, torch
from rkdiff.methods._interpolant_moments import Ends, frame
from rkdiff.methods._interpolants import Interpolant, Mix
from rkdiff.methods._mlp import Perceptron

#: Angular frequencies of the features of the clock.
CLOCK = (1.5, 3.0, 4.5)
#: Spread of the Fourier frequencies, for points of unit spread in the plane; kept the same along a line in more dimensions.
PITCH = 2.0


@dataclass(frozen=True)
class Training:
    """How a velocity is learned.

    Attributes:
        rate: learning rate at its peak; it rises in the first steps and falls to 0.
        fourier: random Fourier features of the position; 0 is off.
        time_law: "uniform", or "exponential": times of density proportional to 10^t, more of them near the target.
        normalised: divide the loss of each sample by itself (held fixed), so that samples count alike whatever their loss.
    """

    steps: int = 3000
    batch: int = 256
    width: int = 64
    layers: int = 3
    rate: float = 0.005
    fourier: int = 32
    time_law: str = "uniform"
    normalised: bool = False


class VelocityModel(Model):
    """A transport whose velocity is a line in each coordinate plus a perceptron's correction.

    Attributes:
        noise_rate: e(t) = noise_rate gamma(t)^2 of the stochastic walk; 0, or an interpolant without gamma, walks the flow.
        given: numbers the network is told of each particle besides (columns of `told`).
    """

    family = "transport"

    def __init__(
        self,
        net: Perceptron,
        theta: torch.Tensor,
        pitch: torch.Tensor,
        ends: Ends,
        interpolant: Interpolant,
        classes: int = 0,
        given: int = 0,
        noise_rate: float = 0.0,
    ) -> None:
        self.net, self.theta, self.pitch, self.ends, self.interpolant = net, theta, pitch, ends, interpolant
        self.classes, self.given, self.noise_rate = classes, given, noise_rate

    @staticmethod
    def untrained(
        ends: Ends, training: Training, interpolant: Interpolant, generator: torch.Generator, classes: int = 0, given: int = 0
    ) -> VelocityModel:
        """A network of the sizes of `training` that has learned nothing yet."""
        like = ends.mean0.float()
        d = len(like)
        pitch = PITCH * math.sqrt(2 / d) * randn((d, training.fourier), generator, like)
        inputs = d + 2 + 2 * len(CLOCK) + 2 * training.fourier + classes + given
        net = Perceptron((inputs, *[training.width] * training.layers, 2 * d if interpolant.noisy else d))
        return VelocityModel(net, net.start(generator, like, output=0.1), pitch, ends, interpolant, classes, given)

    @property
    def stochastic(self) -> bool:
        """Whether walks draw noise."""
        return self.interpolant.noisy and self.noise_rate > 0

    # -- the network --

    def features(
        self,
        y: Float[torch.Tensor, "n d"],
        t: Float[torch.Tensor, "n 1"],
        label: Int[torch.Tensor, " n"] | None,
        told: Float[torch.Tensor, "n k"] | None,
    ) -> Float[torch.Tensor, "n i"]:
        """What the network sees of x_t (in units of its spread at that time), the clock, the class and what else it is told."""
        clock = torch.log((t + 1e-3) / (1 - t + 1e-3)) / 4
        parts = [y, t, clock, *(f(k * clock) for k in CLOCK for f in (torch.sin, torch.cos))]
        if self.pitch.shape[1]:
            phase = y @ self.pitch
            parts += [torch.sin(phase), torch.cos(phase)]
        if self.classes:
            asked = torch.zeros(len(y), self.classes + 1, dtype=y.dtype, device=y.device)
            if label is not None:
                asked.scatter_(1, (label[:, None] + 1), 1.0)
            parts.append(asked[:, 1:])
        if self.given:
            if told is None:
                raise ValueError(f"this velocity is conditioned on {self.given} numbers of every particle; give them as `told`")
            parts.append(told)
        return torch.cat(parts, dim=1)

    def means(
        self,
        theta: torch.Tensor,
        x: Float[torch.Tensor, "n d"],
        t: Float[torch.Tensor, "n 1"],
        mix: Mix,
        label: Int[torch.Tensor, " n"] | None = None,
        told: Float[torch.Tensor, "n k"] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Both conditional means, v and eta, in single precision; eta is None where no Gaussian is mixed in."""
        f, d = frame(self.ends, t, mix), x.shape[1]
        y = (x - f.mean) / f.unit
        out = self.net(theta, self.features(y, t, label, told))
        v = f.pace + f.slope * (x - f.mean) + f.left * out[:, :d]
        return v, f.noise_slope * (x - f.mean) + f.noise_left * out[:, d:] if self.interpolant.noisy else None

    # -- what is asked of it --

    def parts(
        self,
        x: Float[torch.Tensor, "n d"],
        t: float,
        label: Int[torch.Tensor, " n"] | None = None,
        told: Float[torch.Tensor, "n k"] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The velocity b, and the score times gamma^2 (0 where no Gaussian is mixed in), at one time."""
        with torch.no_grad():
            low = self.theta.dtype
            when = self.interpolant.inside(torch.full((len(x), 1), t, dtype=low, device=x.device))
            mix = self.interpolant.at(when)
            v, eta = self.means(self.theta, x.to(low), when, mix, label, None if told is None else told.to(low))
            if eta is None:
                return v.to(x.dtype), torch.zeros_like(x)
            return (v + mix.gamma_slope * eta).to(x.dtype), (-mix.gamma * eta).to(x.dtype)

    def velocity(
        self,
        x: Float[torch.Tensor, "n d"],
        t: float,
        label: Int[torch.Tensor, " n"] | None = None,
        told: Float[torch.Tensor, "n k"] | None = None,
    ) -> Float[torch.Tensor, "n d"]:
        """b(x, t): what the flow without noise follows."""
        return self.parts(x, t, label, told)[0]

    def score(
        self, x: Float[torch.Tensor, "n d"], t: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """The gradient of the log density of x_t, for 0 < t < 1.

        Raises:
            ValueError: the interpolant mixes no Gaussian in.
        """
        if not self.interpolant.noisy:
            raise ValueError(f"interpolant {self.interpolant.name!r} mixes no Gaussian in, so no score was learned")
        when = float(self.interpolant.inside(torch.tensor(t, dtype=torch.float64)))
        return self.parts(x, t, label)[1] / self.interpolant.spread(when)

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """The velocity, with e(t) times the score where walks draw noise."""
        b, pull = self.parts(x, t, label)
        return b + self.noise_rate * pull if self.stochastic else b

    def noise(self, before: float, after: float) -> float:
        """sqrt(2 int e(t) dt) over the step, by Simpson's rule (exact for a Brownian bridge)."""
        if not self.stochastic:
            return 0.0
        ends = self.interpolant.spread(before) + self.interpolant.spread(after)
        whole = (ends + 4 * self.interpolant.spread((before + after) / 2)) / 6
        return math.sqrt(2 * self.noise_rate * whole * (after - before))

    def state(self) -> dict[str, np.ndarray]:
        return {"theta": to_numpy(self.theta), "frequencies": to_numpy(self.pitch), **self.ends.state()}

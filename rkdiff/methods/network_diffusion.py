"""A small network as the denoiser.

In flow-matching coordinates, t = nu / (1 + nu) and x_t = (1 - t) x_0 + t eps = x / (1 + nu), the network F corrects the best linear
denoiser, coordinate by coordinate:

    D(x, nu) = W(x, nu) + c(nu) F(x_t, t),     W = m + s^2 / (s^2 + nu^2) (x - m),     c = nu s / sqrt(s^2 + nu^2)

with the data's mean m and deviations s: c is what W leaves undecided (Karras et al. 2022, table 1). Before training the model thus has the
mean and the variances of the data. The loss is the squared error of the velocity (x_t - D) / t (Lipman et al. 2023, eq. 23), weighted by
the norm of the space. Targets are posterior means over the batch and a reference sample (stable target field: Xu, Tong & Jaakkola 2023,
eq. 6), which takes most of the noise out of the gradient. Random Fourier features let a small network see fine detail (Tancik et al. 2020,
section 4). A network with classes is asked for none in half of its lessons, so that it learns both (Ho & Salimans 2021).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser
from rkdiff.core.parts import knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, torch
from rkdiff.methods import Method, Problem
from rkdiff.methods._lessons import Lessons
from rkdiff.methods._look import PARTICLES, look
from rkdiff.methods._mlp import Adam, Perceptron, warmth
from rkdiff.methods._moments import Moments

#: Angular frequencies of the features of log(nu) / 4.
CLOCK = (1.5, 3.0, 4.5)
#: Spread of the Fourier frequencies, for data of unit spread in the plane; kept the same along a line in more dimensions.
PITCH = 2.0
#: Noise levels are clipped to this range before the logarithm; the Wiener filter decides alone beyond.
RANGE = (1e-4, 1e4)
#: Progress is reported every so many steps, with a look at the cloud a dozen times.
REPORT, LOOKS = 10, 12


class NetworkDenoiser(Denoiser):
    """The best linear denoiser plus a perceptron's correction."""

    def __init__(self, net: Perceptron, moments: Moments, classes: int, pitch: torch.Tensor, theta: torch.Tensor) -> None:
        self.net, self.moments, self.classes, self.pitch, self.theta = net, moments, classes, pitch, theta

    def features(
        self, x: Float[torch.Tensor, "n d"], t: Float[torch.Tensor, "n 1"], label: Int[torch.Tensor, " n"] | None
    ) -> Float[torch.Tensor, "n i"]:
        """What the network sees of x_t (in units of the data's spread), the clock and the class."""
        clock = torch.log(t.clamp_min(RANGE[0]) / (1 - t).clamp_min(1 / RANGE[1])) / 4
        parts = [x, t, clock, *(f(k * clock) for k in CLOCK for f in (torch.sin, torch.cos))]
        if self.pitch.shape[1]:
            phase = x @ self.pitch
            parts += [torch.sin(phase), torch.cos(phase)]
        if self.classes:
            asked = torch.zeros(len(x), self.classes + 1, dtype=x.dtype, device=x.device)
            if label is not None:
                asked.scatter_(1, (label[:, None] + 1), 1.0)
            parts.append(asked[:, 1:])
        return torch.cat(parts, dim=1)

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        if nu <= 0:
            return x
        m, low = self.moments, self.theta.dtype
        with torch.no_grad():
            r = nu / m.unit
            y = ((x - m.mean) / (m.unit * (1 + r))).to(low)
            t = torch.full((len(x), 1), r / (1 + r), dtype=low, device=x.device)
            correction = self.net(self.theta, self.features(y, t, label)).to(x.dtype)
            return m.wiener(x, nu) + m.left(nu) * correction

    def state(self) -> dict[str, np.ndarray]:
        return {"theta": to_numpy(self.theta), "frequencies": to_numpy(self.pitch), **self.moments.state()}


@dataclass(frozen=True)
class NetworkDiffusion(Method):
    """A small neural network learns to remove the noise, at every noise level at once."""

    quick: ClassVar[Mapping[str, Any]] = {"steps": 20}

    steps: int = knob(1000, 1, 10000, step=100, log=True, help="how many training steps: more is better and slower")
    width: int = knob(64, 4, 512, step=4, log=True, help="neurons in each hidden layer")
    layers: int = knob(3, 1, 6, help="hidden layers")
    rate: float = knob(0.02, 1e-4, 0.1, log=True, help="learning rate at its peak; it rises in the first steps and falls to 0")
    fourier: int = knob(32, 0, 128, help="random Fourier features of the position, for fine detail; 0 is off")
    averaged_targets: bool = knob(
        True, help="learn from posterior means over many points instead of from single points: far less noise in training"
    )
    batch: int = knob(256, 8, 2048, step=8, log=True, advanced=True, help="noisy points in each training step")

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, NetworkDenoiser]:
        """Train; reports the loss every few steps and shows the cloud a dozen times."""
        lessons = Lessons.of(problem, self.batch, self.averaged_targets, rng.torch("lessons"))
        model = self._untrained(problem, lessons, rng)
        optimiser = Adam(model.theta)
        z = randn((PARTICLES, problem.x.shape[1]), rng.torch("look"), model.moments.mean)
        shown, total = -1, torch.zeros_like(model.theta[0])
        for k in range(self.steps):
            total += _step(model, lessons, optimiser, self.rate * warmth(k, self.steps))
            done = k + 1
            if done % REPORT and done < self.steps:
                continue
            due = done * LOOKS // self.steps
            seen = look(model, z, model.moments.mean, model.moments.unit) if due > shown else None
            shown = max(due, shown)
            yield Progress("training", done, self.steps, {"loss": float(total) / (k % REPORT + 1)}, seen)
            total.zero_()
        return model

    def _untrained(self, problem: Problem, lessons: Lessons, rng: Rng) -> NetworkDenoiser:
        d, like, start = problem.x.shape[1], lessons.x, rng.torch("network")
        pitch = PITCH * math.sqrt(2 / d) * randn((d, self.fourier), start, like)
        inputs = d + 2 + 2 * len(CLOCK) + 2 * self.fourier + problem.classes
        net = Perceptron((inputs, *[self.width] * self.layers, d))
        moments = Moments.of(problem.x, problem.device)
        return NetworkDenoiser(net, moments, problem.classes, pitch, net.start(start, like, output=0.1))


def _step(model: NetworkDenoiser, lessons: Lessons, optimiser: Adam, rate: float) -> Float[torch.Tensor, ""]:
    """One lesson: the weighted squared error of the velocity and a step against its gradient."""
    lesson = lessons.next()
    with torch.enable_grad():
        theta = model.theta.detach().requires_grad_()
        output = model.net(theta, model.features(lesson.x, lesson.t, lesson.label))
        loss = (lesson.weights * (lesson.gain * output - lesson.target).square()).mean()
        (gradient,) = torch.autograd.grad(loss, theta)
    optimiser.step(gradient, rate)
    return loss.detach()

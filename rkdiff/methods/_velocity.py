"""A network that learns the velocity of an interpolant, from pairs of points however they are coupled.

With x_t = alpha x_0 + beta x_1 + gamma z the network learns two conditional means, the second only where gamma > 0:

    v(x, t) = E[alpha' x_0 + beta' x_1 | x_t = x],    eta(x, t) = E[z | x_t = x],
    velocity b = v + gamma' eta,                      score = -eta / gamma

by least squares (flow matching: Lipman et al. 2023, Liu et al. 2023; stochastic interpolants: Albergo, Boffi and Vanden-Eijnden 2023,
sections 2.2 and 2.4). gamma' stays out of the regression, because that of a Brownian bridge has no bound at the ends. Both means are
the best functions linear in each coordinate, known from the moments of the ends, plus a perceptron's correction of the size of what
these leave (Karras et al. 2022, table 1): before training the model carries mean and variances of the source to those of the target.
Random Fourier features let a small network see fine detail (Tancik et al. 2020).

    pairs = coupled(source, target, "ot", group=128)                # any two samplers: (count, generator) -> points
    model = outcome(train_velocity(pairs, Training(steps=500), rng=Rng(0)))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Model
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.methods._couplings import coupling_named
from rkdiff.methods._interpolants import Interpolant, Mix
from rkdiff.methods._mlp import Adam, Perceptron

#: Angular frequencies of the features of the clock.
CLOCK = (1.5, 3.0, 4.5)
#: Spread of the Fourier frequencies, for points of unit spread in the plane; kept the same along a line in more dimensions.
PITCH = 2.0
#: Variances are held above this share of the ends' together, so that points that all coincide divide nothing by zero.
FLOOR = 1e-3
#: Pairs from which the moments of the ends are taken.
MOMENTS = 4096
#: Progress is reported every so many steps, with a look at the cloud a dozen times.
REPORT, LOOKS = 10, 12
#: Particles in a look, and the Euler steps it takes.
PARTICLES, STEPS = 300, 10


@dataclass(frozen=True)
class Pairs:
    """Coupled points.

    Attributes:
        label: class of each pair, ANY for none; None where no pair has one.
        given: what the network is told of each pair besides (data-dependent couplings), or None.
    """

    x0: Float[np.ndarray, "n d"]
    x1: Float[np.ndarray, "n d"]
    label: Int[np.ndarray, " n"] | None = None
    given: Float[np.ndarray, "n k"] | None = None


#: A sampler of one end: how many, and random numbers.
Sample = Callable[[int, np.random.Generator], Float[np.ndarray, "n d"]]
#: A sampler of coupled ends.
Draw = Callable[[int, np.random.Generator], Pairs]


def coupled(source: Sample, target: Sample, coupling: str = "independent", sigma: float = 1.0, group: int = 128) -> Draw:
    """Pairs from two samplers of ends, coupled `group` at a time by one of `_couplings.COUPLINGS`."""
    match = coupling_named(coupling)

    def draw(count: int, generator: np.random.Generator) -> Pairs:
        x0, x1 = source(count, generator), target(count, generator)
        return Pairs(x0, x1[matched(x0, x1, match, generator, sigma, group)])

    return draw


def matched(
    x0: Float[np.ndarray, "n d"],
    x1: Float[np.ndarray, "n d"],
    match: Callable[..., Int[np.ndarray, " k"]],
    generator: np.random.Generator,
    sigma: float,
    group: int,
) -> Int[np.ndarray, " n"]:
    """The partner of every source point, where only those of one group of consecutive points are matched with each other."""
    parts = [slice(k, k + group) for k in range(0, len(x0), group)]
    return np.concatenate([k.start + match(x0[k], x1[k], generator, sigma) for k in parts])


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


@dataclass(frozen=True)
class Ends:
    """Mean and deviation of source and target, coordinate by coordinate, and the covariance of each coordinate's two ends."""

    mean0: Float[torch.Tensor, " d"]
    mean1: Float[torch.Tensor, " d"]
    deviation0: Float[torch.Tensor, " d"]
    deviation1: Float[torch.Tensor, " d"]
    cross: Float[torch.Tensor, " d"]

    @staticmethod
    def of(pairs: Pairs, device: str = "cpu") -> Ends:
        """The moments of coupled points."""
        m0, m1 = pairs.x0.mean(axis=0), pairs.x1.mean(axis=0)
        cross = ((pairs.x0 - m0) * (pairs.x1 - m1)).mean(axis=0)
        return Ends(*(to_torch(v, device) for v in (m0, m1, pairs.x0.std(axis=0), pairs.x1.std(axis=0), cross)))

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        names = ("mean0", "mean1", "deviation0", "deviation1", "cross")
        return {f"ends.{name}": to_numpy(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class Frame:
    """What is known at times t without learning: the law of x_t, and for each mean its line in x and the size of what it leaves."""

    mean: torch.Tensor
    unit: torch.Tensor
    pace: torch.Tensor
    slope: torch.Tensor
    left: torch.Tensor
    noise_slope: torch.Tensor
    noise_left: torch.Tensor


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

    # -- what is known without learning --

    def frame(self, t: torch.Tensor, mix: Mix) -> Frame:
        """Moments of x_t and of what the network is to learn, at times of shape (n, 1)."""
        e = self.ends
        m0, m1, s0, s1, c = (v.to(t.dtype) for v in (e.mean0, e.mean1, e.deviation0**2, e.deviation1**2, e.cross))
        small = FLOOR * (s0 + s1).mean().clamp_min(FLOOR)
        var = mix.alpha**2 * s0 + mix.beta**2 * s1 + 2 * mix.alpha * mix.beta * c + mix.gamma**2 + small
        speed = mix.alpha_slope**2 * s0 + mix.beta_slope**2 * s1 + 2 * mix.alpha_slope * mix.beta_slope * c
        both = mix.alpha * mix.alpha_slope * s0 + mix.beta * mix.beta_slope * s1
        both = both + (mix.alpha * mix.beta_slope + mix.beta * mix.alpha_slope) * c
        left = (speed - both**2 / var).clamp_min(small).sqrt()
        # at the source, z is a small part of x_t, and a smooth source lets its mean vary no faster
        noise_left = mix.gamma / (mix.gamma**2 + mix.alpha**2 * s0 + small).sqrt()
        return Frame(
            mix.alpha * m0 + mix.beta * m1,
            var.mean(1, keepdim=True).sqrt(),
            mix.alpha_slope * m0 + mix.beta_slope * m1,
            both / var,
            left,
            mix.gamma / var,
            noise_left,
        )

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
        f, d = self.frame(t, mix), x.shape[1]
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


@dataclass
class Report:
    """Where in a longer work a training stands: steps done before it, and of all together."""

    before: int = 0
    total: int = 0
    looks: Float[np.ndarray, "n d"] | None = field(default=None, repr=False)


def train_velocity(
    draw: Draw,
    training: Training,
    *,
    rng: Rng,
    interpolant: Interpolant | None = None,
    weights: Float[np.ndarray, " d"] | None = None,
    classes: int = 0,
    device: str = "cpu",
    begin: VelocityModel | None = None,
    report: Report | None = None,
) -> Generator[Progress, None, VelocityModel]:
    """Learn the velocity of pairs; reports the loss every few steps and, with particles to look at, shows them a dozen times.

    Args:
        draw: the coupled ends. Labels and what the network is told besides come with the pairs.
        interpolant: linear where none is given.
        weights: (d,) of the squared error; all 1 where none are given.
        classes: how many classes the labels name; 0 ignores labels.
        begin: a model to go on from, whose network has the same shape; its weights are copied, the moments of the ends taken afresh.
    """
    mixing, seen = interpolant or Interpolant(), report or Report()
    first = draw(MOMENTS, rng.numpy("moments"))
    ends, given = Ends.of(first, device), 0 if first.given is None else first.given.shape[1]
    model = VelocityModel.untrained(ends, training, mixing, rng.torch("network"), classes, given)
    if begin is not None:
        model.theta, model.pitch = begin.theta.clone(), begin.pitch.clone()
    scale = None if weights is None else to_torch(weights, device).float()
    optimiser, numbers = Adam(model.theta), rng.numpy("lessons")
    total, shown, missed = seen.total or training.steps, -1, torch.zeros_like(model.theta[0])
    for k in range(training.steps):
        warm = min(1.0, (k + 1) / max(1.0, 0.03 * training.steps)) * 0.5 * (1 + math.cos(math.pi * k / training.steps))
        missed += _lesson(model, draw(training.batch, numbers), training, numbers, optimiser, training.rate * warm, scale)
        done = k + 1
        if done % REPORT and done < training.steps:
            continue
        due = done * LOOKS // training.steps
        snapshot = look(model, seen.looks, device) if seen.looks is not None and due > shown else None
        shown = max(due, shown)
        yield Progress("training", seen.before + done, total, {"loss": float(missed) / (k % REPORT + 1)}, snapshot)
        missed.zero_()
    return model


def _lesson(
    model: VelocityModel,
    pairs: Pairs,
    training: Training,
    numbers: np.random.Generator,
    optimiser: Adam,
    rate: float,
    scale: Float[torch.Tensor, " d"] | None,
) -> Float[torch.Tensor, ""]:
    """One step against the gradient of one batch's squared error; returns that error."""
    device, low = model.theta.device, model.theta.dtype
    x0, x1 = (torch.as_tensor(v).to(device=device, dtype=low) for v in (pairs.x0, pairs.x1))
    told = None if pairs.given is None else torch.as_tensor(pairs.given).to(device=device, dtype=low)
    label = None
    if model.classes and pairs.label is not None:
        label = torch.as_tensor(pairs.label).to(device=device, dtype=torch.int64)
    even = (numbers.permutation(len(x0)) + numbers.random(len(x0))) / len(x0)
    when = even if training.time_law == "uniform" else np.log1p(9 * even) / math.log(10)
    t = model.interpolant.inside(torch.as_tensor(when)[:, None].to(device=device, dtype=low))
    mix = model.interpolant.at(t)
    x, wanted = mix.alpha * x0 + mix.beta * x1, mix.alpha_slope * x0 + mix.beta_slope * x1
    z = None
    if model.interpolant.noisy:
        z = torch.as_tensor(numbers.standard_normal(tuple(x0.shape))).to(device=device, dtype=low)
        x = x + mix.gamma * z
    with torch.enable_grad():
        theta = model.theta.detach().requires_grad_()
        v, eta = model.means(theta, x, t, mix, label, told)
        error = (v - wanted).square()
        if eta is not None and z is not None:
            error = error + (eta - z).square()
        each = (error if scale is None else scale * error).mean(dim=1)
        loss = (each / (each.detach() + 1e-6)).mean() if training.normalised else each.mean()
        (gradient,) = torch.autograd.grad(loss, theta)
    optimiser.step(gradient, rate)
    return each.detach().mean()


def look(model: VelocityModel, z: Float[np.ndarray, "n d"], device: str) -> Float[np.ndarray, "n d"]:
    """Where the particles go, by a few Euler steps: enough to watch a model learn, not to judge it by."""
    return flowed(model, z, STEPS, device=device)


def flowed(
    model: VelocityModel,
    x: Float[np.ndarray, "n d"],
    steps: int,
    *,
    label: Int[np.ndarray, " n"] | None = None,
    told: Float[np.ndarray, "n k"] | None = None,
    heun: bool = False,
    backward: bool = False,
    device: str = "cpu",
) -> Float[np.ndarray, "n d"]:
    """The particles after the flow without noise, from the source to the target (or back), in even steps."""
    y = to_torch(x, device)
    asked = None if label is None else to_torch(label, device)
    more = None if told is None else to_torch(told, device)
    for k in range(steps):
        before, after = ((steps - k) / steps, (steps - k - 1) / steps) if backward else (k / steps, (k + 1) / steps)
        h = after - before
        first = model.velocity(y, before, asked, more)
        y = y + (h / 2 * (first + model.velocity(y + h * first, after, asked, more)) if heun else h * first)
    return to_numpy(y).astype(np.float64)


def no_class(count: int) -> Int[np.ndarray, " n"]:
    """Labels that ask for no class."""
    return np.full(count, ANY, dtype=np.int64)

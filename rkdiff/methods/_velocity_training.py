"""Learning the velocity of an interpolant by least squares on coupled pairs, and walking along it to look.

    pairs = coupled(source, target, "ot", group=128)                # any two samplers: (count, generator) -> points
    model = outcome(train_velocity(pairs, Training(steps=500), rng=Rng(0)))

The loss is the squared error of both conditional means of `rkdiff.methods._velocity` together, at times spread evenly over each batch.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods._interpolant_moments import Ends
from rkdiff.methods._interpolants import Interpolant
from rkdiff.methods._mlp import Adam, warmth
from rkdiff.methods._pairs import Draw, Pairs
from rkdiff.methods._velocity import Training, VelocityModel

#: Pairs from which the moments of the ends are taken.
MOMENTS = 4096
#: Progress is reported every so many steps, with a look at the cloud a dozen times.
REPORT, LOOKS = 10, 12
#: Particles in a look, and the Euler steps it takes.
PARTICLES, STEPS = 300, 10


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
        warm = warmth(k, training.steps)
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

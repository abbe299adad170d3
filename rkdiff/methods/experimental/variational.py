"""Experimental. Divergences and their gradient flows from samples alone, by their variational form.

    KL(P | Q) = 1 + sup over h > 0 of  E_P log h - E_Q h,     attained at h = dP/dQ

    JKO step towards Q:   min over T, max over h of   E|x - T(x)|^2 / (2 a) + E log h(T(x)) - E_Q h

log h is a small network held within [-10, 10] (so h stays positive and finite), T(x) = x plus another, and h takes three steps for each of
T. The bound holds for every h up to the noise of the samples; the second is a game, and can swing. Reference: Nguyen, Wainwright and Jordan
2010; Fan, Zhang, Taghvaei and Chen 2022.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._mlp import Adam, Perceptron
from rkdiff.transport._clouds import pair

#: log h stays within plus and minus this.
BOUND = 10.0

#: Steps of h for each step of T.
RATIO_STEPS = 3

#: Reports in one training.
REPORTS = 20


@dataclass(frozen=True, eq=False)
class Ratio:
    """A trained density ratio.

    Attributes:
        net: the network's shapes.
        theta: its parameters.
        value: 1 + E_P log h - E_Q h on all points, the estimate of KL(P | Q).
    """

    net: Perceptron
    theta: Float[np.ndarray, " p"]
    value: float

    def log_ratio(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The learned log dP/dQ."""
        return to_numpy(_log_h(self.net, _tensor(self.theta), _tensor(x))).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "parameters": len(self.theta)}


def _log_h(net: Perceptron, theta: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = net(theta, x)[:, 0].clamp(-BOUND, BOUND)
    return out


def _missing(net: Perceptron, theta: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """What the ratio descends on: E_Q h - E_P log h - 1."""
    return _log_h(net, theta, q).exp().mean() - _log_h(net, theta, p).mean() - 1


def fit_ratio(
    p: Float[np.ndarray, "n d"],
    q: Float[np.ndarray, "m d"],
    rng: Rng,
    *,
    width: int = 64,
    iterations: int = 1000,
    batch: int = 512,
    rate: float = 3e-3,
    device: str = "cpu",
) -> Generator[Progress, None, Ratio]:
    """Estimate KL(P | Q) from samples; reports {"value"} on the batch.

    Raises:
        ValueError: clouds that do not fit, or no iteration, batch or width.
    """
    pair(p, q)
    _check(width, iterations, batch)
    net = Perceptron((p.shape[1], width, width, 1))
    xs, ys = _tensor(p).to(device), _tensor(q).to(device)
    theta, draw = net.start(rng.torch("ratio"), xs, 0.1), rng.torch("batches")
    adam = Adam(theta)
    for k in range(iterations):
        leaf = theta.detach().requires_grad_(True)
        missing = _missing(net, leaf, _batch(xs, batch, draw), _batch(ys, batch, draw))
        adam.step(torch.autograd.grad(missing, leaf)[0], _falling(rate, k, iterations))
        if (k + 1) % max(1, iterations // REPORTS) == 0 or k + 1 == iterations:
            yield Progress("training", k + 1, iterations, {"value": -float(missing.detach())})
    return Ratio(net, to_numpy(theta), -float(_missing(net, theta, xs, ys)))


@dataclass(frozen=True, eq=False)
class Step:
    """A trained JKO step.

    Attributes:
        net: shapes of the displacement's network.
        theta: its parameters.
        way: E|x - T(x)|^2 on all points.
        value: 1 + E log h(T(x)) - E_Q h at the end, the estimate of KL(T# P | Q).
    """

    net: Perceptron
    theta: Float[np.ndarray, " p"]
    way: float
    value: float

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Where the step carries points, T(x)."""
        z = _tensor(x)
        return to_numpy(z + self.net(_tensor(self.theta), z)).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        return {"way": self.way, "value": self.value, "parameters": len(self.theta)}


def fit_step(
    x: Float[np.ndarray, "n d"],
    target: Float[np.ndarray, "m d"],
    a: float,
    rng: Rng,
    *,
    width: int = 64,
    iterations: int = 1000,
    batch: int = 512,
    rate: float = 2e-3,
    device: str = "cpu",
) -> Generator[Progress, None, Step]:
    """One JKO step of length `a` on the divergence from the law that `target` samples; reports {"loss"}.

    Raises:
        ValueError: clouds that do not fit, a length that is not positive, or no iteration, batch or width.
    """
    pair(x, target)
    _check(width, iterations, batch)
    if not 0 < a < np.inf:
        raise ValueError(f"the step a is {a}; give a positive one")
    d = x.shape[1]
    mover, ratio = Perceptron((d, width, width, d)), Perceptron((d, width, width, 1))
    xs, ys = _tensor(x).to(device), _tensor(target).to(device)
    theta, phi = mover.start(rng.torch("map"), xs, 0.1), ratio.start(rng.torch("ratio"), xs, 0.1)
    adam_map, adam_ratio = Adam(theta, betas=(0.5, 0.99)), Adam(phi, betas=(0.5, 0.99))
    draw = rng.torch("batches")
    for k in range(iterations):
        now = _falling(rate, k, iterations)
        for _ in range(RATIO_STEPS):
            at = _batch(xs, batch, draw)
            leaf = phi.detach().requires_grad_(True)
            missing = _missing(ratio, leaf, at + mover(theta, at), _batch(ys, batch, draw))
            adam_ratio.step(torch.autograd.grad(missing, leaf)[0], now)
        at = _batch(xs, batch, draw)
        leaf = theta.detach().requires_grad_(True)
        move = mover(leaf, at)
        loss = (move**2).sum(1).mean() / (2 * a) + _log_h(ratio, phi, at + move).mean()
        adam_map.step(torch.autograd.grad(loss, leaf)[0], now)
        if (k + 1) % max(1, iterations // REPORTS) == 0 or k + 1 == iterations:
            yield Progress("training", k + 1, iterations, {"loss": float(loss.detach())})
    moved = mover(theta, xs)
    return Step(mover, to_numpy(theta), float((moved**2).sum(1).mean()), -float(_missing(ratio, phi, xs + moved, ys)))


def _check(width: int, iterations: int, batch: int) -> None:
    if min(width, iterations, batch) < 1:
        raise ValueError(f"width {width}, {iterations} iterations, batch {batch}; give at least one of each")


def _falling(rate: float, k: int, iterations: int) -> float:
    return float(rate * 0.5 * (1 + np.cos(np.pi * k / iterations)))


def _batch(x: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    return x[torch.randint(len(x), (size,), generator=generator).to(x.device)]


def _tensor(x: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)

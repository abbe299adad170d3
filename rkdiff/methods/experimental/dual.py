"""Experimental. An optimal map as the gradient of a convex network.

    W2^2 / 2 = E|x|^2 / 2 + E|y|^2 / 2 - inf over convex f of { E f(X) + E f*(Y) },      T = grad f,   T^{-1} = grad f*

A second convex network g proposes where the conjugate is attained, x(y) = grad g(y):

    objective    min over f, max over g of  E f(X) + E[<Y, grad g(Y)> - f(grad g(Y))]           (Makkuva, Taghvaei, Oh and Lee 2020)
    regression   x(y) solved by Newton from grad g(y); f falls on E f(X) - E f(x(Y)), and g learns x(y) by least squares    (Amos 2023)

For any convex f whose conjugate is computed, the dual value lies below W2^2 / 2 of the same samples; `fit_dual` reports such a value on all
points. Training is a game for the first and can swing; maps that jump are blurred; slow beyond some dozens of coordinates. The entropic map
(`rkdiff.transport.entropic_map`) does the same work on clouds without training.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._mlp import Adam
from rkdiff.methods.experimental.icnn import Icnn, conjugate
from rkdiff.transport._clouds import pair

Amortisation = Literal["objective", "regression"]

#: Reports in one training.
REPORTS = 20


@dataclass(frozen=True, eq=False)
class Dual:
    """Trained potentials.

    Attributes:
        net: the shapes of both.
        f, g: their parameters; grad f maps the source to the target, grad g back.
        value: the dual value on all points, the conjugate solved by Newton.
        residual: root mean square of grad f(x(y)) - y left by that solution.
    """

    net: Icnn
    f: Float[np.ndarray, " p"]
    g: Float[np.ndarray, " p"]
    value: float
    residual: float

    def forward(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Where points of the source go, grad f(x)."""
        return to_numpy(self.net.gradient(_tensor(self.f), _tensor(x))).astype(np.float64)

    def back(self, y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m d"]:
        """Where points of the target come from, as the second network has learned it."""
        return to_numpy(self.net.gradient(_tensor(self.g), _tensor(y))).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the parameters."""
        return {"value": self.value, "residual": self.residual, "parameters": len(self.f) + len(self.g)}


def fit_dual(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    rng: Rng,
    *,
    widths: tuple[int, ...] = (64, 64, 64),
    iterations: int = 5000,
    batch: int = 512,
    rate: float = 1e-3,
    amortisation: Amortisation = "regression",
    inner: int = 10,
    device: str = "cpu",
) -> Generator[Progress, None, Dual]:
    """Train the two potentials; reports {"value": dual value on the batch}.

    Args:
        amortisation: how the second network is trained.
        inner: its steps for each of the first's ("objective" alone; "regression" takes one).
        rate: learning rate of both, falling to 0 along a cosine.

    Raises:
        ValueError: clouds that do not fit, an unknown amortisation, or no iteration, batch or inner step.
    """
    pair(x, y)
    if amortisation not in get_args(Amortisation) or min(iterations, batch, inner) < 1:
        raise ValueError(
            f"amortisation {amortisation!r}, {iterations} iterations, batch {batch}, inner {inner}; "
            f"choose one of {', '.join(get_args(Amortisation))} and at least one of each"
        )
    net = Icnn(x.shape[1], widths)
    xs, ys = _tensor(x).to(device), _tensor(y).to(device)
    f, g = net.start(rng.torch("f"), xs), net.start(rng.torch("g"), xs)
    adam_f, adam_g, draw = Adam(f, betas=(0.5, 0.9)), Adam(g, betas=(0.5, 0.9)), rng.torch("batches")
    for k in range(iterations):
        now = rate * 0.5 * (1 + np.cos(np.pi * k / iterations))
        bx, by = _batch(xs, batch, draw), _batch(ys, batch, draw)
        if amortisation == "objective":
            for _ in range(inner):
                leaf = g.detach().requires_grad_(True)
                at = net.gradient(leaf, by, learn=True)
                adam_g.step(torch.autograd.grad((net(f, at) - (at * by).sum(1)).mean(), leaf)[0], now)
            back = net.gradient(g, by).detach()
        else:
            back = conjugate(net, f, by, net.gradient(g, by), steps=3)
            leaf = g.detach().requires_grad_(True)
            miss = ((net.gradient(leaf, by, learn=True) - back) ** 2).sum(1).mean()
            adam_g.step(torch.autograd.grad(miss, leaf)[0], now)
        leaf = f.detach().requires_grad_(True)
        gap = net(leaf, bx).mean() - net(leaf, back).mean()
        adam_f.step(torch.autograd.grad(gap, leaf)[0], now)
        if (k + 1) % max(1, iterations // REPORTS) == 0 or k + 1 == iterations:
            value = _value(net, f, bx, by, back)
            if not np.isfinite(value):
                raise ValueError(f"the dual value is not finite after {k + 1} iterations; lower the learning rate of {rate:g}")
            yield Progress("training", k + 1, iterations, {"value": value})
    back = conjugate(net, f, ys, net.gradient(g, ys), steps=20)
    residual = float((net.gradient(f, back) - ys).pow(2).sum(1).mean().sqrt())
    return Dual(net, to_numpy(f), to_numpy(g), _value(net, f, xs, ys, back), residual)


def _value(net: Icnn, f: torch.Tensor, x: torch.Tensor, y: torch.Tensor, back: torch.Tensor) -> float:
    """E|x|^2/2 + E|y|^2/2 - E f(X) - E[<Y, x(Y)> - f(x(Y))]."""
    with torch.no_grad():
        ends = ((x**2).sum(1).mean() + (y**2).sum(1).mean()) / 2
        return float(ends - net(f, x).mean() - ((y * back).sum(1) - net(f, back)).mean())


def _batch(x: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    return x[torch.randint(len(x), (size,), generator=generator).to(x.device)]


def _tensor(x: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)

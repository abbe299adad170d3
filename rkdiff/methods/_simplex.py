"""Three marginals at once: a network learns the flow between any two mixtures of K laws (Albergo, Boffi, Lindsey and Vanden-Eijnden 2024).

    x(alpha) = sum_k alpha_k x_k,    alpha in the simplex, x_k independent of each other,
    g_k(alpha, x) = E[x_k | x(alpha) = x],    velocity along a path alpha(t):  b(x, t) = sum_k alpha_k'(t) g_k(alpha(t), x)

One set of functions g_k, learned by least squares once, serves every path over the simplex: at a corner stands one of the laws, on an edge
the straight-line interpolant of two. The g_k add up: sum_k alpha_k g_k = x. For Gaussians with means m_k and covariances S_k

    g_k = m_k + alpha_k S_k V^{-1} (x - sum_j alpha_j m_j),    V = sum_j alpha_j^2 S_j,

whose diagonal case is what the perceptron here corrects.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.methods._interpolant_moments import FLOOR
from rkdiff.methods._mlp import Adam, Perceptron, warmth
from rkdiff.methods._pairs import Sample
from rkdiff.methods._velocity import PITCH
from rkdiff.methods._velocity_training import MOMENTS, REPORT


@dataclass(frozen=True)
class SimplexTraining:
    """How the functions g_k are learned."""

    steps: int = 3000
    batch: int = 256
    width: int = 64
    layers: int = 3
    rate: float = 0.005
    fourier: int = 32


class SimplexModel:
    """What each law contributes to a mixture, given where the mixture stands.

    Attributes:
        mean, variance: (K, d) of the laws, coordinate by coordinate.
    """

    def __init__(
        self, net: Perceptron, theta: torch.Tensor, pitch: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor
    ) -> None:
        self.net, self.theta, self.pitch, self.mean, self.variance = net, theta, pitch, mean, variance

    def correct(
        self, theta: Float[torch.Tensor, " p"], x: Float[torch.Tensor, "n d"], alpha: Float[torch.Tensor, "n k"]
    ) -> Float[torch.Tensor, "n k d"]:
        """The functions g_k at single-precision points and weights, under parameters `theta`."""
        m, s, small = self.mean.to(x.dtype), self.variance.to(x.dtype), FLOOR * float(self.variance.mean().clamp_min(FLOOR))
        whole = (alpha**2) @ s + small
        off = x - alpha @ m
        unit = whole.mean(1, keepdim=True).sqrt()
        y = off / unit
        parts = [y, alpha, alpha**2, torch.log(unit)]
        if self.pitch.shape[1]:
            phase = y @ self.pitch
            parts += [torch.sin(phase), torch.cos(phase)]
        out = self.net(theta, torch.cat(parts, dim=1)).view(len(x), *self.mean.shape)
        gain = alpha[:, :, None] * s / whole[:, None, :]
        left = (s * (1 - alpha[:, :, None] * gain)).clamp_min(small).sqrt()
        return m + gain * off[:, None, :] + left * out

    def means(self, x: Float[torch.Tensor, "n d"], alpha: Float[np.ndarray, " k"]) -> Float[torch.Tensor, "n k d"]:
        """g_k(alpha, x) for every law k."""
        low = self.theta.dtype
        with torch.no_grad():
            weights = torch.as_tensor(alpha, dtype=low, device=x.device).expand(len(x), -1)
            return self.correct(self.theta, x.to(low), weights).to(x.dtype)

    def walk(
        self, x: Float[np.ndarray, "n d"], weights: Float[np.ndarray, "T k"], device: str = "cpu"
    ) -> Float[np.ndarray, "T n d"]:
        """The particles `x`, drawn from the mixture of the first weights, carried along the weights by Heun's rule."""
        y, frames = to_torch(x, device), [np.asarray(x, dtype=float)]
        for before, after in pairwise(weights):
            step = torch.as_tensor(after - before, dtype=y.dtype, device=y.device)[None, :, None]
            first = (step * self.means(y, before)).sum(1)
            y = y + (first + (step * self.means(y + first, after)).sum(1)) / 2
            frames.append(to_numpy(y).astype(float))
        return np.stack(frames)

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        named = {"theta": self.theta, "frequencies": self.pitch, "mean": self.mean, "variance": self.variance}
        return {name: to_numpy(v) for name, v in named.items()}


def train_simplex(
    laws: Sequence[Sample], training: SimplexTraining | None = None, *, rng: Rng, device: str = "cpu"
) -> Generator[Progress, None, SimplexModel]:
    """Learn the functions g_k of two or more samplers of the same dimension; half the lessons stand on edges of the simplex.

    Raises:
        PartError: fewer than two laws, or laws of different dimensions.
    """
    how = training or SimplexTraining()
    if len(laws) < 2:
        raise PartError(f"there are {len(laws)} laws; give two or more to go between")
    first = [law(MOMENTS, rng.numpy(f"moments {k}")) for k, law in enumerate(laws)]
    dims = [v.shape[1] for v in first]
    if len(set(dims)) > 1:
        raise PartError(f"the laws have {', '.join(map(str, dims))} coordinates; give laws of the same space")
    count, d = len(laws), dims[0]
    mean, variance = (to_torch(np.stack([f(v) for v in first]), device) for f in (_mean, _variance))
    start, numbers = rng.torch("network"), rng.numpy("lessons")
    like = mean.float()
    pitch = PITCH * math.sqrt(2 / d) * randn((d, how.fourier), start, like)
    net = Perceptron((d + 2 * count + 1 + 2 * how.fourier, *[how.width] * how.layers, count * d))
    model = SimplexModel(net, net.start(start, like, output=0.1), pitch, mean, variance)
    optimiser, scale = Adam(model.theta), 1 / variance.mean(1).clamp_min(1e-12).float()
    missed = torch.zeros_like(model.theta[0])
    for k in range(how.steps):
        warm = warmth(k, how.steps)
        ends = np.stack([law(how.batch, numbers) for law in laws], axis=1)
        alpha = _weights(how.batch, count, numbers)
        x = (alpha[:, :, None] * ends).sum(axis=1)
        given = [torch.as_tensor(v).to(device=device, dtype=like.dtype) for v in (x, alpha, ends)]
        with torch.enable_grad():
            theta = model.theta.detach().requires_grad_()
            error = (model.correct(theta, given[0], given[1]) - given[2]).square().mean(2)
            loss = (scale * error).mean()
            (gradient,) = torch.autograd.grad(loss, theta)
        optimiser.step(gradient, how.rate * warm)
        missed += loss.detach()
        if (k + 1) % REPORT and k + 1 < how.steps:
            continue
        yield Progress("training", k + 1, how.steps, {"loss": float(missed) / (k % REPORT + 1)})
        missed.zero_()
    return model


def mixed(laws: Sequence[Sample], weights: Float[np.ndarray, " k"], n: int, rng: Rng) -> Float[np.ndarray, "n d"]:
    """Points of the mixture sum_k alpha_k x_k of independent draws."""
    return np.sum([a * law(n, rng.numpy(f"law {k}")) for k, (law, a) in enumerate(zip(laws, weights, strict=True))], axis=0)


def along(corners: Float[np.ndarray, "c k"], steps: int) -> Float[np.ndarray, "T k"]:
    """About `steps` even steps along the straight pieces between the given weights, which are all among the result.

    Raises:
        PartError: fewer than two different weights in a row.
    """
    lengths = np.abs(np.diff(corners, axis=0)).sum(axis=1)
    if len(corners) < 2 or not (lengths > 0).all():
        raise PartError("a path over the simplex needs two weights or more, each different from the one before")
    pieces = np.maximum(1, np.rint(steps * lengths / lengths.sum()).astype(int))
    parts = [a + (b - a) * np.arange(p)[:, None] / p for a, b, p in zip(corners[:-1], corners[1:], pieces, strict=True)]
    return np.concatenate([*parts, corners[-1:]])


def _weights(n: int, count: int, numbers: np.random.Generator) -> Float[np.ndarray, "n k"]:
    """Points of the simplex: half of them spread evenly over it, half over its edges."""
    alpha = numbers.dirichlet(np.ones(count), size=n)
    rows = np.arange(n // 2)
    ends = numbers.random((len(rows), count)).argsort(axis=1)[:, :2]
    share = numbers.random(len(rows))
    alpha[rows] = 0.0
    alpha[rows, ends[:, 0]], alpha[rows, ends[:, 1]] = share, 1 - share
    return alpha


def _mean(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    out: Float[np.ndarray, " d"] = x.mean(axis=0)
    return out


def _variance(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    out: Float[np.ndarray, " d"] = x.var(axis=0)
    return out

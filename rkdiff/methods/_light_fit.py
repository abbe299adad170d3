r"""Fitting the mixture of a light Schroedinger bridge: one smooth loss, no simulation.

    loss = E_source log c(x) - E_data log v(y),      log c(x) = log sum_k exp( (a_k + x'S_k x / 2 + r_k'x) / eps ),   a_k = eps log alpha_k

is, up to a constant, the divergence of the true bridge from the fitted one (Korotin, Gushchin and Burnaev 2024, proposition 3.2 and
theorem 3.2). Parameters: a_k, r_k and either log diag S_k, held in [-6, 4], or a lower triangle L_k with S_k = L_k L_k', whose diagonal
goes through a softplus and stays above exp(-3). Components start at random data points with S = 0.1. Minimised by Adam on one flat vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods._light_plan import LightPlan
from rkdiff.methods._mlp import Adam

#: Where log diag S is held, and the least diagonal entry of a triangle that goes with it.
RANGE, LEAST = (-6.0, 4.0), math.exp(-3.0)
#: S of every component before training.
START = 0.1
#: The learning rate falls from `rate` to this share of it, along half a cosine.
FLOOR = 0.02

#: (count, generator) -> (count, d) points of the source.
SourceDraw = Callable[[int, np.random.Generator], np.ndarray]


def standard_normal(d: int) -> SourceDraw:
    """The source of the app's transports."""
    return lambda count, generator: generator.standard_normal((count, d))


@dataclass(frozen=True)
class Components:
    """How a flat vector holds K components in d dimensions."""

    count: int
    dim: int
    full: bool

    @property
    def sizes(self) -> list[int]:
        """Numbers of a, r and S."""
        k, d = self.count, self.dim
        return [k, k * d, k * d * (d + 1) // 2 if self.full else k * d]

    def start(self, centres: Float[np.ndarray, "k d"]) -> Float[np.ndarray, " p"]:
        """Equal weights, S = 0.1 everywhere."""
        k, d = self.count, self.dim
        if not self.full:
            shapes = np.full((k, d), math.log(START))
        else:
            i, j = np.tril_indices(d)
            shapes = np.tile(np.where(i == j, _softplus_inverse(math.sqrt(START) - LEAST), 0.0), (k, 1))
        return np.concatenate([np.zeros(k), centres.ravel(), shapes.ravel()])

    def read(self, theta: Float[torch.Tensor, " p"]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The a_k (K,), the r_k (K, d), and diag S (K, d) or L (K, d, d)."""
        k, d = self.count, self.dim
        a, r, s = torch.split(theta, self.sizes)
        if not self.full:
            return a, r.view(k, d), s.view(k, d).clamp(*RANGE).exp()
        i, j = torch.tril_indices(d, d, device=theta.device)
        entries = s.view(k, -1)
        entries = torch.where(i == j, torch.nn.functional.softplus(entries) + LEAST, entries)
        lower = torch.zeros(k, d, d, dtype=theta.dtype, device=theta.device)
        lower[:, i, j] = entries
        return a, r.view(k, d), lower


def logits(
    x: Float[torch.Tensor, "b d"], r: Float[torch.Tensor, "k d"], s: torch.Tensor, eps: float
) -> Float[torch.Tensor, "b k"]:
    """(x'S_k x / 2 + r_k'x) / eps; `s` is diag S (K, d) or L (K, d, d)."""
    if s.ndim == 2:
        return (x**2 @ s.T / 2 + x @ r.T) / eps
    turned = torch.einsum("bi,kij->bkj", x, s)
    return (turned.square().sum(2) / 2 + x @ r.T) / eps


def log_normals(
    y: Float[torch.Tensor, "b d"], r: Float[torch.Tensor, "k d"], s: torch.Tensor, eps: float
) -> Float[torch.Tensor, "b k"]:
    """Log density of N(r_k, eps S_k) at y."""
    d = y.shape[1]
    if s.ndim == 2:
        precise = 1 / (eps * s)
        gap = y**2 @ precise.T - 2 * y @ (r * precise).T + (r**2 * precise).sum(1)
        return -(gap + torch.log(s).sum(1) + d * math.log(2 * math.pi * eps)) / 2
    away = (y[None] - r[:, None]).transpose(1, 2)  # (K, d, b)
    gap = torch.linalg.solve_triangular(s, away, upper=False).square().sum(1).T / eps
    logdet = 2 * torch.log(torch.diagonal(s, dim1=1, dim2=2)).sum(1)
    return -(gap + logdet + d * math.log(2 * math.pi * eps)) / 2


def contrast(at_source: Float[torch.Tensor, "b k"], at_data: Float[torch.Tensor, "c k"]) -> Float[torch.Tensor, ""]:
    """The loss, from the logarithms of alpha_k times the exponentials at the source and of alpha_k times the normals at the data."""
    return torch.logsumexp(at_source, 1).mean() - torch.logsumexp(at_data, 1).mean()


@dataclass(frozen=True)
class Step:
    """What has happened so far: iterations done, the loss of the last batch, and the plan as it stands."""

    done: int
    loss: float
    plan: Callable[[], LightPlan]


def fit_light_bridge(
    source_draw: SourceDraw,
    target: Float[np.ndarray, "m d"],
    eps: float,
    rng: Rng,
    *,
    components: int = 20,
    iterations: int = 2000,
    rate: float = 0.01,
    batch: int = 256,
    full: bool = False,
    device: str = "cpu",
) -> Generator[Step, None, LightPlan]:
    """Learn the plan between a source and the points of the target; yields after each iteration.

    Args:
        source_draw: draws points of the source.
        eps: variance of the Brownian reference at time 1, in the coordinates, > 0.
        components: K; where there are fewer points than that, several components start at one point.
        full: components with full covariances.

    Raises:
        PartError: eps is not positive, there are no points, or numbers that are not finite.
    """
    _check(target, eps, components, iterations, batch)
    picks, draws, noise = rng.numpy("centres"), rng.numpy("batches"), rng.numpy("source")
    shape = Components(components, target.shape[1], full)
    theta = to_torch(shape.start(target[_spread(len(target), components, picks)]), device)
    data, adam = to_torch(target, device), Adam(theta)
    for k in range(iterations):
        pick = to_torch(draws.integers(len(target), size=batch), device)
        x, y = to_torch(source_draw(batch, noise), device), data[pick]
        with torch.enable_grad():
            theta_ = theta.detach().requires_grad_()
            a, r, s = shape.read(theta_)
            missed = contrast(logits(x, r, s, eps) + a / eps, log_normals(y, r, s, eps) + a / eps)
            (slope,) = torch.autograd.grad(missed, theta_)
        adam.step(slope, rate * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * k / iterations))))
        loss = float(missed.detach())
        if not math.isfinite(loss):
            raise PartError(f"the loss left the finite numbers at iteration {k + 1}; choose a smaller rate or a larger sigma")
        yield Step(k + 1, loss, lambda: _plan(theta, shape, eps))
    return _plan(theta, shape, eps)


def _plan(theta: torch.Tensor, shape: Components, eps: float) -> LightPlan:
    a, r, s = shape.read(theta.detach().clone())
    weights = torch.log_softmax(a / eps, dim=0)
    if not shape.full:
        return LightPlan(eps, weights, r, s)
    values, turns = torch.linalg.eigh(s @ s.transpose(1, 2))
    return LightPlan(eps, weights, r, values.clamp_min(math.exp(RANGE[0])), turns)


def _spread(n: int, count: int, generator: np.random.Generator) -> Int[np.ndarray, " k"]:
    """Which points the components start at: different ones as long as there are any."""
    return np.resize(generator.permutation(n), count)


def _softplus_inverse(value: float) -> float:
    return math.log(math.expm1(value))


def _check(target: np.ndarray, eps: float, components: int, iterations: int, batch: int) -> None:
    if not (eps > 0 and math.isfinite(eps)):
        raise PartError(f"eps is {eps}; give the positive variance of the Brownian reference")
    if target.size == 0 or not np.isfinite(target).all():
        raise PartError(f"the training coordinates have shape {target.shape}; give at least one point with finite coordinates")
    if min(components, iterations, batch) < 1:
        raise PartError(f"components, iterations and batch are {components}, {iterations}, {batch}; give at least one of each")

"""Regressions of a velocity on moves: least squares at each node, and a network on top of it.

    least squares   v(x, t_j) = P_x [1, basis(x), y] C_j,      one matrix C_j a node, between nodes by straight lines in t
    network         v(x, t) = least squares + P_x net(x, t, y)

The basis of flat space is x itself: an affine velocity, which is exact between Gaussians. The network starts at almost nothing and learns
what is left, so mean and covariance are in place from the first step on. Its loss is the squared error times h / V, the divergence
between the chains: one, a coordinate, where only the noise of the moves is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import precision, randn, to_numpy, torch
from rkdiff.methods._ipf import Field, Moves, Regressor
from rkdiff.methods._ipf_chain import Given
from rkdiff.methods._mlp import Adam, Perceptron, warmth
from rkdiff.transport.manifolds import Manifold

#: Directions of the design that hold less than this share of it are left out.
TINY = {"cpu": 1e-10, "cuda": 1e-10, "mps": 1e-5}
#: Angular frequencies of the features of time.
CLOCK = (0.5, 1.0, 2.0)
#: Spread of the Fourier frequencies of the position, for data of unit spread in the plane.
PITCH = 2.0
#: Losses are reported every so many steps.
REPORT = 50


class Linear(Field):
    """Least squares: matrices at the nodes' times."""

    def __init__(self, manifold: Manifold, t: Float[np.ndarray, " k"], coefficients: Float[torch.Tensor, "k p w"]) -> None:
        self.manifold, self.t, self.coefficients = manifold, t, coefficients

    def at(self, t: float) -> Float[torch.Tensor, "p w"]:
        """The matrix at a time; beyond the first and the last node theirs."""
        i = float(np.interp(t, self.t, np.arange(len(self.t))))
        low = min(int(i), len(self.t) - 1)
        high = min(low + 1, len(self.t) - 1)
        return torch.lerp(self.coefficients[low], self.coefficients[high], i - low)

    def __call__(self, x: Float[torch.Tensor, "n w"], t: float, y: Given) -> Float[torch.Tensor, "n w"]:
        c = self.at(t).to(x.dtype)
        v = c[0] + design(self.manifold, x, y) @ c[1:]
        return self.manifold.project(x, v)

    def state(self) -> dict[str, np.ndarray]:
        return {"t": self.t, "coefficients": to_numpy(self.coefficients)}


def design(manifold: Manifold, x: Float[torch.Tensor, "n w"], y: Given) -> Float[torch.Tensor, "n p"]:
    """What least squares fits with, beside the constant."""
    found: torch.Tensor = manifold.basis(x)
    return found if y is None else torch.cat([found, y.to(x.dtype)], dim=1)


@dataclass(frozen=True)
class LeastSquares(Regressor):
    """The best velocity of the basis at each node; nothing is iterated."""

    def learn(
        self, draw: Callable[[], Moves], manifold: Manifold, before: Field | None, rng: Rng
    ) -> Generator[tuple[int, int, float], None, Field]:
        m = draw()
        fitted = self.solved(m, manifold)
        yield 1, 1, float(_excess(m, [fitted(x, float(t), m.y) for x, t in zip(m.x, m.t, strict=True)]))
        return fitted

    def solved(self, m: Moves, manifold: Manifold) -> Linear:
        """The matrices; where the design is short of directions, the smallest ones."""
        device = m.x.device.type
        high = precision(device)
        out = []
        for j in range(len(m.t)):
            keep = m.keep[j].to(high)[:, None]
            phi = design(manifold, m.x[j], m.y).to(high)
            total = keep.sum().clamp_min(1.0)
            centre = (keep * phi).sum(0) / total
            mean = (keep * m.target[j].to(high)).sum(0) / total
            phi, rest = keep * (phi - centre), keep * (m.target[j].to(high) - mean)
            size = (phi.square().sum(0) / total).sqrt()
            size = torch.where(size > TINY[device], size, 1.0)
            phi = phi / size
            values, vectors = torch.linalg.eigh(phi.T @ phi / total)
            inverse = torch.where(values > TINY[device] * values[-1].clamp_min(TINY[device]), 1 / values, 0.0)
            slope = (vectors * inverse) @ vectors.T @ (phi.T @ rest / total) / size[:, None]
            out.append(torch.cat([(mean - centre @ slope)[None], slope]))
        return Linear(manifold, m.t, torch.stack(out).to(m.x.dtype))


def _excess(m: Moves, found: list[torch.Tensor]) -> Float[torch.Tensor, ""]:
    """Mean over moves of the squared error in units of its noise."""
    weight = torch.as_tensor(m.h / m.variance, dtype=m.x.dtype, device=m.x.device)[:, None, None]
    return (weight * m.keep[..., None] * (m.target - torch.stack(found)).square()).mean()


class Corrected(Field):
    """Least squares plus a network's correction."""

    def __init__(self, base: Linear, net: Perceptron, pitch: torch.Tensor, theta: torch.Tensor) -> None:
        self.base, self.net, self.pitch, self.theta = base, net, pitch, theta

    def features(self, x: Float[torch.Tensor, "n w"], t: Float[torch.Tensor, "n 1"], y: Given) -> Float[torch.Tensor, "n i"]:
        """What the network sees: the point, the time, waves of both, and y."""
        place = self.base.manifold.embed(x)
        parts = [place, t, *(f(2 * math.pi * k * t) for k in CLOCK for f in (torch.sin, torch.cos))]
        if self.pitch.shape[1]:
            phase = place @ self.pitch
            parts += [torch.sin(phase), torch.cos(phase)]
        if y is not None:
            parts.append(y.to(x.dtype))
        return torch.cat(parts, dim=1)

    def __call__(self, x: Float[torch.Tensor, "n w"], t: float, y: Given) -> Float[torch.Tensor, "n w"]:
        low = x.to(self.theta.dtype)
        with torch.no_grad():
            clock = torch.full((len(x), 1), t, dtype=low.dtype, device=low.device)
            v = self.net(self.theta, self.features(low, clock, None if y is None else y.to(low.dtype))).to(x.dtype)
        return self.base(x, t, y) + self.base.manifold.project(x, v)

    def state(self) -> dict[str, np.ndarray]:
        return {**self.base.state(), "theta": to_numpy(self.theta), "frequencies": to_numpy(self.pitch)}


@dataclass(frozen=True)
class Network(Regressor):
    """A perceptron on top of least squares.

    Attributes:
        iterations: steps of Adam in a half-step; `rate` their learning rate at its peak.
        refresh: new paths are simulated every so many of them.
        warm_start: begin at the network of the iteration before, instead of at a new one.
    """

    iterations: int = 500
    width: int = 64
    layers: int = 3
    rate: float = 5e-3
    batch: int = 512
    refresh: int = 250
    fourier: int = 16
    warm_start: bool = True

    def learn(
        self, draw: Callable[[], Moves], manifold: Manifold, before: Field | None, rng: Rng
    ) -> Generator[tuple[int, int, float], None, Field]:
        m = draw()
        model = self._untrained(m, LeastSquares().solved(m, manifold), before, rng)
        picks, optimiser = rng.torch("lessons"), Adam(model.theta)
        total, seen = torch.zeros_like(model.theta[0]), 0
        left = self._left(m, model.base)
        for k in range(self.iterations):
            if k and k % self.refresh == 0:
                m = draw()
                left = self._left(m, model.base)
            total += self._step(model, m, left, optimiser, picks, self.rate * warmth(k, self.iterations))
            seen += 1
            if (k + 1) % REPORT == 0 or k + 1 == self.iterations:
                yield k + 1, self.iterations, float(total) / seen
                total, seen = torch.zeros_like(total), 0
        return model

    def _left(self, m: Moves, base: Linear) -> Float[torch.Tensor, "k n w"]:
        """What least squares leaves to the network."""
        return m.target - torch.stack([base(x, float(t), m.y) for x, t in zip(m.x, m.t, strict=True)])

    def _untrained(self, m: Moves, base: Linear, before: Field | None, rng: Rng) -> Corrected:
        if self.warm_start and isinstance(before, Corrected):
            return Corrected(base, before.net, before.pitch, before.theta.clone())
        start = rng.torch("network")
        place = base.manifold.embed(m.x[0, :1])
        e, like = place.shape[1], place.float()
        pitch = PITCH * math.sqrt(2 / e) * randn((e, self.fourier), start, like)
        inputs = e + 1 + 2 * len(CLOCK) + 2 * self.fourier + (0 if m.y is None else m.y.shape[1])
        net = Perceptron((inputs, *[self.width] * self.layers, m.x.shape[2]))
        return Corrected(base, net, pitch, net.start(start, like, output=0.1))

    def _step(
        self,
        model: Corrected,
        m: Moves,
        left: Float[torch.Tensor, "k n w"],
        optimiser: Adam,
        picks: torch.Generator,
        rate: float,
    ) -> Float[torch.Tensor, ""]:
        """One lesson: moves picked at random among all nodes and paths."""
        low, device = model.theta.dtype, m.x.device
        j = torch.randint(len(m.t), (self.batch,), generator=picks)
        i = torch.randint(m.x.shape[1], (self.batch,), generator=picks).to(device)
        t = torch.as_tensor(m.t[j.numpy()], dtype=low, device=device)[:, None]
        weight = torch.as_tensor(m.h[j.numpy()] / m.variance, dtype=low, device=device)[:, None]
        j = j.to(device)
        x, y = m.x[j, i].to(low), None if m.y is None else m.y[i].to(low)
        weight = weight * m.keep[j, i].to(low)[:, None]
        with torch.enable_grad():
            theta = model.theta.detach().requires_grad_()
            v = model.base.manifold.project(x, model.net(theta, model.features(x, t, y)))
            loss = (weight * (left[j, i].to(low) - v).square()).mean()
            (gradient,) = torch.autograd.grad(loss, theta)
        optimiser.step(gradient, rate)
        return loss.detach()

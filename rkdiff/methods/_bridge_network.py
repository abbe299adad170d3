"""The drift of a bridge by a network: a line in each coordinate, a perceptron's correction, and what holds its walks to known moments.

The formulas stand in `rkdiff.methods._bridge_regressors`.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, torch
from rkdiff.methods._bridge_regressors import NEAREST, TINY, Coupled, Field
from rkdiff.methods._bridges import rising
from rkdiff.methods._mlp import Adam, Perceptron, warmth

#: Angular frequencies of the features of the clock, and spread of those of the position for points of unit spread in the plane.
CLOCK, PITCH = (1.5, 3.0, 4.5), 2.0
#: Times and particles at which means and variances are held, and the most that a step may change a spread by for that.
NODES, WALKERS, MOST = 40, 2048, 0.05


@dataclass(frozen=True, eq=False)
class Line:
    """The line and what it leaves, coordinate by coordinate; all (d,) in single precision."""

    mean_a: Float[torch.Tensor, " d"]
    mean_b: Float[torch.Tensor, " d"]
    var_a: Float[torch.Tensor, " d"]
    var_b: Float[torch.Tensor, " d"]
    cross: Float[torch.Tensor, " d"]
    sigma: float

    @staticmethod
    def of(pairs: Coupled, sigma: float) -> Line:
        """From the moments of pairs."""
        ma, mb = pairs.a.mean(0), pairs.b.mean(0)
        a, b = pairs.a - ma, pairs.b - mb
        va, vb, cross = a.square().mean(0), b.square().mean(0), (a * b).mean(0)
        return Line(ma.float(), mb.float(), va.float(), vb.float(), cross.float(), sigma)

    def at(self, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean and variance of x_s, slope of the line, deviation of what it leaves; s is (n, 1) or one number."""
        va, vb, c, e = self.var_a, self.var_b, self.cross, self.sigma**2
        mean = (1 - s) * self.mean_a + s * self.mean_b
        floor = TINY + 1e-6 * (va + vb + e).mean()
        law = ((1 - s) ** 2 * va + s**2 * vb + s * (1 - s) * (2 * c + e)).clamp_min(0) + floor
        slope = ((1 - 2 * s) * c + s * vb - (1 - s) * va - s * e) / law
        left = ((va * vb - c**2).clamp_min(0) + s / (1 - s) * e * vb) / law
        return mean, law, slope, left.sqrt()


@dataclass(frozen=True, eq=False)
class Steady:
    """A small line in each coordinate, by straight lines between nodes of time, that holds a cloud to its known means and variances."""

    nodes: Float[np.ndarray, " k"]
    slope: Float[torch.Tensor, "k d"]
    shift: Float[torch.Tensor, "k d"]

    def __call__(self, x: Float[torch.Tensor, "n d"], s: float) -> Float[torch.Tensor, "n d"]:
        i = float(np.interp(s, self.nodes, np.arange(len(self.nodes))))
        low = min(int(i), len(self.nodes) - 1)
        high = min(low + 1, len(self.nodes) - 1)
        return x * torch.lerp(self.slope[low], self.slope[high], i - low) + torch.lerp(
            self.shift[low], self.shift[high], i - low
        )

    def state(self) -> dict[str, np.ndarray]:
        return {"nodes": self.nodes, "steady_slope": to_numpy(self.slope), "steady_shift": to_numpy(self.shift)}


def steadied(field: NetworkField, x: Float[torch.Tensor, "n d"], generator: torch.Generator) -> Steady:
    """The line that keeps means and variances of particles walking from x at those of the bridges, which are known at every time.

    Where the drift in a step of length h is v, the variance grows by 2 h Cov(x, v) + h^2 Var v + h sigma^2: slope and shift are what is
    missing to the known one. No step changes a spread by more than the share MOST.
    """
    times, e = rising(NODES), field.line.sigma**2
    slopes, shifts = [], []
    for before, after in pairwise(times):
        h, v = after - before, field.drift(x, before)
        mean, var, *_ = (q.to(x.dtype) for q in field.line.at(torch.tensor(min(after, 1 - NEAREST))))
        here, pace = x - x.mean(0), v - v.mean(0)
        own = here.square().mean(0)
        grown = own + 2 * h * (here * pace).mean(0) + h * h * pace.square().mean(0) + h * e
        slope = ((var - grown) / (2 * h * own.clamp_min(TINY))).clamp(-MOST / h, MOST / h)
        shift = (mean - x.mean(0)) / h - v.mean(0) - slope * x.mean(0)
        slopes.append(slope)
        shifts.append(shift)
        x = x + h * (v + slope * x + shift) + math.sqrt(h * e) * randn(tuple(x.shape), generator, x)
    return Steady(np.array(times[:-1]), torch.stack(slopes), torch.stack(shifts))


class NetworkField:
    """The line plus a perceptron's correction."""

    def __init__(self, net: Perceptron, theta: torch.Tensor, pitch: torch.Tensor, line: Line) -> None:
        self.net, self.theta, self.pitch, self.line = net, theta, pitch, line
        self.steady: Steady | None = None

    def parts(
        self,
        theta: torch.Tensor,
        x: Float[torch.Tensor, "n d"],
        s: Float[torch.Tensor, "n 1"],
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The line's velocity, the deviation of what it leaves, and the perceptron's output; single precision."""
        mean, law, slope, left = self.line.at(s)
        y = (x - mean) / law.mean(1, keepdim=True).sqrt()
        clock = torch.log(s / (1 - s)) / 4
        seen = [y, s, clock, *(f(k * clock) for k in CLOCK for f in (torch.sin, torch.cos))]
        if self.pitch.shape[1]:
            phase = y @ self.pitch
            seen += [torch.sin(phase), torch.cos(phase)]
        pace = self.line.mean_b - self.line.mean_a
        return pace + slope * (x - mean), left, self.net(theta, torch.cat(seen, dim=1))

    def drift(self, x: Float[torch.Tensor, "n d"], s: float) -> Float[torch.Tensor, "n d"]:
        low = self.theta.dtype
        when = torch.full((len(x), 1), min(max(s, NEAREST), 1 - NEAREST), dtype=low, device=x.device)
        with torch.no_grad():
            line, left, output = self.parts(self.theta, x.to(low), when)
            found = (line + left * output).to(x.dtype)
            return found if self.steady is None else found + self.steady(x, s)

    def state(self) -> dict[str, np.ndarray]:
        names = ("mean_a", "mean_b", "var_a", "var_b", "cross")
        line = {name: to_numpy(getattr(self.line, name)) for name in names}
        own = {} if self.steady is None else self.steady.state()
        return {
            "theta": to_numpy(self.theta),
            "frequencies": to_numpy(self.pitch),
            **line,
            **own,
            "sigma": np.array(self.line.sigma),
        }


@dataclass(frozen=True)
class Network:
    """A perceptron with a few random Fourier features, trained by Adam from where it stood before."""

    steps: int = 500
    batch: int = 256
    width: int = 64
    layers: int = 3
    rate: float = 0.005
    fourier: int = 16
    weights: Float[torch.Tensor, " d"] | None = None

    def learn(
        self, pairs: Coupled, sigma: float, rng: Rng, begin: Field | None
    ) -> Generator[tuple[int, int, float], None, NetworkField]:
        line = Line.of(pairs, sigma)
        field = self._untrained(line, rng)
        if isinstance(begin, NetworkField):
            field.theta, field.pitch = begin.theta.clone(), begin.pitch
        numbers, adam = rng.torch("lessons"), Adam(field.theta)
        for k in range(self.steps):
            warm = warmth(k, self.steps)
            yield k + 1, self.steps, self._lesson(field, pairs, adam, self.rate * warm, numbers)
        field.steady = steadied(field, (pairs.a if pairs.fresh is None else pairs.fresh)[:WALKERS], rng.torch("steady"))
        return field

    def _untrained(self, line: Line, rng: Rng) -> NetworkField:
        d, start = len(line.mean_a), rng.torch("network")
        pitch = PITCH * math.sqrt(2 / d) * randn((d, self.fourier), start, line.mean_a)
        inputs = d + 2 + 2 * len(CLOCK) + 2 * self.fourier
        net = Perceptron((inputs, *[self.width] * self.layers, d))
        return NetworkField(net, net.start(start, line.mean_a, output=0.1), pitch, line)

    def _lesson(self, field: NetworkField, pairs: Coupled, adam: Adam, rate: float, numbers: torch.Generator) -> float:
        """One step against the squared error of the drift, in units of what the line leaves at that time."""
        where, low = pairs.a.device, field.theta.dtype
        pick = torch.randint(len(pairs.a), (self.batch,), generator=numbers).to(where)
        s = (torch.arange(self.batch) + torch.rand(self.batch, generator=numbers)) / self.batch
        s = s.clamp(NEAREST, 1 - NEAREST)[:, None].to(where)
        a, b = pairs.a[pick].to(low), pairs.b[pick].to(low)
        z = randn(tuple(a.shape), numbers, a)
        x = (1 - s) * a + s * b + field.line.sigma * (s * (1 - s)).sqrt() * z
        wanted = b - a - field.line.sigma * (s / (1 - s)).sqrt() * z
        with torch.enable_grad():
            theta = field.theta.detach().requires_grad_()
            line, left, output = field.parts(theta, x, s)
            error = (line + left * output - wanted).square() / (left.square().mean(1, keepdim=True) + TINY)
            loss = (error if self.weights is None else self.weights.to(low) * error).mean()
            (slope,) = torch.autograd.grad(loss, theta)
        adam.step(slope, rate)
        return float(loss.detach())

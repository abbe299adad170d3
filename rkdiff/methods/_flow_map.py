"""A learned flow map: where a particle of a flow that relaxes goes from one time to any later one, in one call.

    G(x, s, t) = m_t + S_t (u + g N(u, s, t)),     u = (x - m_s) / S_s,     g = 1 - exp(s - t)

m_t = (1 - exp(-t)) m* and S_t = S* + exp(-t) (1 - S*) are the mean and the deviations of a sliced-Wasserstein flow from standard normals
to a target with mean m* and deviations S*: exact for the mean of any target and for round Gaussians (`rkdiff.methods.
sliced_wasserstein_flow`), a first guess otherwise. The network N corrects it, and g lets the correction grow from nothing as the flow does
itself, so G(x, s, s) = x exactly. A map of two times answers any number of calls: one jump 0 -> t, or a composition of jumps (flow map
matching: Boffi, Albergo & Vanden-Eijnden 2024). Its derivative in t at t = s is the velocity of the flow,

    v(x, s) = m'_s + S'_s u + S_s N(u, s, s).

The network sees u, random Fourier features of it (mode boundaries are steep), and both clocks log(1 + tau) / log(1 + tau_max).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, FlowMap
from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods._mlp import Perceptron
from rkdiff.methods._particle_systems import step_noise

#: Angular frequencies of the features of each clock.
CLOCK = (math.pi, 2 * math.pi, 4 * math.pi)
#: A deviation below this (the source has 1) counts as this.
THIN = 1e-3
#: A time may pass the horizon by this share, the rounding of a grid.
SLACK = 1e-9


@dataclass(frozen=True)
class Relaxation:
    """Mean and deviations of a cloud on its way from standard normals to the target, and the horizon of its clock."""

    mean: Float[torch.Tensor, " d"]
    deviation: Float[torch.Tensor, " d"]
    horizon: float

    @staticmethod
    def of(x: Float[np.ndarray, "n d"], horizon: float, entropy: float, device: str) -> Relaxation:
        """That of training points; entropy widens what the flow comes to (its stationary deviation in closed form)."""
        wide = (1 + math.sqrt(1 + 4 * entropy)) / 2
        deviation = np.maximum(wide * x.std(axis=0), THIN)
        return Relaxation(to_torch(x.mean(axis=0), device), to_torch(deviation, device), horizon)

    def at(self, tau: Float[torch.Tensor, "n 1"]) -> tuple[Float[torch.Tensor, "n d"], Float[torch.Tensor, "n d"]]:
        """Mean and deviations at each time."""
        left = torch.exp(-tau)
        return (1 - left) * self.mean, self.deviation + left * (1 - self.deviation)

    def rate(self, tau: Float[torch.Tensor, "n 1"]) -> tuple[Float[torch.Tensor, "n d"], Float[torch.Tensor, "n d"]]:
        """Their derivatives in tau."""
        left = torch.exp(-tau)
        return left * self.mean, left * (self.deviation - 1)

    def clock(self, tau: Float[torch.Tensor, "n 1"]) -> Float[torch.Tensor, "n 1"]:
        """Share of the clock log(1 + tau)."""
        return torch.log1p(tau) / math.log1p(self.horizon)

    def to(self, like: torch.Tensor) -> Relaxation:
        """In another precision."""
        return Relaxation(self.mean.to(like), self.deviation.to(like), self.horizon)


class LearnedFlow(FlowMap):
    """A network's flow map in tau, or, where the flow has noise, its drift alone.

    Attributes:
        scale: mean variance of the target's coordinates; with `entropy`, the noise of a step.
    """

    def __init__(
        self,
        net: Perceptron,
        theta: Float[torch.Tensor, " p"],
        frequencies: Float[torch.Tensor, "d f"],
        relaxation: Relaxation,
        classes: int = 0,
        entropy: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        self.net, self.theta, self.frequencies, self.relaxation = net, theta, frequencies, relaxation
        self.classes, self.entropy, self.scale = classes, entropy, scale

    @staticmethod
    def inputs(d: int, fourier: int, classes: int) -> int:
        """How many numbers the network sees."""
        return d + 2 * fourier + 2 * (1 + 2 * len(CLOCK)) + classes

    @property
    def horizon(self) -> float:
        """The last tau that was learned."""
        return self.relaxation.horizon

    def correction(
        self,
        theta: Float[torch.Tensor, " p"],
        u: Float[torch.Tensor, "n d"],
        s: Float[torch.Tensor, "n 1"],
        t: Float[torch.Tensor, "n 1"],
        label: Int[torch.Tensor, " n"] | None,
    ) -> Float[torch.Tensor, "n d"]:
        """N(u, s, t) under parameters `theta`; s and t are shares of the clock."""
        parts = [u]
        if self.frequencies.shape[1]:
            phase = u @ self.frequencies
            parts += [torch.sin(phase), torch.cos(phase)]
        for clock in (s, t):
            parts += [clock, *(f(k * clock) for k in CLOCK for f in (torch.sin, torch.cos))]
        if self.classes:
            asked = torch.zeros(len(u), self.classes + 1, dtype=u.dtype, device=u.device)
            if label is not None:
                asked.scatter_(1, label[:, None] + 1, 1.0)
            parts.append(asked[:, 1:])
        return self.net(theta, torch.cat(parts, dim=1))

    def move(
        self, x: Float[torch.Tensor, "n d"], before: float, after: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """Where particles that stand at `x` at tau = `before` stand at tau = `after`; `x` itself where both are the same.

        Raises:
            PartError: the flow has noise, so that there is no such place.
            ValueError: times that fall or pass the horizon, or a label that was not learned.
        """
        if self.entropy:
            raise PartError(no_map(self.entropy))
        self._check(before, after, label)
        if before == after:
            return x
        relaxation = self.relaxation.to(x)
        s, t = (torch.full((len(x), 1), v, dtype=x.dtype, device=x.device) for v in (before, after))
        (m, wide), (m_after, wide_after) = relaxation.at(s), relaxation.at(t)
        u = (x - m) / wide
        return m_after + wide_after * (u - math.expm1(before - after) * self._corrected(u, s, t, label))

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """dx/dtau at tau = t, without the noise: the limit of short jumps.

        Raises:
            ValueError: a time outside [0, horizon], or a label that was not learned.
        """
        self._check(t, t, label)
        relaxation = self.relaxation.to(x)
        s = torch.full((len(x), 1), t, dtype=x.dtype, device=x.device)
        (m, wide), (m_rate, wide_rate) = relaxation.at(s), relaxation.rate(s)
        u = (x - m) / wide
        return m_rate + wide_rate * u + wide * self._corrected(u, s, s, label)

    def noise(self, before: float, after: float) -> float:
        return step_noise(self.entropy, self.scale, before, after)

    def sample(
        self, z: Float[np.ndarray, "n d"], tau: float, nfe: int = 1, label: Int[np.ndarray, " n"] | None = None
    ) -> Float[np.ndarray, "n d"]:
        """Standard normals carried to `tau` in `nfe` calls, at equal shares of the clock log(1 + tau).

        Raises:
            PartError: the flow has noise.
            ValueError: fewer than one call, or a time outside [0, horizon].
        """
        if nfe < 1:
            raise ValueError(f"nfe is {nfe}; a flow map takes at least one call")
        device = str(self.theta.device)
        x, asked = to_torch(z, device), None if label is None else to_torch(label, device)
        anchors = shares(tau, nfe)
        with torch.no_grad():
            for before, after in pairwise(anchors):
                x = self.move(x, before, after, asked)
        return to_numpy(x)

    def state(self) -> dict[str, np.ndarray]:
        return {
            "theta": to_numpy(self.theta),
            "frequencies": to_numpy(self.frequencies),
            "mean": to_numpy(self.relaxation.mean),
            "deviation": to_numpy(self.relaxation.deviation),
            "widths": np.array(self.net.widths, dtype=np.int64),
            "horizon": np.array(self.horizon),
            "classes": np.array(self.classes, dtype=np.int64),
            "entropy": np.array(self.entropy),
            "scale": np.array(self.scale),
        }

    @property
    def bytes(self) -> int:
        """What is kept, all told."""
        return sum(v.nbytes for v in self.state().values())

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray], device: str = "cpu") -> LearnedFlow:
        """The model that `state` wrote.

        Raises:
            ValueError: arrays that are no state of a learned flow.
        """
        try:
            net = Perceptron(tuple(int(v) for v in state["widths"]))
            low = {k: torch.as_tensor(np.array(state[k], dtype=np.float32)).to(device) for k in ("theta", "frequencies")}
            mean, deviation = (to_torch(state[k], device) for k in ("mean", "deviation"))
            relaxation = Relaxation(mean, deviation, float(state["horizon"]))
            numbers = int(state["classes"]), float(state["entropy"]), float(state["scale"])
        except KeyError as missing:
            raise ValueError(
                f"this is no state of a learned flow: it has no {missing}; give the arrays of a run whose method is "
                "'learned_sliced_flow'"
            ) from None
        return cls(net, low["theta"], low["frequencies"], relaxation, *numbers)

    def _corrected(
        self, u: torch.Tensor, s: torch.Tensor, t: torch.Tensor, label: Int[torch.Tensor, " n"] | None
    ) -> torch.Tensor:
        low, clock = self.theta.dtype, self.relaxation.clock
        return self.correction(self.theta, u.to(low), clock(s).to(low), clock(t).to(low), label).to(u.dtype)

    def _check(self, before: float, after: float, label: Int[torch.Tensor, " n"] | None) -> None:
        if not 0 <= before <= after <= self.horizon * (1 + SLACK):
            raise ValueError(
                f"a jump from tau = {before:g} to {after:g} was asked; choose 0 <= before <= after <= {self.horizon:g}, the "
                "time it was learned to"
            )
        if label is not None and len(label) and not ANY <= int(label.min()) <= int(label.max()) < max(self.classes, 0):
            raise ValueError(
                f"labels {int(label.min())} to {int(label.max())} were asked; this flow knows {self.classes} classes "
                f"({ANY} is all data): train with knob 'classes' on, or ask for none"
            )


def shares(tau: float, calls: int) -> list[float]:
    """The times 0 = tau_0 < ... < tau_calls = tau at equal shares of the clock log(1 + tau)."""
    inner = np.expm1(np.log1p(tau) * np.arange(calls) / calls)
    return [*map(float, inner), float(tau)]


def no_map(entropy: float) -> str:
    """Why a flow with noise has no map, and what to do."""
    return (
        f"sampler 'flow_map' cannot walk 'learned_sliced_flow' with entropy {entropy:g}: with noise no map of the start exists "
        "(its mean collapses); choose sampler 'exponential_euler', or entropy 0"
    )

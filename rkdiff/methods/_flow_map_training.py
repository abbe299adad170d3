"""How a flow map is taught by recorded particles.

A lesson is one particle at two recorded times j <= k: the map is asked to carry X_j to X_k. The end that one call reaches needs starts at
0, a composition needs starts anywhere: part of the lessons begin at 0, part at any earlier time. Another part has j = k and asks for the
drift, the limit of short jumps (velocity matching; the only lessons where the flow has noise, because there X_k given X_j has a mean but
no map). The error of a lesson counts in units of what the affine part leaves to explain between these two times,

    |G(X_j, t_j, t_k) - X_k|^2 / (E|X_k - affine(X_j)|^2 + small),

so that the short jumps between late times, which move little, are learned as well as the long ones that move much. Adam with a rate that
rises in the first steps and falls to 0 on a half cosine; what is kept is the running average of the parameters (Polyak & Juditsky 1992).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.methods._flow_map import LearnedFlow
from rkdiff.methods._look import PARTICLES
from rkdiff.methods._mlp import Adam, warmth
from rkdiff.methods._particle_systems import Pool

#: Shares of the lessons that begin at time 0, and that ask for the drift.
FROM_START, DRIFT = 0.4, 0.1
#: Particles over which the units of the lessons are measured; the smallest unit, and the most that a lesson may weigh beside those from 0.
MEASURED, SMALL, MOST = 2000, 1e-2, 20.0
#: The running average forgets after about this many steps (fewer in short trainings).
AVERAGE = 500
#: Progress is reported every so many steps, with a look at the cloud a dozen times.
REPORT, LOOKS = 20, 12


@dataclass(frozen=True)
class Lesson:
    """One batch: `weight` |gain N(u, s, t) - target|^2, s and t shares of the clock."""

    u: Float[torch.Tensor, "b d"]
    s: Float[torch.Tensor, "b 1"]
    t: Float[torch.Tensor, "b 1"]
    label: Int[torch.Tensor, " b"] | None
    gain: Float[torch.Tensor, "b d"]
    target: Float[torch.Tensor, "b d"]
    weight: Float[torch.Tensor, " b"]


class Lessons:
    """An endless source of batches, the same for the same generator."""

    def __init__(self, pool: Pool, model: LearnedFlow, batch: int, rng: Rng) -> None:
        device = str(model.theta.device)
        self.x = torch.as_tensor(pool.x).to(device)
        self.v = None if pool.v is None else torch.as_tensor(pool.v).to(device)
        self.labels = to_torch(pool.labels, device) if model.classes else None
        self.times = to_torch(pool.times, device)
        self.relaxation, self.batch, self.generator = model.relaxation.to(self.x), batch, rng.torch("lessons")
        self.drift_alone = model.entropy > 0
        self.clock = model.relaxation.clock(self.times[:, None]).float()
        self.weights = self._weights()

    def next(self) -> Lesson:
        """The next batch."""
        g, b, steps = self.generator, self.batch, len(self.times) - 1
        row = torch.randint(len(self.x), (b,), generator=g)
        which, k, share = torch.rand(b, generator=g), torch.randint(1, steps + 1, (b,), generator=g), torch.rand(b, generator=g)
        j = torch.where(which < FROM_START, torch.zeros_like(k), (share * k).long())
        drift = torch.ones_like(which, dtype=torch.bool) if self.drift_alone else which > 1 - DRIFT
        j = torch.where(drift, k - 1, j)
        return self._lesson(*(v.to(self.x.device) for v in (row, j, k, drift)))

    def _lesson(
        self, row: Int[torch.Tensor, " b"], j: Int[torch.Tensor, " b"], k: Int[torch.Tensor, " b"], drift: torch.Tensor
    ) -> Lesson:
        """Jumps from j to k; where `drift` is set (then k = j + 1) the drift at j, times the share of that step."""
        s, t = self.times[j, None].to(self.x), self.times[k, None].to(self.x)
        gate, ask = -torch.expm1(s - t), drift[:, None]
        (m, wide), (m_after, wide_after) = self.relaxation.at(s), self.relaxation.at(t)
        m_rate, wide_rate = self.relaxation.rate(s)
        x = self.x[row, j]
        u = (x - m) / wide
        moved = self.x[row, k] - x if self.v is None else gate * self.v[row, j]  # without noise a step shows its drift
        short = moved - gate * (m_rate + wide_rate * u)
        target = torch.where(ask, short, self.x[row, k] - m_after - wide_after * u)
        gain = gate * torch.where(ask, wide, wide_after)
        label = None if self.labels is None else self.labels[row]
        end = torch.where(drift, self.clock[j, 0], self.clock[k, 0])[:, None]
        return Lesson(u, self.clock[j], end, label, gain, target, self.weights[j, k])

    def _weights(self) -> Float[torch.Tensor, "T T"]:
        """The weight of each pair of times, 1 on average over the jumps from 0."""
        n, steps = min(len(self.x), MEASURED), len(self.times) - 1
        row = torch.randperm(len(self.x), generator=self.generator)[:n].to(self.x.device)
        out = torch.ones(steps + 1, steps + 1, dtype=self.x.dtype, device=self.x.device)
        for j in range(steps):
            left = self._left(row, j, j + 2 if self.drift_alone else steps + 1)
            out[j, j + 1 : j + 1 + len(left)] = 1 / (left + SMALL**2)
        seen = out.diagonal(1) if self.drift_alone else out[0, 1:]
        return (out / seen.mean()).clamp(max=MOST)

    def _left(self, row: Int[torch.Tensor, " n"], j: int, end: int) -> Float[torch.Tensor, " k"]:
        """Mean square of what the affine part leaves of the jumps from j to each of j + 1 .. end - 1; with noise, of the drift's step."""
        s, t = self.times[j : j + 1, None].to(self.x), self.times[j + 1 : end, None].to(self.x)
        (m, wide), (m_after, wide_after) = self.relaxation.at(s), self.relaxation.at(t)
        u = (self.x[row, j] - m) / wide
        if self.v is None:
            return (self.x[row, j + 1 : end] - m_after - wide_after * u[:, None]).square().mean((0, 2))
        m_rate, wide_rate = self.relaxation.rate(s)
        return (torch.expm1(s - t) * (self.v[row, j] - m_rate - wide_rate * u)).square().mean()[None]


def train(
    model: LearnedFlow, pool: Pool, iterations: int, batch: int, rate: float, rng: Rng
) -> Generator[Progress, None, LearnedFlow]:
    """Teach the model in place; reports the loss every few steps and shows the cloud a dozen times."""
    lessons, optimiser = Lessons(pool, model, batch, rng), Adam(model.theta.clone())
    z = randn((PARTICLES, model.relaxation.mean.shape[0]), rng.torch("look"), model.relaxation.mean)
    keep = 1 - 1 / min(AVERAGE, max(iterations / 12, 1.0))
    shown, total = -1, torch.zeros_like(model.theta[0])
    for k in range(iterations):
        total += _step(model, lessons.next(), optimiser, rate * warmth(k, iterations))
        model.theta.lerp_(optimiser.theta, 1 - min(keep, k / (k + 10)))
        done = k + 1
        if done % REPORT and done < iterations:
            continue
        due = done * LOOKS // iterations
        seen = _look(model, z) if due > shown else None
        shown = max(due, shown)
        yield Progress("training", done, iterations, {"loss": float(total) / (k % REPORT + 1)}, seen)
        total.zero_()
    return model


def _step(model: LearnedFlow, lesson: Lesson, optimiser: Adam, rate: float) -> Float[torch.Tensor, ""]:
    """One lesson and a step against its gradient."""
    with torch.enable_grad():
        theta = optimiser.theta.detach().requires_grad_()
        output = model.correction(theta, lesson.u, lesson.s, lesson.t, lesson.label)
        loss = ((lesson.gain * output - lesson.target).square().sum(1) * lesson.weight).mean()
        (gradient,) = torch.autograd.grad(loss, theta)
    optimiser.step(gradient, rate)
    return loss.detach()


def _look(model: LearnedFlow, z: Float[torch.Tensor, "n d"]) -> Float[np.ndarray, "n d"] | None:
    """The cloud that one call reaches now; none where the flow has noise."""
    if model.entropy:
        return None
    with torch.no_grad():
        return to_numpy(model.move(z, 0.0, model.horizon)).astype(np.float64)

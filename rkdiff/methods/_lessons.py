"""What a network learns from: noisy points, their times, and the velocity they should have.

Everything is in units of the data's spread and on the straight-line clock, x_t = (1 - t) x_0 + t eps. With averaged targets the point x_0
is replaced by its posterior mean over a reference sample r_j of the same class,

    D = sum_j softmax_j( -|x_t - (1 - t) r_j|^2 / (2 t^2) ) r_j,

the batch's own points and some more, or all training points where they are few (Xu, Tong & Jaakkola 2023, eq. 6). Times are stratified: one
in each of `batch` equal parts of (0, 1). The target is the velocity that the linear denoiser leaves to explain, (D - W) / t.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int

from rkdiff.core.model import ANY
from rkdiff.core.tensors import randn, to_torch, torch
from rkdiff.methods import Problem
from rkdiff.methods._moments import Moments

#: Points beside the batch over which a posterior mean is taken.
REFERENCE = 512
#: Times stay above FIRST, where a velocity is rounding error; below RAW a posterior mean is the point itself.
FIRST, RAW = 1e-3, 0.01
#: How often a network with classes is asked for none: half its lessons, because that is how it is mostly used.
DROPOUT = 0.5


@dataclass(frozen=True)
class Lesson:
    """One batch: inputs (x, t, label), and the weighted squared error of gain * output against target."""

    x: Float[torch.Tensor, "b d"]
    t: Float[torch.Tensor, "b 1"]
    label: Int[torch.Tensor, " b"] | None
    gain: Float[torch.Tensor, "b d"]
    target: Float[torch.Tensor, "b d"]
    weights: Float[torch.Tensor, " d"]


@dataclass(frozen=True)
class Lessons:
    """An endless source of batches, the same for the same generator."""

    x: Float[torch.Tensor, "n d"]
    labels: Int[torch.Tensor, " n"] | None
    deviation: Float[torch.Tensor, " d"]
    weights: Float[torch.Tensor, " d"]
    batch: int
    averaged: bool
    generator: torch.Generator

    @staticmethod
    def of(problem: Problem, batch: int, averaged: bool, generator: torch.Generator) -> Lessons:
        """Lessons about a problem, in float32 on its device."""
        m = Moments.of(problem.x, problem.device)
        x = ((to_torch(problem.x, problem.device) - m.mean) / m.unit).float()
        labels = None if problem.labels is None else to_torch(problem.labels, problem.device)
        weights = to_torch(problem.weights, problem.device).float()
        return Lessons(x, labels, (m.deviation / m.unit).float(), weights, batch, averaged, generator)

    def next(self) -> Lesson:
        """The next batch."""
        g, n, device = self.generator, len(self.x), self.x.device
        pick = torch.randint(n, (self.batch,), generator=g).to(device)
        t = (torch.arange(self.batch) + torch.rand(self.batch, generator=g)) / self.batch
        t = t.clamp_min(FIRST)[:, None].to(device)
        x0 = self.x[pick]
        xt = (1 - t) * x0 + t * randn(tuple(x0.shape), g, x0)
        label = None
        if self.labels is not None:
            dropped = torch.rand(self.batch, generator=g).to(device) < DROPOUT
            label = torch.where(dropped, ANY, self.labels[pick])
        d = self._posterior(xt, t, pick, label) if self.averaged else x0
        v = ((1 - t) * self.deviation) ** 2 + t**2
        linear = (1 - t) * self.deviation**2 / v * xt
        return Lesson(xt, t, label, self.deviation / v.sqrt(), (d - linear) / t, self.weights)

    def _posterior(
        self,
        xt: Float[torch.Tensor, "b d"],
        t: Float[torch.Tensor, "b 1"],
        pick: Int[torch.Tensor, " b"],
        label: torch.Tensor | None,
    ) -> Float[torch.Tensor, "b d"]:
        """The posterior mean of the clean point over the reference, within the class that is asked for."""
        if len(self.x) > self.batch + REFERENCE:
            more = torch.randint(len(self.x), (REFERENCE,), generator=self.generator).to(pick.device)
            among = torch.cat([pick, more])
            r, classes = self.x[among], None if self.labels is None else self.labels[among]
        else:
            r, classes = self.x, self.labels
        gain = (1 - t) / t**2
        rows, columns = (
            torch.cat([gain * xt, (t - 1) * gain], dim=1),
            torch.cat([r, r.square().sum(1, keepdim=True) / 2], dim=1),
        )
        logits = rows @ columns.T  # |x_t - (1-t) r|^2 / (-2 t^2) without |x_t|^2, which cancels in the softmax
        if label is not None and classes is not None:
            logits = logits.masked_fill((label[:, None] != ANY) & (label[:, None] != classes), -torch.inf)
        return torch.where(t < RAW, self.x[pick], logits.softmax(1) @ r)

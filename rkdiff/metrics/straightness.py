"""How straight a flow goes, and how far.

For a flow dZ/dt = v(Z, t), t from 0 to 1, with ends Z_0 and Z_1 = T(Z_0) (Liu et al. 2023, section 2; Kim et al. 2025):

    gap        S = int_0^1 E|(Z_1 - Z_0) - v(Z_t, t)|^2 dt, 0 exactly where every particle goes straight at even speed
    share      S / E|Z_1 - Z_0|^2
    stretch    mean length of a path over mean distance of its ends: at least 1; it asks for a straight line, not for an even speed
    one_step   root mean square distance of one Euler step from the end that many Heun steps reach
    cost       E|Z_1 - Z_0|^2, and over the cost of the best assignment of the same end points (`assignment_cost`) it tells how far the
               map is from optimal: the Monge gap (Uscidda and Cuturi 2023) as a ratio

S and the single step ask about the speed on a clock of length 1, so they mean nothing where a clock is another one. A diffusion's
probability flow has such a clock: `StraightClock` reads it in x_t = (1 - t) z + t x_0, nu = (1 - t) / t.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch

#: Heun steps behind the figures, and the most points whose assignment is sought (its time grows with the cube).
STEPS, ASSIGNED = 100, 2000
#: How near the ends of its clock a diffusion's velocity is read.
EDGE = 1e-3


@dataclass(frozen=True)
class Straightness:
    """The figures of one flow; None where they mean nothing (see the module)."""

    gap: float | None
    share: float | None
    stretch: float | None
    one_step: float | None
    cost: float
    optimal: float

    @property
    def ratio(self) -> float:
        """Cost over the best cost of the same ends: 1 is optimal."""
        return self.cost / self.optimal if self.optimal > 0 else math.inf if self.cost > 0 else 1.0

    def to_dict(self) -> dict[str, float | None]:
        """Plain JSON, the ratio among the figures."""
        return asdict(self) | {"ratio": self.ratio}


class StraightClock(Model):
    """A diffusion's probability flow as a transport on the clock of straight lines, x_t = (1 - t) z + t x_0.

    dx/dt = (D(x_t / t, (1 - t) / t) - x_t) / (1 - t), which is flow matching's velocity for independent ends.
    """

    family = "transport"

    def __init__(self, model: Denoiser) -> None:
        self.model, self.classes = model, model.classes

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """The velocity at time t, read no nearer to either end than `EDGE`."""
        s = min(max(t, EDGE), 1 - EDGE)
        return (self.model.denoise(x / s, (1 - s) / s, label) - x) / (1 - s)


def flow_straightness(
    model: Model,
    z: Float[np.ndarray, "n d"],
    *,
    steps: int = STEPS,
    labels: Int[np.ndarray, " n"] | None = None,
    device: str = "cpu",
) -> Straightness:
    """All figures of a model whose `drift` is a velocity on the clock from 0 to 1, along paths from `z` by Heun's rule.

    Args:
        model: without noise: a stochastic one has no path to be straight.

    Raises:
        ValueError: a diffusion (wrap it in a `StraightClock`), or a walk that draws noise.
    """
    if model.family != "transport":
        raise ValueError("this model is a diffusion, whose clock is the noise level; wrap it in StraightClock")
    if any(model.noise(k / steps, (k + 1) / steps) > 0 for k in range(steps)):
        raise ValueError("this walk draws noise in its steps, so it has no path to be straight; use ends_only")
    label = None if labels is None else to_torch(labels, device)
    begin = to_torch(z, device)
    x, h = begin, 1.0 / steps
    square, pace, length = 0.0, torch.zeros_like(x), torch.zeros_like(x[:, 0])
    with torch.no_grad():
        one = begin + model.drift(begin, 0.0, label=label)
        for k in range(steps):
            first = model.drift(x, k * h, label=label)
            second = model.drift(x + h * first, (k + 1) * h, label=label)
            for v in (first, second):  # trapezes in time: each end of a step counts half
                square += h / 2 * float(v.square().sum(1).mean())
                pace = pace + h / 2 * v
            moved = x + h / 2 * (first + second)
            length = length + (moved - x).norm(dim=1)
            x = moved
        whole = x - begin
        cost = float(whole.square().sum(1).mean())
        gap = max(square - 2 * float((whole * pace).sum(1).mean()) + cost, 0.0)
        chord = float(whole.norm(dim=1).mean())
        missed = float((one - x).square().sum(1).mean()) ** 0.5
    stretch = float(length.mean()) / chord if chord > 0 else 1.0
    return Straightness(gap, gap / cost if cost > 0 else 0.0, stretch, missed, *_costs(z, to_numpy(x)))


def frames_straightness(x: Float[np.ndarray, "T n d"]) -> Straightness:
    """The figures that paths alone tell, whatever their clock: stretch, cost and best cost."""
    chord = float(np.linalg.norm(x[-1] - x[0], axis=1).mean())
    length = float(np.linalg.norm(np.diff(x, axis=0), axis=2).sum(axis=0).mean())
    return Straightness(None, None, length / chord if chord > 0 else 1.0, None, *_costs(x[0], x[-1]))


def ends_only(z: Float[np.ndarray, "n d"], end: Float[np.ndarray, "n d"]) -> Straightness:
    """The figures that two coupled clouds tell: cost and best cost."""
    return Straightness(None, None, None, None, *_costs(z, end))


def assignment_cost(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], most: int = ASSIGNED) -> float:
    """The least mean squared distance over all one-to-one assignments of the points; of the first `most` where there are more.

    Raises:
        ValueError: the clouds have different shapes.
    """
    from scipy.optimize import linear_sum_assignment

    if x.shape != y.shape:
        raise ValueError(f"clouds of shapes {x.shape} and {y.shape} have no assignment; give as many points of each")
    x, y = x[:most].astype(np.float64), y[:most].astype(np.float64)
    squared = np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0.0)
    rows, columns = linear_sum_assignment(squared)
    return float(((x[rows] - y[columns]) ** 2).sum(1).mean())


def _costs(z: Float[np.ndarray, "n d"], end: Float[np.ndarray, "n d"]) -> tuple[float, float]:
    """The cost of the pairs as they are and of their best assignment, both on the same points."""
    z, end = z[:ASSIGNED], end[:ASSIGNED]
    return float(((end - z) ** 2).sum(axis=1).mean()), assignment_cost(z, end)

"""The sliced-Wasserstein flow: particles that roll down the sliced distance to the data. Nothing is learned.

    dx/dtau = d E_theta[ theta T_theta(<theta, x>) ] - x,     T_theta = the monotone map, on the line, from the cloud to the data

the gradient flow of SW2^2 / 2 (Liutkus et al. 2019, theorem 2, without the entropic term), in the natural time tau = t/d: in every
dimension one unit of tau brings the mean e times closer to its target. The velocity of one particle depends on all the others, so this
is a drift of the whole cloud. A step of length dtau goes the share 1 - exp(-dtau) of the way, which is exact for means, translations and
round Gaussians, and for anything on the line. Slow modes need large tau, so steps grow: tau_j = (1 + tau_max)^{j/J} - 1.

Known limits: particles come to lie on training points when tau is long and there are as many of them (memorisation); the end is not
the optimal transport map in general. With labels, the particles of each class flow to the points of that class on their own.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Model
from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._sliced import displacement, displacement_torch, is_flat, target_lines
from rkdiff.processes.schedules import Grid
from rkdiff.processes.slices import directions

#: A cloud thinner than the first share of the data's spread counts as flat; its ranks are then taken after a jitter of the second.
FLAT, JITTER = 1e-6, 1e-3


@dataclass(frozen=True)
class SlicedWassersteinFlow(Transport):
    """Particles that move together, matched to the data along many directions at once; nothing is learned."""

    label: ClassVar[str] = "Sliced-Wasserstein flow"
    samplers: ClassVar[tuple[str, ...]] = ("exponential_euler",)

    directions: int = knob(0, 0, 1024, help="directions of each step; 0 chooses by dimension (16 in the plane)")
    tau_max: float = knob(20.0, 1.0, 100.0, step=1.0, help="how long the flow runs; longer comes closer to the training points")
    gap: str = knob(
        "horizontal",
        options=("horizontal", "vertical"),
        help="what pulls on a line: the gap between quantiles (Wasserstein) or between distribution functions (energy distance)",
    )
    scheme: str = knob(
        "even",
        options=("even", "orthogonal", "iid"),
        advanced=True,
        help="how directions are drawn: evenly spread, as random orthonormal bases, or independently (noisiest)",
    )
    refresh: bool = knob(
        True, advanced=True, help="draw new directions for each step; off, what the first ones miss is never corrected"
    )

    def grid(self, steps: int) -> Grid:
        """Times of the flow from 0 to `tau_max`, growing so that fast and slow modes are both resolved."""
        t = np.expm1(np.log1p(self.tau_max) * np.arange(steps + 1) / steps)
        return Grid(t, np.ones(steps + 1), np.zeros(steps + 1), clock="tau")

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, SlicedFlow]:
        """Only keeps the data.

        Raises:
            PartError: there is no data.
        """
        if problem.x.size == 0:
            raise PartError(
                f"{self.title()} needs at least one point of data; it was given an array of shape {problem.x.shape}"
            )
        yield Progress("keeping the data", 1, 1)
        return SlicedFlow(self, problem, rng)


class SlicedFlow(Model):
    """The velocity of a cloud towards the data it keeps."""

    family = "transport"

    def __init__(self, method: SlicedWassersteinFlow, problem: Problem, rng: Rng) -> None:
        self.method, self.problem, self.rng = method, problem, rng
        self.classes = problem.classes

    def grid(self, steps: int) -> Grid:
        """The method's grid."""
        return self.method.grid(steps)

    @cached_property
    def _count(self) -> int:
        d = self.problem.x.shape[1]
        return self.method.directions or {1: 1, 2: 16}.get(d, 4 * d if d <= 16 else 2 * d)

    @cached_property
    def _clouds(self) -> dict[int, Float[np.ndarray, "m d"]]:
        """The data of each class, and of all under ANY."""
        x, labels = np.ascontiguousarray(self.problem.x, dtype=np.float64), self.problem.labels
        return {ANY: x} | ({} if labels is None else {int(c): x[labels == c] for c in np.unique(labels)})

    @cached_property
    def _tensors(self) -> dict[int, torch.Tensor]:
        return {c: to_torch(x, self.problem.device) for c, x in self._clouds.items()}

    @cached_property
    def _lines(self) -> dict[int, Float[np.ndarray, "l m"]]:
        return {}

    def _kept_lines(self, c: int) -> Float[np.ndarray, "l m"]:
        """The data of a class along the directions that never change, sorted once."""
        if c not in self._lines:
            self._lines[c] = target_lines(self._clouds[c], self.directions(0.0))
        return self._lines[c]

    def directions(self, t: float, rng: Rng | None = None) -> Float[np.ndarray, "l d"]:
        """The directions at time t: the same for the same stream and time; without `refresh`, the same at all times."""
        d, m = self.problem.x.shape[1], self.method
        if not m.refresh:
            return directions(d, self._count, self.rng.numpy("directions"), m.scheme)
        return directions(d, self._count, (rng or self.rng).numpy(f"directions {t!r}"), m.scheme)

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """dx/dtau of every particle; those of one label flow on their own.

        Raises:
            ValueError: a label without data.
        """
        theta = self.directions(t, rng)
        out = torch.zeros_like(x)
        wanted = np.full(len(x), ANY) if label is None else label.detach().cpu().numpy()
        for c in np.unique(wanted):
            if int(c) not in self._clouds:
                raise ValueError(f"no training point has label {c}; choose among {sorted(self._clouds)} ({ANY} is all data)")
            if (wanted == c).all():
                return self._flow(x, int(c), theta, t, rng)
            mine = torch.as_tensor(np.flatnonzero(wanted == c), device=x.device)
            out[mine] = self._flow(x[mine], int(c), theta, t, rng)
        return out

    def _flow(self, x: torch.Tensor, c: int, theta: np.ndarray, t: float, rng: Rng | None) -> torch.Tensor:
        spread = float(np.sqrt(self._clouds[c].var(axis=0).mean()))
        jitter = None
        if is_flat(x, FLAT * spread):
            jitter = JITTER * spread * (rng or self.rng).numpy(f"jitter {t!r}").standard_normal(tuple(x.shape))
        if on_cpu(x):
            lines = None if self.method.refresh else self._kept_lines(c)
            moved = displacement(x.detach().numpy().astype(np.float64), self._clouds[c], theta, self.method.gap, jitter, lines)
            return torch.as_tensor(moved, dtype=x.dtype)
        where = str(x.device)
        shaken = None if jitter is None else to_torch(jitter, where).to(x)
        return displacement_torch(x, self._tensors[c].to(x), to_torch(theta, where).to(x), self.method.gap, shaken)


def on_cpu(x: torch.Tensor) -> bool:
    """Whether NumPy can do the work where the numbers are."""
    return x.device.type == "cpu"

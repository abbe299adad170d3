"""The velocity of the sliced-Wasserstein flow: a cloud of particles, matched to the data it keeps along many directions at once.

    dx/dtau = d E_theta[ theta T_theta(<theta, x>) ] - x,     T_theta = the monotone map, on the line, from the cloud to the data

(Liutkus et al. 2019, theorem 2), as `rkdiff.methods.sliced_wasserstein_flow` says in full. The clouds of the classes, and the data sorted
along directions that never change, are made once, when they are first asked for. Where the numbers are on the CPU, NumPy does the work.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Model
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods import Problem
from rkdiff.methods._sliced import displacement, displacement_torch, is_flat, target_lines
from rkdiff.methods._sliced_classes import balanced, corners
from rkdiff.methods._sliced_scaling import Scaling
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.schedules import Grid
from rkdiff.processes.slices import directions, slice_constant

#: A cloud thinner than the first share of the data's spread counts as flat; its ranks are then taken after a jitter of the second.
FLAT, JITTER = 1e-6, 1e-3
#: The cloud of all labelled data with classes as coordinates, beside those of the classes and of all data (ANY).
JOINT = -2
#: Spread of the standard normals from which particles start.
SOURCE = 1.0


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
    def scaling(self) -> Scaling:
        """The coordinates in which the flow runs."""
        return Scaling.fit(np.asarray(self.problem.x, dtype=np.float64), self.method.scaling)

    @cached_property
    def _own(self) -> bool:
        """Whether these are the space's own coordinates."""
        return self.method.scaling == "none"

    @cached_property
    def _labels(self) -> Int[np.ndarray, " k"]:
        """The labels of the data; none where it has none."""
        return np.zeros(0, dtype=np.int64) if self.problem.labels is None else np.asarray(self.problem.labels)

    @cached_property
    def _joint(self) -> bool:
        return self.method.classes == "joint" and len(self._labels) > 0

    @cached_property
    def _corners(self) -> dict[int, Float[np.ndarray, " k"]]:
        """The coordinates of each class there is, for the joint flow."""
        there = np.unique(self._labels)
        return dict(zip(there.tolist(), self.method.amplifier * corners(len(there)), strict=True))

    def _beside(self, labels: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k c"]:
        """The coordinates of the classes of these points."""
        return np.stack([self._corners[int(c)] for c in labels])

    @cached_property
    def _clouds(self) -> dict[int, Float[np.ndarray, "m d"]]:
        """The data of each class, of all under ANY, and of all with classes as coordinates under JOINT."""
        x = np.ascontiguousarray(self.problem.x, dtype=np.float64)
        x = x if self._own else self.scaling.to(x)
        out = {ANY: x} | {int(c): x[self._labels == c] for c in np.unique(self._labels)}
        return out | ({JOINT: np.concatenate([x, self._beside(self._labels)], axis=1)} if self._joint else {})

    @cached_property
    def _tensors(self) -> dict[int, torch.Tensor]:
        return {c: to_torch(x, self.problem.device) for c, x in self._clouds.items()}

    @cached_property
    def _lines(self) -> dict[int, Float[np.ndarray, "l m"]]:
        return {}

    def _kept_lines(self, c: int) -> Float[np.ndarray, "l m"]:
        """The data of a class along the directions that never change, sorted once."""
        if c not in self._lines:
            y = self._clouds[c]
            self._lines[c] = target_lines(y, self._theta(0.0, None, y.shape[1]))
        return self._lines[c]

    def _theta(self, t: float, rng: Rng | None, d: int) -> Float[np.ndarray, "l d"]:
        """Unit directions at time t, in the coordinates in which the flow runs."""
        count = self.method.directions or {1: 1, 2: 16}.get(d, 4 * d if d <= 16 else 2 * d)
        if not self.method.refresh:
            return directions(d, count, self.rng.numpy("directions"), self.method.scheme)
        return directions(d, count, (rng or self.rng).numpy(f"directions {t!r}"), self.method.scheme)

    def directions(self, t: float, rng: Rng | None = None) -> Float[np.ndarray, "l d"]:
        """The directions at time t: the same for the same stream and time; without `refresh`, the same at all times.

        Points x are matched by <row, x>, up to a constant (of a class, where classes flow jointly). Rows have unit length where the flow
        runs in the space's own coordinates and classes do not flow jointly.
        """
        d = self.problem.x.shape[1]
        theta = self._theta(t, rng, self._clouds[JOINT].shape[1] if self._joint else d)[:, :d]
        return theta if self._own else theta @ self.scaling.matrix

    @cached_property
    def _variance(self) -> float:
        return float(self.problem.x.var(axis=0).mean())

    def noise(self, before: float, after: float) -> float:
        """Standard deviation of the noise of a step: sqrt(entropy s^2 (1 - exp(-2 dtau))), s^2 the mean variance of all data."""
        if self.method.entropy == 0:
            return 0.0
        return math.sqrt(-self.method.entropy * self._variance * math.expm1(2 * (before - after)))

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """dx/dtau of every particle; those of one label flow on their own, or all labelled ones jointly.

        Raises:
            ValueError: a label without data.
        """
        wanted = np.full(len(x), ANY) if label is None else label.detach().cpu().numpy()
        for c in np.unique(wanted):
            if int(c) not in self._clouds or c == JOINT:
                known = sorted(set(self._clouds) - {JOINT})
                raise ValueError(f"no training point has label {c}; choose among {known} ({ANY} is all data)")
        z = x if self._own else self.scaling.to_torch(x)
        v = self._grouped(z, wanted, t, rng)
        return v if self._own else self.scaling.back(v)

    def _grouped(
        self, x: Float[torch.Tensor, "n d"], wanted: Int[np.ndarray, " n"], t: float, rng: Rng | None
    ) -> Float[torch.Tensor, "n d"]:
        """The velocity, group by group of particles that flow together."""
        groups = np.where(wanted == ANY, ANY, JOINT) if self._joint else wanted
        out = torch.zeros_like(x)
        for g in np.unique(groups).tolist():
            mine = np.flatnonzero(groups == g)
            at = torch.as_tensor(mine, device=x.device)
            some = x if len(mine) == len(x) else x[at]
            v = self._jointly(some, wanted[mine], t, rng) if g == JOINT else self._flow(some, int(g), t, rng)
            if some is x:
                return v
            out[at] = v
        return out

    def _jointly(self, x: torch.Tensor, wanted: Int[np.ndarray, " n"], t: float, rng: Rng | None) -> torch.Tensor:
        """The velocity of labelled particles with their classes as coordinates that stand still."""
        beside = to_torch(self._beside(wanted), str(x.device)).to(x)
        kept, weights = balanced(wanted, self._labels)
        return self._flow(torch.cat([x, beside], dim=1), JOINT, t, rng, kept, weights)[:, : x.shape[1]]

    def _flow(
        self,
        x: torch.Tensor,
        c: int,
        t: float,
        rng: Rng | None,
        kept: Int[np.ndarray, " k"] | None = None,
        weights: Float[np.ndarray, " k"] | None = None,
    ) -> torch.Tensor:
        """The velocity towards one cloud, or towards the points `kept` of it with their weights."""
        y, free = self._clouds[c], self.problem.x.shape[1]
        theta = self._theta(t, rng, y.shape[1])
        whole = weights is None and (kept is None or len(kept) == len(y))
        jitter, pace = None, 1.0
        spread = float(np.sqrt(y[:, :free].var(axis=0).mean()))
        if self.method.gap == "vertical":
            pace = 2 * math.sqrt(math.pi) * free * max(spread, SOURCE) / slice_constant(free)
        if is_flat(x[:, :free], FLAT * spread):
            jitter = np.zeros(tuple(x.shape))
            jitter[:, :free] = JITTER * spread * (rng or self.rng).numpy(f"jitter {t!r}").standard_normal((len(x), free))
        if on_cpu(x):
            lines = self._kept_lines(c) if whole and not self.method.refresh else None
            now = x.detach().numpy().astype(np.float64)
            moved = displacement(now, y if whole else y[kept], theta, self.method.gap, jitter, lines, weights=weights)
            return torch.as_tensor(pace * moved, dtype=x.dtype)
        where = str(x.device)
        shaken = None if jitter is None else to_torch(jitter, where).to(x)
        target = self._tensors[c].to(x)
        target = target if whole else target[torch.as_tensor(kept, device=x.device)]
        return pace * displacement_torch(x, target, to_torch(theta, where).to(x), self.method.gap, shaken, weights=weights)


def on_cpu(x: torch.Tensor) -> bool:
    """Whether NumPy can do the work where the numbers are."""
    return x.device.type == "cpu"

"""Samplers: `step` each, `run` once, always a `Trajectory`.

A diffusion sampler works in variance-exploding coordinates x = x_t / alpha_t and walks the grid of nu from the noise to 0; the trajectory
it hands back is in the schedule's own coordinates, alpha * x. A transport sampler walks tau. Randomness comes as named streams; the
noise of a stochastic sampler is one Brownian path on the log-nu clock, refined consistently, so 20 steps and 200 follow the same path.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import Part
from rkdiff.core.records import Progress, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.processes.schedules import Grid


@dataclass(frozen=True)
class Sampler(Part, kind="sampler"):
    """A way to walk from the noise to the data."""

    #: "diffusion" or "transport": which models fit.
    family: ClassVar[str] = "diffusion"

    def stream(
        self,
        model: Model,
        z: Float[np.ndarray, "n d"],
        grid: Grid,
        rng: Rng,
        *,
        labels: Int[np.ndarray, " n"] | None = None,
        device: str = "cpu",
    ) -> Generator[Progress, None, Trajectory]:
        """Walk the whole grid from the standard normals `z`; yields progress each step, returns the trajectory."""
        raise NotImplementedError  # being written

    def run(
        self,
        model: Model,
        z: Float[np.ndarray, "n d"],
        grid: Grid,
        rng: Rng,
        *,
        labels: Int[np.ndarray, " n"] | None = None,
        device: str = "cpu",
    ) -> Trajectory:
        """`stream` without the progress."""
        steps = self.stream(model, z, grid, rng, labels=labels, device=device)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return done.value

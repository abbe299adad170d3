"""Methods learn models; one file per method. A `Method` is chosen, `fit` yields progress and returns a `Model` (`rkdiff.core.model`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import Part
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.processes.schedules import Grid


@dataclass(frozen=True)
class Problem:
    """What a method is given: coordinates in which the noise is white, and what is known about them.

    Attributes:
        x: (n, d) training coordinates, float64.
        labels: (n,) classes 0..classes-1, or None.
        weights: (d,) squared-error weights of the space's norm, mean 1.
        law: the exact law of the coordinates (`rkdiff.processes.mixture.Mixture`), or None.
        device: "cpu" | "cuda" | "mps".
        observe: places in [0, 1] -> (A, b), the values A x + b of an object there (`Fitted.observe`); None without such values.
    """

    x: Float[np.ndarray, "n d"]
    weights: Float[np.ndarray, " d"]
    labels: Int[np.ndarray, " n"] | None = None
    law: Any = None
    device: str = "cpu"
    observe: Any = None

    @property
    def classes(self) -> int:
        return 0 if self.labels is None else int(self.labels.max()) + 1


@dataclass(frozen=True)
class Method(Part, kind="method"):
    """A way to learn a model."""

    #: "diffusion" or "transport": which samplers fit.
    family: ClassVar[str] = "diffusion"
    #: Names of the samplers that fit, the usual one first; empty: every sampler of the family that needs no more than the model knows.
    samplers: ClassVar[tuple[str, ...]] = ()
    #: Knobs under which it learns in an instant, however badly: for tests that only ask whether it runs.
    quick: ClassVar[Mapping[str, Any]] = {}

    def fits(self, sampler: str) -> str:
        """Why a sampler of the method's cannot walk with these knobs, in one line; empty where it can."""
        return ""

    @abstractmethod
    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, Model]:
        """Yield progress (at least once), return the model."""


@dataclass(frozen=True)
class Transport(Method, abstract=True):
    """A way to carry standard normals, at time 0, to the data."""

    family: ClassVar[str] = "transport"

    def grid(self, steps: int) -> Grid:
        """The times at which a sampler stands: t from 0 to 1 in even steps, unless a transport has a clock of its own."""
        t = np.linspace(0.0, 1.0, steps + 1)
        return Grid(t, np.ones(steps + 1), np.zeros(steps + 1))

    def backward(
        self, model: Model, problem: Problem, x: Float[np.ndarray, "n d"], grid: Grid, rng: Rng
    ) -> Float[np.ndarray, "T n d"] | None:
        """The particles `x`, standing at the data, on their way back to the source, at the times of the grid (frame 0 at the source).

        None where the model knows no way back: the sliced-Wasserstein flow to fresh standard normals is then drawn in its place.
        """
        return None

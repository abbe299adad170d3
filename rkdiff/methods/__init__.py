"""Methods learn models; one file per method. A `Method` is chosen, `fit` yields progress and returns a `Model` (`rkdiff.core.model`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import Part
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng


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

    @abstractmethod
    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, Model]:
        """Yield progress (at least once), return the model."""

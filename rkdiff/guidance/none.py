"""No guidance: the model as it is, asked for no class. The reference beside which every steered cloud stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int

from rkdiff.core.model import Model
from rkdiff.core.rng import Rng
from rkdiff.guidance import Guidance


@dataclass(frozen=True)
class Unguided(Guidance):
    """The model is sampled as it is, with no class asked for."""

    name: ClassVar[str] = "none"
    label: ClassVar[str] = "No guidance"

    def wrap(self, model: Model, problem: Any) -> Model:
        return model

    def labels(self, n: int, counts: Int[np.ndarray, " c"], rng: Rng) -> Int[np.ndarray, " n"] | None:
        return None

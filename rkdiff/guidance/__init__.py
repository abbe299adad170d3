"""Guidance is a model wrapped around a model, one file each. No sampler knows that guidance exists."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from rkdiff.core.model import Model
from rkdiff.core.parts import Part
from rkdiff.core.rng import Rng


@dataclass(frozen=True)
class Guidance(Part, kind="guidance"):
    """A way to steer a model while it is sampled."""

    @abstractmethod
    def wrap(self, model: Model) -> Model:
        """The steered model. Raises `PartError` where the model cannot be steered this way."""

    @abstractmethod
    def labels(self, n: int, counts: Int[np.ndarray, " c"], rng: Rng) -> Int[np.ndarray, " n"] | None:
        """Which class each of n particles is asked to become (None: no class). `counts`: training objects of each class."""

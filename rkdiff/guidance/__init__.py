"""Guidance is a model wrapped around a model, one file each. No sampler knows that guidance exists."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import Part
from rkdiff.core.rng import Rng


@dataclass(frozen=True)
class Guidance(Part, kind="guidance"):
    """A way to steer a model while it is sampled."""

    #: What the data must have: "" nothing, "labels" classes, "values" curves that can be observed at places.
    needs: ClassVar[str] = ""

    @abstractmethod
    def wrap(self, model: Model, problem: Any) -> Model:
        """The steered model. Raises `PartError` where the model cannot be steered this way.

        `problem`: what the model learned from (`rkdiff.methods.Problem`): its training coordinates and how their objects are observed.
        """

    @abstractmethod
    def labels(self, n: int, counts: Int[np.ndarray, " c"], rng: Rng) -> Int[np.ndarray, " n"] | None:
        """Which class each of n particles is asked to become (None: no class). `counts`: training objects of each class."""

    def marks(self, problem: Any) -> Float[np.ndarray, "m 2"] | None:
        """Places and values, in the objects' own units, that objects are asked to pass; None where nothing of the kind is asked."""
        return None

    def met(self, problem: Any, x: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"] | None:
        """Whether each generated particle passes the marks, as closely as was asked; None without marks."""
        return None

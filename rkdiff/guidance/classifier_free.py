"""Classifier-free guidance: push away from what all classes share, towards the class that is asked for.

    D_w = D_any + w (D_class - D_any)

w = 0 asks for no class, w = 1 is the class-conditional model itself, larger w exaggerates the class. What comes out for w other than 0
and 1 is *not* the law p^(1-w) p_class^w: for zero-mean Gaussians of variances v_any, v_class the probability flow ends at variance
v_any^(1-w) v_class^w and the tilted law has 1 / ((1-w) / v_any + w / v_class). Ho and Salimans 2022 (whose weight is w - 1); Bradley and
Nakkiran 2024, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.parts import PartError, knob
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.guidance import Guidance


@dataclass(frozen=True)
class ClassifierFree(Guidance):
    """Steers each particle towards a class, more strongly than the class alone would."""

    label: ClassVar[str] = "Classifier-free"
    needs: ClassVar[str] = "labels"

    strength: float = knob(
        2.0, 0.0, 10.0, step=0.1, help="0 ignores the class, 1 samples the class as it is, more exaggerates it"
    )
    target: int = knob(-1, -1, 99, help="which class to ask for; -1 asks for every class in the data's proportions")

    def wrap(self, model: Model, problem: Any) -> Model:
        """The steered model.

        Raises:
            PartError: the model is no denoiser, knows no classes, or not this one.
        """
        if not isinstance(model, Denoiser):
            raise PartError(
                "classifier-free guidance mixes two denoisers and this model is none (a transport); choose guidance 'none'"
            )
        if model.classes < 1:
            raise PartError(
                "classifier-free guidance needs classes and this model was trained without; "
                "switch the method's knob 'conditional' on (the data must have labels) or choose guidance 'none'"
            )
        _check(self.target, model.classes)
        return Guided(model, self.strength, self.target)

    def labels(self, n: int, counts: Int[np.ndarray, " c"], rng: Rng) -> Int[np.ndarray, " n"] | None:
        """The one class, or every class in proportion to `counts` (to the nearest particle), shuffled; None at strength 0.

        Raises:
            PartError: the data has no labels, not this class, or no training object of it.
        """
        if counts.sum() < 1:
            raise PartError("classifier-free guidance needs labelled data and this data has none; choose guidance 'none'")
        _check(self.target, len(counts))
        if self.strength == 0:
            return None
        if self.target >= 0:
            if not counts[self.target]:
                known = ", ".join(map(str, np.flatnonzero(counts)))
                raise PartError(f"no training object is of class {self.target}; choose -1 (every class) or one of {known}")
            return np.full(n, self.target, dtype=np.int64)
        share = n * counts / counts.sum()
        each = np.floor(share).astype(np.int64)
        each[np.argsort(each - share, kind="stable")[: n - each.sum()]] += 1
        return rng.numpy("classes").permutation(np.repeat(np.arange(len(counts)), each))


def _check(target: int, classes: int) -> None:
    if target >= classes:
        raise PartError(f"target is class {target} and the data has {classes}; choose -1 (every class) or 0 to {classes - 1}")


class Guided(Denoiser):
    """A denoiser around a denoiser. Without labels it asks for `target` where that is one class, else for none."""

    def __init__(self, model: Denoiser, strength: float, target: int = -1) -> None:
        self.model, self.strength, self.target, self.classes = model, strength, target, model.classes
        #: Evaluations of the inner model that one evaluation of this one costs.
        self.calls_each = getattr(model, "calls_each", 1) * (1 if strength in (0.0, 1.0) else 2)

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        if label is None and self.target >= 0:
            label = torch.full((len(x),), self.target, dtype=torch.int64, device=x.device)
        if label is None or self.strength == 0:
            return self.model.denoise(x, nu)
        of_class = self.model.denoise(x, nu, label)
        if self.strength == 1:
            return of_class
        anything = self.model.denoise(x, nu)
        return anything + self.strength * (of_class - anything)

    def state(self) -> dict[str, np.ndarray]:
        return self.model.state()

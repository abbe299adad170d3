r"""Steps of a Brownian bridge towards the end that a model expects, or that it has drawn.

A bridge of variance eps = sigma^2 pinned at the end y has, for t < t' <= 1 and h = t' - t (Karatzas and Shreve 1991, section 5.6.B),

    x_{t'} | x_t, y  ~  N( x_t + h / (1 - t) (y - x_t),  eps h (1 - t') / (1 - t) I ).

A model that can draw y given x_0 draws it once, before the first step; the steps are then pinned there, and the joint law of the path at
the times of the grid is the model's own, without any error of steps. Every other model is asked for the mean of y in each step. The mean
of a step is then that of Euler-Maruyama, because drift = (E[y | x] - x) / (1 - t), and only the noise differs. The exact variance is

    eps h (1 - t') / (1 - t) + h^2 / (1 - t)^2 Var(y | x),

whose second term these steps leave out and Euler-Maruyama, with eps h, takes for that of a smooth law, Var(y | x) = eps (1 - t). So these
steps make a smooth cloud slightly too narrow and are the better ones where the data is sharper than sigma sqrt(h): the last one draws no
noise and returns the expected end. Both errors vanish with the first power of the step, up to a logarithm.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Model
from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.samplers import Sampler, Walk

#: A drift is read no closer to the end than this: it is a ratio of two small numbers there.
NEAREST = 1e-3


class Bridge(Model):
    """A diffusion dX = b(X, t) dt + sigma dW on [0, 1] that is a mixture of Brownian bridges; fill `endpoint_mean`.

    Attributes:
        sigma: deviation of the Brownian reference at time 1, in the coordinates; 0 makes it a deterministic flow.
    """

    family = "transport"
    sigma: float

    @abstractmethod
    def endpoint_mean(
        self, x: Float[torch.Tensor, "n d"], t: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """E[X_1 | X_t = x], for t in [0, 1]."""

    def endpoint_draw(
        self, x: Float[torch.Tensor, "n d"], t: float, rng: Rng, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"] | None:
        """A draw of X_1 given X_t = x; None where the model knows its mean alone."""
        return None

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """b(x, t) = (E[X_1 | X_t = x] - x) / (1 - t)."""
        t = min(t, 1 - NEAREST)
        return (self.endpoint_mean(x, t, label) - x) / (1 - t)

    def refuse_class(self, label: Int[torch.Tensor, " n"] | None) -> None:
        """Raise `ValueError` for particles that ask for a class of a model that learned none."""
        if label is not None and bool((label != ANY).any()):
            raise ValueError(f"{type(self).__name__} learned no classes; ask for none ({ANY})")

    def noise(self, before: float, after: float) -> float:
        """Sigma sqrt(after - before), in the last step too: where the law of the end is smooth, that noise belongs to it."""
        return self.sigma * math.sqrt(after - before)


@dataclass(frozen=True)
class BrownianBridge(Sampler):
    """Steps of a Brownian bridge to the end a bridge model expects, without any error of steps where it can draw that end."""

    label: ClassVar[str] = "Brownian bridge steps"
    family: ClassVar[str] = "transport"

    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        before, after = float(walk.grid.t[i]), float(walk.grid.t[i + 1])
        y, left = self._end(walk, before, x), 1 - before
        size = _sigma(walk.model) * math.sqrt(max((after - before) * (1 - after) / left, 0.0))
        x = x + (after - before) / left * (y - x)
        return x + size * walk.normals(i) if size else x

    def _end(self, walk: Walk, t: float, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        """Where the bridge goes: the end drawn before the first step, or the one expected from here."""
        model = walk.model
        if not isinstance(model, Bridge):
            raise PartError(
                f"sampler {self.name!r} walks bridges and this model ({type(model).__name__}) is none; choose another sampler"
            )
        if "end" not in walk.memory:
            walk.memory["end"] = model.endpoint_draw(x, t, walk.rng.child("endpoint"), walk.label)
            walk.calls += walk.memory["end"] is not None
        if walk.memory["end"] is not None:
            end: torch.Tensor = walk.memory["end"]
            return end
        walk.calls += getattr(model, "calls_each", 1)
        return model.endpoint_mean(x, t, walk.label)


def _sigma(model: Model) -> float:
    assert isinstance(model, Bridge)
    return model.sigma

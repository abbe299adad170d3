"""The step of a transport that relaxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from rkdiff.core.tensors import torch
from rkdiff.samplers import Sampler, Walk
from rkdiff.samplers.transport_euler import shaken


@dataclass(frozen=True)
class ExponentialEuler(Sampler):
    """Steps of a transport by the exact share that a linear pull covers in their time: stable at any length where the flow relaxes."""

    label: ClassVar[str] = "Exponential Euler"
    family: ClassVar[str] = "transport"

    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        share = -math.expm1(float(walk.grid.t[i] - walk.grid.t[i + 1]))
        return shaken(walk, i, x + share * walk.drift(x, i))

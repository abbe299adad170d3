"""Steps of a transport with a look ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from rkdiff.core.tensors import torch
from rkdiff.samplers import Sampler, Walk
from rkdiff.samplers.transport_euler import shaken


@dataclass(frozen=True)
class TransportHeun(Sampler):
    """Steps along the velocity of a transport, corrected by a look ahead: two calls a step."""

    label: ClassVar[str] = "Heun (transport)"
    family: ClassVar[str] = "transport"
    order: ClassVar[int] = 2

    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        h = float(walk.grid.t[i + 1] - walk.grid.t[i])
        first, moved = walk.drift(x, i), shaken(walk, i, x)
        return moved + h / 2 * (first + walk.drift(moved + h * first, i + 1))

"""Straight steps of a transport, and the noise that some transports draw in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from rkdiff.core.tensors import torch
from rkdiff.samplers import Sampler, Walk


def shaken(walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
    """The particles after the noise of the step from entry i to entry i + 1, where the model draws any."""
    size = walk.model.noise(float(walk.grid.t[i]), float(walk.grid.t[i + 1]))
    return x + size * walk.normals(i) if size else x


@dataclass(frozen=True)
class TransportEuler(Sampler):
    """Straight steps along the velocity of a transport, with the noise of its own where it has any (Euler-Maruyama)."""

    label: ClassVar[str] = "Euler (transport)"
    family: ClassVar[str] = "transport"

    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        return shaken(walk, i, x + float(walk.grid.t[i + 1] - walk.grid.t[i]) * walk.drift(x, i))

"""A small multilayer perceptron without a module class: one flat vector of parameters, read as matrices.

    h_0 = input,   h_{k+1} = silu(h_k W_k + b_k),   output = h_L W_L + b_L

One flat vector makes the optimiser six elementwise operations and the saved state one array. Hidden layers start as scaled normals,
N(0, 2.8 / fan_in), which keeps the size of what passes a SiLU; the output layer starts small, so that an untrained network adds nearly
nothing to what stands beside it. Adam: Kingma & Ba 2015, algorithm 1 (torch's own loads a second of compiler before its first step).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from jaxtyping import Float

from rkdiff.core.tensors import randn, torch

#: Variance gain that a SiLU asks of the layer before it.
GAIN = 2.8


@dataclass(frozen=True)
class Perceptron:
    """The shapes of a network: how wide it is, from the input to the output."""

    widths: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each weight matrix and bias, in the order of the flat vector."""
        return tuple(size for a, b in pairwise(self.widths) for size in (a * b, b))

    def start(self, generator: torch.Generator, like: torch.Tensor, output: float) -> Float[torch.Tensor, " p"]:
        """Parameters before training; `output` scales the last layer."""
        parts = []
        layers = list(pairwise(self.widths))
        for k, (a, b) in enumerate(layers):
            gain = output * a**-0.5 if k == len(layers) - 1 else (GAIN / a) ** 0.5
            parts += [gain * randn((a * b,), generator, like), torch.zeros(b, dtype=like.dtype, device=like.device)]
        return torch.cat(parts)

    def __call__(self, theta: Float[torch.Tensor, " p"], h: Float[torch.Tensor, "n i"]) -> Float[torch.Tensor, "n o"]:
        """The network's output."""
        parts = torch.split(theta, list(self.sizes))
        layers = list(pairwise(self.widths))
        for k, shape in enumerate(layers):
            h = torch.addmm(parts[2 * k + 1], h, parts[2 * k].view(shape))
            if k < len(layers) - 1:
                h = torch.nn.functional.silu(h)
        return h


class Adam:
    """Adam on one flat vector of parameters; the learning rate is an argument of each step."""

    def __init__(self, theta: Float[torch.Tensor, " p"], betas: tuple[float, float] = (0.9, 0.99), eps: float = 1e-8) -> None:
        self.theta, self.betas, self.eps = theta, betas, eps
        self.mean, self.square = torch.zeros_like(theta), torch.zeros_like(theta)
        self.done = 0

    def step(self, gradient: Float[torch.Tensor, " p"], rate: float) -> None:
        """One step against the gradient, in place."""
        self.done += 1
        b1, b2 = self.betas
        self.mean.lerp_(gradient, 1 - b1)
        self.square.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        size = rate * (1 - b2**self.done) ** 0.5 / (1 - b1**self.done)
        self.theta.addcdiv_(self.mean, self.square.sqrt().add_(self.eps), value=-size)


def warmth(k: int, steps: int, rise: float = 0.03) -> float:
    """Share of the peak learning rate at step k of `steps`: a rise over that share of the steps, then half a cosine to 0."""
    return min(1.0, (k + 1) / max(1.0, rise * steps)) * 0.5 * (1 + math.cos(math.pi * k / steps))

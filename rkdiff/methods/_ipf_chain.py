"""Markov chains between a source and a target: where their nodes stand, their reference, and paths of them.

Nodes 0..N stand at times 0 = t_0 < ... < t_N = 1, node 0 at the source and node N at the data. Step j has the length h_j = t_{j+1} - t_j
and draws noise of variance V h_j, where V is the variance of the whole reference. On a manifold a step is the exponential map.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.tensors import randn, torch
from rkdiff.transport.manifolds import Flat, Manifold

#: What conditions a path: (n, c) numbers, or None.
Given = Any
#: A velocity at points, a time and conditions.
Velocity = Callable[["torch.Tensor", float, Given], "torch.Tensor"]  # in quotes: an import of torch costs seconds
#: How the steps of a chain are laid out, and the ratio of the longest to the shortest where they are geometric.
LAWS, RATIO = ("constant", "geometric"), 10.0


@dataclass(frozen=True, eq=False)
class Chain:
    """Where the nodes of a chain stand, and its reference dX = -pull X dt + sqrt(variance) dW from the data on, in unit time."""

    times: Float[np.ndarray, " k"]
    variance: float
    pull: float = 0.0
    manifold: Manifold = field(default_factory=Flat)

    @staticmethod
    def brownian(steps: int, sigma: float, law: str = "constant", manifold: Manifold | None = None) -> Chain:
        """A Brownian motion of variance sigma^2 over the whole chain.

        Raises:
            ValueError: no step, no noise, or an unknown law of the steps.
        """
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma is {sigma}; give a positive number")
        return Chain(node_times(steps, law), sigma**2, 0.0, manifold or Flat())

    @staticmethod
    def ornstein_uhlenbeck(steps: int, time: float, law: str = "constant") -> Chain:
        """The process dX = -X ds + sqrt(2) dB for a time that is squeezed into [0, 1].

        Raises:
            ValueError: no step, no time, or an unknown law of the steps.
        """
        if not 0 < time < math.inf:
            raise ValueError(f"time is {time}; give a positive number")
        return Chain(node_times(steps, law), 2 * time, time)

    @property
    def steps(self) -> int:
        return len(self.times) - 1

    @property
    def lengths(self) -> Float[np.ndarray, " k"]:
        return np.diff(self.times)

    def reference(self, x: torch.Tensor, t: float, y: Given) -> torch.Tensor:
        """The velocity of the reference, from the target to the source."""
        return -self.pull * x


def node_times(steps: int, law: str = "constant") -> Float[np.ndarray, " k"]:
    """Times of the nodes: even, or with steps that grow geometrically to the middle and shrink again.

    Raises:
        ValueError: no step, or an unknown law.
    """
    if steps < 1 or law not in LAWS:
        raise ValueError(f"steps is {steps} and the law {law!r}; give at least one step and one of {', '.join(LAWS)}")
    if law == "constant" or steps < 3:
        return np.linspace(0.0, 1.0, steps + 1)
    half = np.geomspace(1.0, RATIO, (steps + 1) // 2)
    h = np.concatenate([half, half[::-1][steps % 2 :]])
    t = np.concatenate([[0.0], np.cumsum(h) / h.sum()])
    t[-1] = 1.0
    return t


def simulate(
    chain: Chain,
    velocity: Velocity,
    start: Float[torch.Tensor, "n w"],
    y: Given,
    generator: torch.Generator,
    *,
    to_target: bool,
    last_noise: bool = True,
) -> Float[torch.Tensor, "T n w"]:
    """Paths of a chain, node 0 first whichever way they ran; `last_noise` False takes the mean of the last step."""
    m, x, k = chain.manifold, start, chain.steps
    nodes = [start]
    for i in range(k):
        j = i if to_target else k - 1 - i  # the step between nodes j and j + 1
        h, t = float(chain.lengths[j]), float(chain.times[j if to_target else j + 1])
        v = h * velocity(x, t, y)
        if last_noise or i < k - 1:
            v = v + math.sqrt(chain.variance * h) * randn(tuple(x.shape), generator, x)
        x = m.exp(x, m.project(x, v))
        nodes.append(x)
    return torch.stack(nodes if to_target else nodes[::-1])

"""What the methods that learn a bridge share: the class of their models, their times, and walks in either direction.

A bridge is a diffusion dX = b dt + sigma dW between a source, at time 0, and the data, at time 1. Seen from the data it is a diffusion
too, with the same sigma and a drift of its own, on the clock s = 1 - t. Its law near the data may be as sharp as the data, while a step of
length h adds noise of deviation sigma sqrt(h): the times of `grid_to_data` therefore draw together there,

    t_j = 1 - (1 - j / N)^2,     last step 1 / N^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.processes.schedules import Grid
from rkdiff.samplers.brownian_bridge import Bridge

__all__ = ["Bridge", "Drift", "grid_to_data", "rising", "walk", "walked_back"]

#: A velocity of particles: positions and the clock of the walk -> velocities.
Drift = Callable[["torch.Tensor", float], "torch.Tensor"]


def rising(steps: int) -> list[float]:
    """Times from 0 to 1 in `steps` steps that shorten towards 1."""
    return [float(1 - (1 - j / steps) ** 2) for j in range(steps + 1)]


def grid_to_data(steps: int) -> Grid:
    """The same times, as a sampler walks them."""
    return Grid(np.array(rising(steps)), np.ones(steps + 1), np.zeros(steps + 1))


def walk(
    drift: Drift, x: Float[torch.Tensor, "n d"], times: list[float], sigma: float, generator: torch.Generator
) -> Iterator[Float[torch.Tensor, "n d"]]:
    """Euler-Maruyama: where the particles are at each of the rising times, the first included."""
    yield x
    for before, after in pairwise(times):
        x = x + (after - before) * drift(x, before)
        if sigma:
            x = x + sigma * math.sqrt(after - before) * randn(tuple(x.shape), generator, x)
        yield x


def walked_back(
    drift: Drift, x: Float[np.ndarray, "n d"], grid: Grid, sigma: float, rng: Rng, device: str
) -> Float[np.ndarray, "T n d"]:
    """Particles that stand at the data, at all times of a grid from 0 to 1 on their way back to the source; frame 0 is at the source.

    Args:
        drift: velocity towards the source, at the time s = 1 - t that has passed since the data.
        sigma: deviation of the noise of a unit of time; 0 walks a deterministic flow.
    """
    times = [float(1 - t) for t in grid.t[::-1]]
    with torch.no_grad():
        frames = [to_numpy(z) for z in walk(drift, to_torch(x, device), times, sigma, rng.torch("back"))]
    return np.stack(frames[::-1])

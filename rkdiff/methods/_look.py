"""A quick look at what a denoiser would generate: a few Euler steps on the straight-line clock.

On x_t = (1 - t) x_0 + t eps the probability flow of a Gaussian is nearly straight, so eight steps already show where the cloud goes. Good
enough to watch a model learn, not to judge it by.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import Denoiser
from rkdiff.core.tensors import to_numpy, torch

#: Particles in a look, steps it takes, and the share of signal it begins with.
PARTICLES, STEPS, SIGNAL = 300, 8, 1 / 64


def look(
    model: Denoiser, z: Float[torch.Tensor, "n d"], mean: Float[torch.Tensor, " d"], unit: float
) -> Float[np.ndarray, "n d"]:
    """Where standard normals `z` go; data has mean `mean` and spread `unit`."""
    t = np.linspace(1 - SIGNAL, 0.0, STEPS + 1)
    levels = [float(v) for v in unit * t / (1 - t)]
    x = mean + levels[0] * z
    with torch.no_grad():
        for nu, after in pairwise(levels):
            x = x + (after / nu - 1) * (x - model.denoise(x, nu))
    return to_numpy(x).astype(np.float64)

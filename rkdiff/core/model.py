"""Models: a velocity of the whole cloud, `drift(x, t)`.

A sliced-Wasserstein flow moves particles together, a diffusion moves them one by one, and this smallest signature fits both. A
`Denoiser` is the diffusion's model, in variance-exploding coordinates:

    x = x_0 + nu * xi,   xi ~ N(0, I),      D(x, nu) = E[x_0 | x],
    score = (D - x) / nu^2,   eps = (x - D) / nu,   drift = dx/dnu = (x - D) / nu     (probability-flow ODE)

Every schedule is a warp nu(t) of this one clock times a harmless scale alpha(t) (Karras et al. 2022, section 2), so nothing is retrained
when the schedule changes, and the exact model, the kernel model and the network answer to the same calls.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch

#: A label that asks for no class: the unconditional model.
ANY = -1


class Model(ABC):
    """A velocity field of the whole cloud.

    Attributes:
        family: "diffusion" (its clock is the noise-to-signal ratio nu) or "transport" (rising from 0 at the source: tau, or t to 1).
        classes: how many labels it understands; 0 for none.
    """

    family: str = "diffusion"
    classes: int = 0

    @abstractmethod
    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """dx/dt of every particle at physical time t (nu for a diffusion, tau for a transport)."""

    def noise(self, before: float, after: float) -> float:
        """Standard deviation, in every coordinate, of the noise that a step of a transport from one time to a later one draws; 0: none."""
        return 0.0

    def state(self) -> dict[str, np.ndarray]:
        """Everything learned, as plain arrays (kept beside a run); empty where nothing is."""
        return {}


class FlowMap(Model):
    """A transport that jumps: fill `move`. `drift` is left to those who also know a velocity."""

    family = "transport"

    @abstractmethod
    def move(
        self, x: Float[torch.Tensor, "n d"], before: float, after: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """Where particles that stand at `x` at time `before` stand at time `after` >= before: one call of the model, however far."""


class Denoiser(Model):
    """A diffusion's model: fill `denoise`; score, noise prediction and drift follow."""

    @abstractmethod
    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """E[x_0 | x_0 + nu xi = x]; `label` -1 (ANY) or None asks for no class. At nu = 0 the identity's limit is returned."""

    def score(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """Grad log p_nu(x) (Tweedie's formula)."""
        return (self.denoise(x, nu, label) - x) / nu**2

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """dx/dnu of the probability-flow ODE at nu = t."""
        return (x - self.denoise(x, t, label)) / t


class Reversible(Denoiser):
    """A denoiser that knows the whole law of an earlier level given a later one, not its mean alone: fill `reverse`."""

    @abstractmethod
    def reverse(
        self,
        x: Float[torch.Tensor, "n d"],
        nu: float,
        after: float,
        u: Float[torch.Tensor, " n"],
        z: Float[torch.Tensor, "n d"],
        label: Int[torch.Tensor, " n"] | None = None,
    ) -> Float[torch.Tensor, "n d"]:
        """A draw of x_0 + after xi' given x_0 + nu xi = x, where 0 <= after < nu and one path leads from xi' to xi.

        `u` in [0, 1) and the normals `z` are all the randomness; the same ones give the same draw.
        """

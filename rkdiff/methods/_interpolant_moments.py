"""What is known of an interpolant without learning: its moments, and the best functions of it that are linear in each coordinate.

Of x_t = alpha x_0 + beta x_1 + gamma z, with means m0, m1, variances s0^2, s1^2 and covariance c of the two ends of a coordinate,

    E[x_t] = alpha m0 + beta m1,    Var[x_t] = alpha^2 s0^2 + beta^2 s1^2 + 2 alpha beta c + gamma^2

and the line of u = alpha' x_0 + beta' x_1 is E[u] + Cov[u, x_t] / Var[x_t] (x - E[x_t]); it leaves Var[u] - Cov[u, x_t]^2 / Var[x_t]. That
of z is gamma / Var[x_t] (x - E[x_t]).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods._interpolants import Mix
from rkdiff.methods._pairs import Pairs

#: Variances are held above this share of the ends' together, so that points that all coincide divide nothing by zero.
FLOOR = 1e-3


@dataclass(frozen=True)
class Ends:
    """Mean and deviation of source and target, coordinate by coordinate, and the covariance of each coordinate's two ends."""

    mean0: Float[torch.Tensor, " d"]
    mean1: Float[torch.Tensor, " d"]
    deviation0: Float[torch.Tensor, " d"]
    deviation1: Float[torch.Tensor, " d"]
    cross: Float[torch.Tensor, " d"]

    @staticmethod
    def of(pairs: Pairs, device: str = "cpu") -> Ends:
        """The moments of coupled points."""
        m0, m1 = pairs.x0.mean(axis=0), pairs.x1.mean(axis=0)
        cross = ((pairs.x0 - m0) * (pairs.x1 - m1)).mean(axis=0)
        return Ends(*(to_torch(v, device) for v in (m0, m1, pairs.x0.std(axis=0), pairs.x1.std(axis=0), cross)))

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        names = ("mean0", "mean1", "deviation0", "deviation1", "cross")
        return {f"ends.{name}": to_numpy(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class Frame:
    """What is known at times t without learning: the law of x_t, and for each mean its line in x and the size of what it leaves."""

    mean: torch.Tensor
    unit: torch.Tensor
    pace: torch.Tensor
    slope: torch.Tensor
    left: torch.Tensor
    noise_slope: torch.Tensor
    noise_left: torch.Tensor


def frame(ends: Ends, t: Float[torch.Tensor, "n 1"], mix: Mix) -> Frame:
    """Moments of x_t and of what is to be learned, at times t whose weights are `mix`."""
    m0, m1, s0, s1, c = (v.to(t.dtype) for v in (ends.mean0, ends.mean1, ends.deviation0**2, ends.deviation1**2, ends.cross))
    small = FLOOR * (s0 + s1).mean().clamp_min(FLOOR)
    var = mix.alpha**2 * s0 + mix.beta**2 * s1 + 2 * mix.alpha * mix.beta * c + mix.gamma**2 + small
    speed = mix.alpha_slope**2 * s0 + mix.beta_slope**2 * s1 + 2 * mix.alpha_slope * mix.beta_slope * c
    both = mix.alpha * mix.alpha_slope * s0 + mix.beta * mix.beta_slope * s1
    both = both + (mix.alpha * mix.beta_slope + mix.beta * mix.alpha_slope) * c
    left = (speed - both**2 / var).clamp_min(small).sqrt()
    # at the source, z is a small part of x_t, and a smooth source lets its mean vary no faster
    noise_left = mix.gamma / (mix.gamma**2 + mix.alpha**2 * s0 + small).sqrt()
    return Frame(
        mix.alpha * m0 + mix.beta * m1,
        var.mean(1, keepdim=True).sqrt(),
        mix.alpha_slope * m0 + mix.beta_slope * m1,
        both / var,
        left,
        mix.gamma / var,
        noise_left,
    )

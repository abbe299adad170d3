"""Experimental. The JKO scheme with an entropy, each step the gradient of a convex network.

    rho_{k+1} = (grad psi)# rho_k,    psi minimises   E|x - grad psi(x)|^2 / (2 h) + E V(grad psi(x)) - lambda E log det Hess psi(x)

which is a step of J = E V + lambda E log rho: pushing by grad psi lowers E log rho by E log det Hess psi, so densities are never needed and
with lambda = 1, V = -log of a density, J is the divergence from it up to a constant. The determinant is exact, one backward pass for each
coordinate, so this is for few of them. Reference: Mokrov, Korotin, Li, Genevay, Solomon and Burnaev 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._mlp import Adam
from rkdiff.methods.experimental.icnn import Icnn
from rkdiff.transport._clouds import pair

#: Most coordinates and most steps.
COORDINATES, STEPS = 8, 10


@dataclass(frozen=True, eq=False)
class IcnnJko:
    """The maps of a JKO scheme and the cloud they moved.

    Attributes:
        net: the shapes of every map.
        maps: parameters of each step's psi.
        frames: the cloud before the first step and after each.
        gain: J(rho_{k+1}) - J(rho_k) + E|x - grad psi|^2 / (2 h) of each step on all points; negative where the step was worth its way.
    """

    net: Icnn
    maps: Float[np.ndarray, "s p"]
    frames: Float[np.ndarray, "s1 n d"]
    gain: Float[np.ndarray, " s"]

    def push(self, x: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
        """Where the maps, one after another, carry new points of the first law."""
        z = torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)
        for theta in self.maps:
            z = self.net.gradient(torch.as_tensor(theta, dtype=torch.float32), z).detach()
        return to_numpy(z).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without clouds and parameters."""
        return {"gain": self.gain.tolist(), "parameters": int(self.maps.size)}


def icnn_jko(
    x: Float[np.ndarray, "n d"],
    potential: Callable[[torch.Tensor], torch.Tensor],
    h: float,
    steps: int,
    rng: Rng,
    *,
    entropy: float = 1.0,
    widths: tuple[int, ...] = (32, 32),
    iterations: int = 500,
    batch: int = 256,
    rate: float = 5e-3,
    device: str = "cpu",
) -> Generator[Progress, None, IcnnJko]:
    """Steps of the JKO scheme from the law that `x` samples; reports {"loss"} and the cloud after each step.

    Args:
        potential: V at points (n, d), differentiable by torch.
        h: length of a step, > 0.
        steps: how many, at most 10.
        entropy: lambda >= 0.
        iterations: training steps of each map, which begins where the last one ended.

    Raises:
        ValueError: an empty cloud or one that is not finite, more than 8 coordinates or 10 steps, or settings that cannot be.
    """
    pair(x, x)
    n, d = x.shape
    if d > COORDINATES or not 1 <= steps <= STEPS:
        raise ValueError(f"{d} coordinates and {steps} steps; use at most {COORDINATES} coordinates and 1 to {STEPS} steps")
    if not 0 < h < np.inf or not 0 <= entropy < np.inf or min(iterations, batch) < 1:
        raise ValueError(
            f"h is {h}, entropy {entropy}, {iterations} iterations, batch {batch}; give a positive h and at least one of each"
        )
    net = Icnn(d, widths)
    z = torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32).to(device)
    theta, draw = net.start(rng.torch("psi"), z), rng.torch("batches")

    def loss(at: torch.Tensor, leaf: torch.Tensor, learn: bool) -> tuple[torch.Tensor, torch.Tensor]:
        moved, hessian = net.hessian(leaf, at, learn=learn)
        way = ((moved - at) ** 2).sum(1) / (2 * h)
        return (way + potential(moved) - entropy * torch.linalg.slogdet(hessian)[1]).mean(), moved

    frames, maps, gains = [to_numpy(z).astype(np.float64)], [], []
    for step in range(steps):
        adam = Adam(theta, betas=(0.9, 0.99))
        for k in range(iterations):
            leaf = theta.detach().requires_grad_(True)
            at = z[torch.randint(n, (min(batch, n),), generator=draw).to(z.device)]
            adam.step(torch.autograd.grad(loss(at, leaf, True)[0], leaf)[0], rate * 0.5 * (1 + np.cos(np.pi * k / iterations)))
        total, moved = loss(z, theta, False)
        gain = float(total.detach() - potential(z).mean())
        if not np.isfinite(gain):
            raise ValueError(f"step {step + 1} is not finite; lower the learning rate of {rate:g}")
        z = moved.detach()
        frames.append(to_numpy(z).astype(np.float64))
        maps.append(to_numpy(theta).astype(np.float64))
        gains.append(gain)
        yield Progress("training", step + 1, steps, {"loss": gain}, frames[-1])
    return IcnnJko(net, np.stack(maps), np.stack(frames), np.array(gains))

"""Diffusion of curves as values on a grid: the controls beside which coordinates of a function space are shown.

    x = x_0 + nu xi,     D = c_skip x + c_out F(c_in x, log nu),     loss = mean over the grid of |F - (x_0 - c_skip x) / c_out|^2

(Karras et al. 2022, table 1), with F a network on grids (`rkdiff.methods._operator`) and the noise xi of unit variance at every point:
"white", a number of its own for each point, which grows rougher with every finer grid; or "trace class", a random function with Matern
variances in the cosine basis, the same function on every grid. The mean over the grid is the norm of H, so that losses on two grids are one
number. Training on several levels (Hagemann et al. 2023, "Multilevel diffusion", section 4): first on a coarse grid, curves and noise cut
to the cosines that it holds, then with the same parameters on finer ones.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.kernels.curves import cosine_basis, quadrature
from rkdiff.methods._mlp import Adam, warmth
from rkdiff.methods._operator import Convolutions, Operator
from rkdiff.processes.covariance import noise_variances

NOISES = ("white", "trace class")
#: Cosines in trace-class noise, and its smoothness.
MODES, SMOOTHNESS = 64, 1.0


def grid_noise(
    kind: str, n: int, points: int, rng: np.random.Generator, *, modes: int = MODES
) -> Float[np.ndarray, "n points"]:
    """Noise of mean variance one on an even grid. Trace-class draws of one stream agree on all grids, up to the finest cosines.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in NOISES:
        raise ValueError(f"there is no noise {kind!r} on grids; choose one of {', '.join(NOISES)}")
    if kind == "white":
        return rng.standard_normal((n, points))
    q = noise_variances("matern", np.ones(modes), SMOOTHNESS)
    coefficients = rng.standard_normal((n, modes)) * np.sqrt(q / q.sum())
    held = min(modes, points - 1)
    return coefficients[:, :held] @ cosine_basis(np.linspace(0, 1, points), held)


def coarsened(curves: Float[np.ndarray, "n g"], points: int) -> Float[np.ndarray, "n points"]:
    """Curves of an even grid on another one, through the cosines that both hold."""
    here, there = (np.linspace(0, 1, m) for m in (curves.shape[1], points))
    held = min(curves.shape[1], points) - 1
    return (curves * quadrature(here)) @ cosine_basis(here, held).T @ cosine_basis(there, held)


class GridDenoiser(Denoiser):
    """A network on curves of any number of points: the coordinates of a particle are its values."""

    def __init__(self, net: Operator | Convolutions, theta: torch.Tensor, deviation: float) -> None:
        self.net, self.theta, self.deviation = net, theta, deviation

    def output(
        self, theta: torch.Tensor, x: Float[torch.Tensor, "n g"], nu: Float[torch.Tensor, "n 1"]
    ) -> Float[torch.Tensor, "n g"]:
        """The network's F at curves x with noise of levels nu."""
        scale = torch.sqrt(self.deviation**2 + nu**2)
        return self.net(theta, torch.stack([x / scale, (torch.log(nu) / 4).expand_as(x)], dim=1))

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        if nu <= 0:
            return x
        s2, low = self.deviation**2, self.theta.dtype
        with torch.no_grad():
            f = self.output(self.theta, x.to(low), torch.full((len(x), 1), nu, dtype=low)).to(x.dtype)
        return s2 / (s2 + nu**2) * x + nu * self.deviation / math.sqrt(s2 + nu**2) * f

    def state(self) -> dict[str, np.ndarray]:
        return {"theta": to_numpy(self.theta), "deviation": np.array(self.deviation)}


def fit_on_grids(
    net: Operator | Convolutions,
    curves: Float[np.ndarray, "n g"],
    noise: str,
    levels: Sequence[tuple[int, int]],
    rng: Rng,
    *,
    batch: int = 64,
    rate: float = 5e-3,
) -> Generator[Progress, None, GridDenoiser]:
    """Train on each level (points, steps) in turn with the same parameters; reports the loss of each step and its grid.

    Raises:
        ValueError: an unknown noise, or no level.
    """
    if not levels:
        raise ValueError("give at least one level (points, steps) to train on")
    like = torch.zeros(1, dtype=torch.float32)
    model = GridDenoiser(net, net.start(rng.torch("network"), like), float(curves.std()))
    optimiser, draw = Adam(model.theta), rng.numpy("lessons")
    total, done = sum(steps for _, steps in levels), 0
    for points, steps in levels:
        here = coarsened(curves, points) if points != curves.shape[1] else curves
        for _ in range(steps):
            x0 = here[draw.integers(len(here), size=batch)]
            nu = np.exp(math.log(model.deviation) - 1 + 1.6 * draw.standard_normal((batch, 1)))
            loss = _step(model, x0, nu, grid_noise(noise, batch, points, draw), optimiser, rate * warmth(done, total, 0.05))
            done += 1
            yield Progress("training", done, total, {"loss": loss, "points": float(points)})
    return model


def _step(model: GridDenoiser, x0: np.ndarray, nu: np.ndarray, xi: np.ndarray, optimiser: Adam, rate: float) -> float:
    s2 = model.deviation**2
    x = x0 + nu * xi
    target = (x0 - s2 / (s2 + nu**2) * x) / (nu * model.deviation / np.sqrt(s2 + nu**2))
    with torch.enable_grad():
        theta = model.theta.detach().requires_grad_()
        f = model.output(theta, to_torch(x).float(), to_torch(nu).float())
        loss = (f - to_torch(target).float()).square().mean()
        (gradient,) = torch.autograd.grad(loss, theta)
    optimiser.step(gradient, rate)
    return float(loss.detach())

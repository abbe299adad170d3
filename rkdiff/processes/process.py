"""The forward process: data on its way to noise, on the same screen's clock as the way back.

    x_t = alpha_t x_0 + sigma_t xi

The marginals are fixed by the schedule, the coupling between times is not. "straight" gives every particle one xi for all times, so each
walks a smooth curve and every time is reached from the one start; "brownian" is the noising SDE itself (in x / alpha a Brownian motion
run at the clock nu^2), sampled exactly at the times of the grid. Both have the same law at each time (Song et al. 2021, section 3).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.records import Trajectory
from rkdiff.core.rng import Rng
from rkdiff.processes.brownian import Brownian
from rkdiff.processes.schedules import Grid

#: log-SNR is shown within these bounds; at nu = 0 it would be infinite.
SHOWN = 20.0
#: Frames are thinned evenly when a trajectory would hold more numbers than this.
ROOM = 60_000_000
COUPLINGS = ("straight", "brownian")


def curves(grid: Grid) -> dict[str, Float[np.ndarray, " T"]]:
    """The physical coordinates of a grid, all finite: t, alpha, sigma and log-SNR; for a transport its clock."""
    if not grid.sigma.any():
        return {grid.clock: grid.t}
    with np.errstate(divide="ignore"):
        logsnr = np.clip(-2 * np.log(grid.nu), -SHOWN, SHOWN)
    return {"t": grid.t, "alpha": grid.alpha, "sigma": grid.sigma, "logsnr": logsnr}


def kept(frames: int, n: int, d: int) -> Int[np.ndarray, " F"]:
    """Which frames a trajectory keeps: all, or evenly thinned ones where memory would not do. First and last always."""
    room = max(2, ROOM // max(n * d, 1))
    if frames <= room:
        return np.arange(frames)
    return np.unique(np.rint(np.linspace(0, frames - 1, room)).astype(np.int64))


def corrupt(x0: Float[np.ndarray, "n d"], grid: Grid, rng: Rng, coupling: str = "straight") -> Trajectory:
    """Noise the points `x0` to every time of a diffusion's grid; u = 0 is the noise, u = 1 the points themselves.

    Raises:
        ValueError: unknown coupling, or a grid that has no noise (a transport's).
    """
    if coupling not in COUPLINGS:
        raise ValueError(f"coupling is {coupling!r}; choose one of {', '.join(COUPLINGS)}")
    if not grid.sigma.any():
        raise ValueError("this grid has no noise (it belongs to a transport); take the grid of a schedule")
    n, d = x0.shape
    keep = kept(len(grid.t), n, d)
    x = np.empty((len(keep), n, d))
    xi = rng.numpy("xi").standard_normal((n, d))
    if coupling == "straight":
        for k, i in enumerate(keep):
            x[k] = grid.alpha[i] * x0 + grid.sigma[i] * xi
    else:
        noise = _brownian(xi, grid, rng)
        for k in range(len(keep))[::-1]:
            x[k] = grid.alpha[keep[k]] * (x0 + noise[keep[k]])
    return Trajectory(grid.u[keep], x, None, {name: c[keep] for name, c in curves(grid).items()})


def _brownian(xi: Float[np.ndarray, "n d"], grid: Grid, rng: Rng) -> dict[int, Float[np.ndarray, "n d"]]:
    """Brownian motion at the clock nu^2, by its exact increments from the least noise (that of `xi`) upwards."""
    nu = grid.nu
    live = int((nu > 0).sum())
    path = Brownian(len(xi), xi.shape[1], rng)
    steps = path.steps(np.log(nu[:live]))
    out = {i: np.zeros_like(xi) for i in range(live, len(nu))}
    out[live - 1] = nu[live - 1] * xi
    for i in range(live - 2, -1, -1):
        out[i] = out[i + 1] + np.sqrt(nu[i] ** 2 - nu[i + 1] ** 2) * path.increment(steps[i])
    return out

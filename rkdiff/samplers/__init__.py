"""Samplers: `step` each, `stream` once, always a `Trajectory`.

A diffusion sampler works in variance-exploding coordinates x = x_t / alpha_t and walks the grid of nu from the noise to 0; the trajectory
it hands back is in the schedule's own coordinates, alpha * x. A transport sampler walks tau. Randomness comes as named streams; the
noise of a stochastic sampler is one Brownian path on the log-nu clock, refined consistently, so 20 steps and 200 follow the same path.
(Langevin moves at a fixed level are no steps of that clock: their noise is fresh each time.)

With q = nu'/nu for a step from nu to nu' (Karras et al. 2022, algorithms 1 and 2; Song, Meng and Ermon 2021, equation 12):

    Euler, DDIM(0):      x' = q x + (1 - q) D                     DDIM(eta):  s^2 = eta^2 nu'^2 (1 - q^2) of the noise is drawn afresh
    Euler-Maruyama:      x' = q^2 x + (1 - q^2) D + nu sqrt(1 - q^2) z
    transport:           x' = x + (1 - exp(-dtau)) drift(x, tau)

A last step to nu = 0 returns D; only the soft mixture, which knows the whole posterior law and not its mean alone, draws from it there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.parts import Part, PartError
from rkdiff.core.records import Progress, Trajectory, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.processes.brownian import Brownian
from rkdiff.processes.process import curves, kept
from rkdiff.processes.schedules import Grid

STARTS = ("sobol", "iid")


@dataclass
class Walk:
    """What a step may ask: the model (calls are counted), the grid, and the noise of each step."""

    model: Model
    grid: Grid
    rng: Rng
    shape: tuple[int, int]
    label: Int[torch.Tensor, " n"] | None
    device: str
    calls: int = field(default=0, init=False)
    #: What a sampler of several steps remembers of the earlier ones.
    memory: dict[str, Any] = field(default_factory=dict, init=False)

    @cached_property
    def nu(self) -> list[float]:
        return [float(v) for v in self.grid.nu]

    def denoise(self, x: Float[torch.Tensor, "n d"], nu: float) -> Float[torch.Tensor, "n d"]:
        assert isinstance(self.model, Denoiser)
        self.calls += getattr(self.model, "calls_each", 1)
        return self.model.denoise(x, nu, self.label)

    def drift(self, x: Float[torch.Tensor, "n d"], i: int) -> Float[torch.Tensor, "n d"]:
        """The model's velocity at entry i of the grid, with a stream of random numbers of that step's own."""
        self.calls += getattr(self.model, "calls_each", 1)
        return self.model.drift(x, float(self.grid.t[i]), label=self.label, rng=self.rng.child(f"step {i}"))

    def normals(self, i: int) -> Float[torch.Tensor, "n d"]:
        """Standard normals of a transport's step from entry i to entry i + 1, fresh in each."""
        stream = self.rng.child(f"step {i}").numpy("normals")
        return to_torch(stream.standard_normal(self.shape), self.device)

    @cached_property
    def _path(self) -> tuple[Brownian, list[tuple[int, int]]]:
        path = Brownian(*self.shape, self.rng)
        return path, path.steps(np.log(self.grid.nu[self.grid.nu > 0]))

    def noise(self, i: int, k: int = 0) -> Float[torch.Tensor, "n d"]:
        """The standard normals of the step from entry i to entry i + 1; k = 1, 2, ...: further ones, fresh, of that step alone.

        A step to nu = 0 has no length on the log-nu clock: its numbers have a stream of their own, the same for every grid.
        """
        path, steps = self._path
        if k == 0 and i < len(steps):
            return to_torch(path.increment(steps[i]), self.device)
        stream = self.rng.child("last step" if i == len(steps) else f"step {i}")
        return to_torch(stream.numpy(f"normals {k}").standard_normal(self.shape), self.device)

    def uniforms(self, i: int) -> Float[torch.Tensor, " n"]:
        """One number in [0, 1) for each particle, of the step from entry i to entry i + 1."""
        return to_torch(self.rng.child(f"step {i}").numpy("uniforms").random(self.shape[0]), self.device)

    def signs(self, i: int) -> Float[torch.Tensor, "n d"]:
        """Random signs, of the step from entry i to entry i + 1."""
        signs = self.rng.child(f"step {i}").numpy("signs").integers(0, 2, self.shape)
        return to_torch(2.0 * signs - 1, self.device)


#: Particles in the look at the cloud that each report of progress carries, scaled as the cloud is drawn.
LOOK = 500


@dataclass(frozen=True)
class Sampler(Part, kind="sampler"):
    """A way to walk from the noise to the data. Fill `step`."""

    #: "diffusion" or "transport": which models fit.
    family: ClassVar[str] = "diffusion"
    #: Order at which the error at the end falls with the step, on exact scores: of paths, or of variances where noise is drawn. 0:
    #: steps make no error.
    order: ClassVar[int] = 1
    #: What the model must know beyond the denoised point: "" nothing, "law" the whole law of an earlier level given a later one.
    needs: ClassVar[str] = ""

    @abstractmethod
    def step(self, walk: Walk, i: int, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        """From entry i of the grid to entry i + 1, in variance-exploding coordinates."""

    def stream(
        self,
        model: Model,
        z: Float[np.ndarray, "n d"],
        grid: Grid,
        rng: Rng,
        *,
        labels: Int[np.ndarray, " n"] | None = None,
        device: str = "cpu",
    ) -> Generator[Progress, None, Trajectory]:
        """Walk the whole grid from the standard normals `z`; yields progress each step, returns the trajectory.

        Raises:
            PartError: the model is of the other family.
            ValueError: a particle left the finite numbers.
        """
        if model.family != self.family:
            raise PartError(
                f"sampler {self.name!r} walks a {self.family}, but this model is a {model.family}; choose a sampler that fits"
            )
        walk = Walk(model, grid, rng, z.shape, None if labels is None else to_torch(labels, device), device)
        steps, keep = len(grid.t) - 1, kept(len(grid.t), *z.shape)
        x = to_torch(z, device) * (grid.begin if self.family == "diffusion" else 1.0)
        frames = np.empty((len(keep), *z.shape))
        frames[0] = grid.alpha[0] * to_numpy(x)
        row = 1
        for i in range(steps):
            with torch.no_grad():
                x = self.step(walk, i, x)
            if not bool(torch.isfinite(x).all()):
                raise ValueError(
                    f"{self.name} left the finite numbers at step {i + 1} of {steps}; take more steps or less guidance"
                )
            if keep[row] == i + 1:
                frames[row] = grid.alpha[i + 1] * to_numpy(x)
                row += 1
            scale = float(np.hypot(1.0, walk.nu[i + 1])) if self.family == "diffusion" else 1.0
            yield Progress("sampling", i + 1, steps, snapshot=to_numpy(x[:LOOK]) / scale)
        shown = {name: c[keep] for name, c in curves(grid).items()}
        return Trajectory(grid.u[keep], frames, labels, shown, walk.calls)

    def run(
        self,
        model: Model,
        z: Float[np.ndarray, "n d"],
        grid: Grid,
        rng: Rng,
        *,
        labels: Int[np.ndarray, " n"] | None = None,
        device: str = "cpu",
    ) -> Trajectory:
        """`stream` without the progress."""
        return outcome(self.stream(model, z, grid, rng, labels=labels, device=device))


def start(kind: str, n: int, d: int, rng: Rng) -> Float[np.ndarray, "n d"]:
    """Standard normals to start from: "iid", or "sobol", a scrambled Sobol sequence through the inverse normal (Owen 1998).

    Raises:
        ValueError: unknown kind, or more dimensions than Sobol numbers are tabulated for.
    """
    if kind not in STARTS:
        raise ValueError(f"start is {kind!r}; choose one of {', '.join(STARTS)}")
    if kind == "iid":
        return rng.numpy("start").standard_normal((n, d))
    from scipy.special import ndtri
    from scipy.stats import qmc

    if d > qmc.Sobol.MAXDIM:
        raise ValueError(f"a Sobol start has at most {qmc.Sobol.MAXDIM} dimensions and this space has {d}; choose start 'iid'")
    points = qmc.Sobol(d, scramble=True, rng=rng.numpy("start")).random_base2(max(n - 1, 0).bit_length())[:n]
    return np.asarray(ndtri(points + 2.0**-31), dtype=float)

"""Vector-valued kernel ridge regression as the denoiser, one fit for each of a ladder of noise levels.

At level nu the clean point is regressed on the noisy one, after the best linear denoiser W has taken its part:

    D(x, nu) = W(x, nu) + c(nu) F_nu(c(nu) x / nu),       F_nu = sum_b k_nu(., c_b) B_b,

with c the deviation that W leaves (Karras et al. 2022, table 1) and k_nu a scalar kernel times the identity (Micchelli & Pontil 2005) whose
width falls with the root of the noise. All of it happens along the data's principal axes, so that W is the best of all linear denoisers. In
distances c/nu = s / sqrt(s^2 + nu^2) gives the noisy cloud the variances s^2 of the data: directions of more noise than signal hardly
count, and data of few directions is learned in many coordinates as in few. All levels share the same points, the same noise xi and the same
landmarks, which move with the level: x_a = z_a + nu xi_a. The target is the posterior mean over the training points, so that the ridge
smooths but never has to average noise away, or the plain point z_a. Between levels F is linear in log nu. Data with classes gets one more
ladder for each class.

Two options change the regression itself, both in the norm of the space: a loss that forgives wild targets, and a reduced rank, which keeps
the leading directions of the fitted correction (`_robust`). A wild training point is seen at its own place, far from the others, so a
denoiser gains little from forgiving it; posterior means have averaged it in already.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import ANY
from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_torch, torch
from rkdiff.methods import Method, Problem
from rkdiff.methods._ladder import HIGHEST, LOWEST, Head, KernelDenoiser
from rkdiff.methods._look import PARTICLES, look
from rkdiff.methods._moments import Moments, principal_axes
from rkdiff.methods._ridge import KERNELS, kernel, posterior_mean, ridge
from rkdiff.methods._robust import LOSSES, leading, robust

#: The kernel's width falls from 1 with the root of the noise, but not below this (in units of the noisy cloud's spread, in the plane).
FINEST = 0.12
#: At most this many training points stand behind a posterior mean.
REFERENCE = 4000
#: Numbers in the kernel matrix of a robust fit, which is kept whole.
ROOM = 30_000_000


@dataclass(frozen=True)
class KernelDiffusion(Method):
    """Kernel ridge regression learns to remove the noise, level by level; no gradient descent."""

    landmarks: int = knob(
        400, 10, 2000, step=10, log=True, help="points the kernel compares with: more see finer detail, slower"
    )
    noisy: int = knob(3000, 100, 30000, step=100, log=True, help="noisy points each level learns from")
    levels: int = knob(24, 4, 80, help="how many noise levels are fitted; between them the answer is interpolated")
    kernel: str = knob("gaussian", options=KERNELS, help="smooth (gaussian) or less smooth (matern) functions")
    width: float = knob(
        1.0, 0.2, 5.0, log=True, help="reach of the kernel: narrow follows every point, wide sees only the whole"
    )
    ridge: float = knob(1e-8, 1e-12, 1.0, log=True, help="penalty that keeps the functions smooth")
    averaged_targets: bool = knob(
        True, help="learn from posterior means over the training points instead of from single points"
    )
    conditional: bool = knob(True, advanced=True, help="where data has classes, also learn each class by itself")
    rank: int = knob(0, 0, 60, advanced=True, help="directions of the correction that are kept at each level; 0 keeps all")
    loss: str = knob(
        "squared",
        options=LOSSES,
        advanced=True,
        help="what an error costs: huber forgives wild targets (use without averaged targets), insensitive ignores small ones",
    )
    threshold: float = knob(
        0.75,
        0.0,
        1.0,
        step=0.05,
        advanced=True,
        when={"loss": ("huber", "insensitive")},
        help="share of the errors that huber takes in full and insensitive ignores (a quantile of the ridge's errors)",
    )

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, KernelDenoiser]:
        """Solve all levels; reports the mean squared residual of each as the loss, and the cloud once it can be seen.

        Raises:
            PartError: no points, numbers that are not finite, or a robust loss on more than memory is meant to hold.
        """
        if self.loss != "squared" and self.noisy * self.landmarks > ROOM:
            raise PartError(
                f"loss {self.loss!r} keeps {self.noisy} x {self.landmarks} numbers; choose noisy * landmarks up to {ROOM}"
            )
        groups = {ANY: np.arange(len(problem.x))}
        if problem.labels is not None and self.conditional:
            groups |= {int(c): np.flatnonzero(problem.labels == c) for c in np.unique(problem.labels)}
        model = KernelDenoiser({}, problem.classes if len(groups) > 1 else 0)
        total = len(groups) * self.levels
        for g, (c, rows) in enumerate(groups.items()):
            share = math.sqrt(len(rows) / max(1, len(problem.x)))
            work = self._start(
                problem.x[rows], problem.weights, share, problem.device, rng.child("all" if c == ANY else f"class {c}")
            )
            model.heads[c] = work.head
            for k in range(self.levels):
                loss = work.solve(k, self)
                ready = c == ANY and k == self.levels - 1
                seen = _seen(model, rng) if ready else None
                yield Progress("training", g * self.levels + k + 1, total, {"loss": loss}, seen)
        return model

    def _start(
        self, x: Float[np.ndarray, "n d"], weights: Float[np.ndarray, " d"], share: float, device: str, rng: Rng
    ) -> _Work:
        """What all levels share. A class with a share p of the points gets sqrt(p) of the size: all classes cost as much as the whole."""
        axes = principal_axes(x)
        x = x @ axes
        n, d = x.shape
        moments = Moments.of(x, device)
        points = (to_torch(x, device) - moments.mean) / moments.unit
        count = max(1, round(self.noisy * share))
        turn = rng.numpy("points")
        order = np.concatenate([turn.permutation(n) for _ in range(-(-count // n))])[:count]
        clean = points[torch.as_tensor(order, device=points.device)]
        noise = randn((count, d), rng.torch("noise"), points)
        m = min(count, max(1, round(self.landmarks * share)))
        pick = torch.as_tensor(turn.permutation(count)[:m], device=points.device)
        among = points if n <= REFERENCE else points[torch.as_tensor(turn.permutation(n)[:REFERENCE], device=points.device)]
        levels = tuple(float(v) for v in np.geomspace(LOWEST, HIGHEST, self.levels))
        widths = self._widths(levels, d)
        head = Head(to_torch(axes, device), moments, levels, widths, self.kernel, clean[pick], noise[pick], [])
        return _Work(head, clean, noise, among, to_torch(np.sqrt(weights), device))

    def _widths(self, levels: tuple[float, ...], d: int) -> tuple[float, ...]:
        """The kernel's width at each level, in units of the noisy cloud's spread."""
        base = self.width * math.sqrt(d / 2) * (2.0 if self.kernel == "matern" else 1.0)
        return tuple(base * min(max(math.sqrt(nu), FINEST), 1.0) for nu in levels)


def _seen(model: KernelDenoiser, rng: Rng) -> Float[np.ndarray, "n d"]:
    m, axes = model.heads[ANY].moments, model.heads[ANY].axes
    return look(model, randn((PARTICLES, len(m.mean)), rng.torch("look"), m.mean), m.mean @ axes.T, m.unit)


@dataclass(frozen=True)
class _Work:
    """One head in the making: everything but `norm` along the principal axes, and in units of the data's spread."""

    head: Head
    clean: Float[torch.Tensor, "n d"]
    noise: Float[torch.Tensor, "n d"]
    among: Float[torch.Tensor, "r d"]
    norm: Float[torch.Tensor, " d"]

    def solve(self, k: int, how: KernelDiffusion) -> float:
        """Fit level k; returns the mean squared residual in units of what the linear denoiser leaves."""
        h = self.head
        nu, s = h.levels[k], h.moments.deviation / h.moments.unit
        x = self.clean + nu * self.noise
        seen, centres = x * h.scale(k), h.centres(k)
        target = posterior_mean(x, nu, self.among) if how.averaged_targets else self.clean
        linear, left = s**2 / (s**2 + nu**2) * x, nu * s / torch.sqrt(s**2 + nu**2)
        y = torch.where(left > 0, (target - linear) / left.clamp_min(1e-12), 0.0)
        if how.loss == "squared":
            b, loss = ridge(seen, centres, y, h.widths[k], h.kind, how.ridge)
        else:
            b, loss = self._robust(seen, centres, y, left, h.widths[k], how)
        if 0 < how.rank < len(left):
            there, back = self._to_space(left)
            gram = kernel(seen[: max(1, ROOM // len(centres))], centres, h.widths[k], h.kind)
            b = b @ there @ leading(gram @ b @ there, how.rank) @ back
        h.coefficients.append(b)
        return loss

    def _to_space(self, left: Float[torch.Tensor, " d"]) -> tuple[Float[torch.Tensor, "d d"], Float[torch.Tensor, "d d"]]:
        """What takes outputs to coordinates in which lengths are the space's, up to a factor, and its inverse."""
        left, norm = _no_zeros(left), _no_zeros(self.norm)
        return left[:, None] * self.head.axes.T * norm, self.head.axes / norm[:, None] / left

    def _robust(
        self,
        x: Float[torch.Tensor, "n d"],
        centres: Float[torch.Tensor, "m d"],
        y: Float[torch.Tensor, "n d"],
        left: Float[torch.Tensor, " d"],
        width: float,
        how: KernelDiffusion,
    ) -> tuple[Float[torch.Tensor, "m d"], float]:
        """The coefficients of a robust loss, and the mean squared residual."""
        kind, (there, back) = self.head.kind, self._to_space(left)
        gram, between = kernel(x, centres, width, kind), kernel(centres, centres, width, kind)
        fit = robust(gram, between, y @ there, how.ridge, how.loss, quantile=how.threshold)
        b = fit.coefficients @ back
        return b, float((gram @ b - y).square().mean())


def _no_zeros(size: Float[torch.Tensor, " d"]) -> Float[torch.Tensor, " d"]:
    """Sizes in units of their root mean square, with 1 for those that vanish: nothing is learned there."""
    size = size / size.square().mean().sqrt().clamp_min(1e-30)
    return torch.where(size > 1e-9, size, 1.0)

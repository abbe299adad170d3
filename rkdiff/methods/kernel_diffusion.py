"""Vector-valued kernel ridge regression as the denoiser, one fit for each of a ladder of noise levels.

At level nu the clean point is regressed on the noisy one, after the best linear denoiser W has taken its part:

    D(x, nu) = W(x, nu) + c(nu) F_nu(x / sqrt(1 + nu^2)),       F_nu = sum_b k_nu(., c_b) B_b,

with c the deviation that W leaves (Karras et al. 2022, table 1) and k_nu a scalar kernel times the identity (Micchelli & Pontil 2005) whose
width falls with the root of the noise. All levels share the same points, the same noise xi and the same landmarks, which move with the
level: x_a = z_a + nu xi_a. The target is the posterior mean over the training points, so that the ridge smooths but never has to average
noise away, or the plain point z_a. Between levels F is linear in log nu. Data with classes gets one more ladder for each class.

Two options change the regression itself, both in the norm of the space: a loss that forgives wild targets, and a reduced rank, which keeps
the leading directions of the fitted correction (`_robust`). A wild training point is seen at its own place, far from the others, so a
denoiser gains little from forgiving it; posterior means have averaged it in already.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Denoiser
from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.methods import Method, Problem
from rkdiff.methods._look import PARTICLES, look
from rkdiff.methods._moments import Moments
from rkdiff.methods._ridge import KERNELS, kernel, posterior_mean, ridge
from rkdiff.methods._robust import LOSSES, leading, robust
from rkdiff.methods.exact import by_label

#: Noise levels of the ladder, in units of the data's spread.
LOWEST, HIGHEST = 0.02, 20.0
#: The kernel's width falls from 1 with the root of the noise, but not below this (in units of the noisy cloud's spread, in the plane).
FINEST = 0.12
#: At most this many training points stand behind a posterior mean.
REFERENCE = 4000
#: Numbers in the kernel matrix of a robust fit, which is kept whole.
ROOM = 30_000_000


@dataclass(frozen=True)
class Head:
    """The fits of one class (or of all data): landmarks, and their coefficients at each level."""

    moments: Moments
    levels: tuple[float, ...]
    widths: tuple[float, ...]
    kind: str
    point: Float[torch.Tensor, "m d"]
    noise: Float[torch.Tensor, "m d"]
    coefficients: list[Float[torch.Tensor, "m d"]]

    def denoise(self, x: Float[torch.Tensor, "n d"], nu: float) -> Float[torch.Tensor, "n d"]:
        m, r = self.moments, nu / self.moments.unit
        y = (x - m.mean) / (m.unit * math.sqrt(1 + r * r))
        at = np.interp(math.log(r), np.log(self.levels), np.arange(len(self.levels)))
        low, share = int(at), float(at) % 1.0
        f = self._level(y, low)
        if share > 0:
            f = torch.lerp(f, self._level(y, low + 1), share)
        return m.wiener(x, nu) + m.left(nu) * f * min(1.0, HIGHEST / r)

    def _level(self, y: Float[torch.Tensor, "n d"], k: int) -> Float[torch.Tensor, "n d"]:
        nu = self.levels[k]
        centres = (self.point + nu * self.noise) / math.sqrt(1 + nu * nu)
        return kernel(y, centres, self.widths[k], self.kind) @ self.coefficients[k]


class KernelDenoiser(Denoiser):
    """One head for all data and one for each class."""

    def __init__(self, heads: dict[int, Head], classes: int) -> None:
        self.heads, self.classes = heads, classes

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        if nu <= 0:
            return x
        with torch.no_grad():
            return by_label(x, label, lambda rows, c: self._head(c).denoise(rows, nu))

    def _head(self, c: int) -> Head:
        if c not in self.heads:
            known = f"classes {', '.join(str(k) for k in self.heads if k != ANY)}" if self.classes else "no classes"
            raise PartError(f"this model learned {known}, not class {c}; choose one of them, or -1 for any")
        return self.heads[c]

    def state(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for c, head in self.heads.items():
            name = "any" if c == ANY else f"class {c}"
            arrays = {"levels": np.array(head.levels), "widths": np.array(head.widths), **head.moments.state()}
            arrays |= {"point": to_numpy(head.point), "noise": to_numpy(head.noise)}
            arrays["coefficients"] = to_numpy(torch.stack(head.coefficients))
            out |= {f"{name}/{k}": v for k, v in arrays.items()}
        return out


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
        head = Head(moments, levels, self._widths(levels, d), self.kernel, clean[pick], noise[pick], [])
        return _Work(head, clean, noise, among, to_torch(np.sqrt(weights), device))

    def _widths(self, levels: tuple[float, ...], d: int) -> tuple[float, ...]:
        """The kernel's width at each level, in units of the noisy cloud's spread."""
        base = self.width * math.sqrt(d / 2) * (2.0 if self.kernel == "matern" else 1.0)
        return tuple(base * min(max(math.sqrt(nu), FINEST), 1.0) for nu in levels)


def _seen(model: KernelDenoiser, rng: Rng) -> Float[np.ndarray, "n d"]:
    m = model.heads[ANY].moments
    return look(model, randn((PARTICLES, len(m.mean)), rng.torch("look"), m.mean), m.mean, m.unit)


@dataclass(frozen=True)
class _Work:
    """One head in the making: everything in units of the data's spread."""

    head: Head
    clean: Float[torch.Tensor, "n d"]
    noise: Float[torch.Tensor, "n d"]
    among: Float[torch.Tensor, "r d"]
    norm: Float[torch.Tensor, " d"]

    def solve(self, k: int, how: KernelDiffusion) -> float:
        """Fit level k; returns the mean squared residual in units of what the linear denoiser leaves."""
        h = self.head
        nu, s = h.levels[k], h.moments.deviation / h.moments.unit
        scale = math.sqrt(1 + nu * nu)
        x = self.clean + nu * self.noise
        centres = (h.point + nu * h.noise) / scale
        target = posterior_mean(x, nu, self.among) if how.averaged_targets else self.clean
        linear, left = s**2 / (s**2 + nu**2) * x, nu * s / torch.sqrt(s**2 + nu**2)
        y = torch.where(left > 0, (target - linear) / left.clamp_min(1e-12), 0.0)
        if how.loss == "squared":
            b, loss = ridge(x / scale, centres, y, h.widths[k], h.kind, how.ridge)
        else:
            b, loss = self._robust(x / scale, centres, y, self._in_space(left), h.widths[k], how)
        if 0 < how.rank < len(left):
            size = self._in_space(left)
            gram = kernel(x[: max(1, ROOM // len(centres))] / scale, centres, h.widths[k], h.kind)
            b = (b * size) @ leading(gram @ (b * size), how.rank) / size
        h.coefficients.append(b)
        return loss

    def _in_space(self, left: Float[torch.Tensor, " d"]) -> Float[torch.Tensor, " d"]:
        """The length in the space of one unit of each output, up to a factor; 1 where there is nothing to learn."""
        size = left * self.norm
        size = size / size.square().mean().sqrt().clamp_min(1e-300)
        return torch.where(size > 1e-9, size, 1.0)

    def _robust(
        self,
        x: Float[torch.Tensor, "n d"],
        centres: Float[torch.Tensor, "m d"],
        y: Float[torch.Tensor, "n d"],
        size: Float[torch.Tensor, " d"],
        width: float,
        how: KernelDiffusion,
    ) -> tuple[Float[torch.Tensor, "m d"], float]:
        """The coefficients of a robust loss, and the mean squared residual."""
        kind = self.head.kind
        gram, between = kernel(x, centres, width, kind), kernel(centres, centres, width, kind)
        fit = robust(gram, between, y * size, how.ridge, how.loss, quantile=how.threshold)
        b = fit.coefficients / size
        return b, float((gram @ b - y).square().mean())

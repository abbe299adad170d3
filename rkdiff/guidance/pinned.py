"""Pinned: curves that pass through given values at given places.

The values y = A x_0 + b + g eta, eta ~ N(0, I), at m places are affine in the coordinates x_0 (`Fitted.observe`). At noise level nu the
model knows D = E[x_0 | x] and, through its Jacobian J, the posterior covariance P = nu^2 J (Tweedie's formula of second order), so that

    exact         D_y = D + P A' (A P A' + g^2 I)^(-1) (y - b - A D)
    replacement   D_y = D + A' (A A')^(-1) (y - b - A D)

"exact" is E[x_0 | x, y] where the law is Gaussian: then the posterior is N(D, P), and the guided flow ends at the closed-form conditional
law; elsewhere it replaces the posterior by that Gaussian. P A' is found from differences of D along the rows of A, which any denoiser
allows (two calls a pin; exact where D is affine, as for Gaussian data). What a learned model gives is first made a covariance, and not
wider than the data allow (`_posterior`): without this a direction of negative variance is moved away from its value, the faster the
better the value is known. "replacement" puts the observed values into the clean point and
leaves the rest to the model: it is approximate, because the rest does not learn of the values (Wang et al. 2023, "Zero-shot image
restoration using denoising diffusion null-space model", section 3.2). Values that are known too well make the conditional score blow up
near the data (Baldassari et al. 2023), so g is at least a hundredth of the values' deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.parts import PartError, knob
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.guidance import Guidance
from rkdiff.guidance._posterior import Bound

#: Length of the differences, in noise levels.
STEP = 0.1


@dataclass(frozen=True)
class Observation:
    """Values seen: y = A x_0 + b + g eta; `b` is already taken off `y`."""

    a: Float[np.ndarray, "m d"]
    y: Float[np.ndarray, " m"]
    g: Float[np.ndarray, " m"]


@dataclass(frozen=True)
class Pinned(Guidance):
    """Every curve passes near chosen values at up to three places."""

    label: ClassVar[str] = "Pinned to values"
    needs: ClassVar[str] = "values"

    pins: int = knob(2, 1, 3, help="how many places are pinned")
    place_1: float = knob(0.25, 0.0, 1.0, step=0.05, help="first place: 0 is the curve's beginning, 1 its end")
    value_1: float = knob(0.8, 0.0, 1.0, step=0.05, help="value there, as a quantile of the training curves' values")
    place_2: float = knob(0.75, 0.0, 1.0, step=0.05, help="second place")
    value_2: float = knob(0.2, 0.0, 1.0, step=0.05, help="value at the second place, as a quantile")
    place_3: float = knob(0.5, 0.0, 1.0, step=0.05, help="third place")
    value_3: float = knob(0.5, 0.0, 1.0, step=0.05, help="value at the third place, as a quantile")
    noise: float = knob(
        0.05, 0.01, 1.0, log=True, help="how loosely values are known, in deviations of the training curves' values there"
    )
    mode: str = knob(
        "exact", options=("exact", "replacement"), help="exact for Gaussian data, or only put the values in (approximate)"
    )

    def wrap(self, model: Model, problem: Any) -> Model:
        """The model of pinned curves.

        Raises:
            PartError: the model is no denoiser, or the objects have no values at places.
        """
        if not isinstance(model, Denoiser):
            raise PartError("pinned curves need a denoiser and this model is none (a transport); choose guidance 'none'")
        seen = self.observation(problem)
        cov = problem.law.cov if problem.law is not None else np.atleast_2d(np.cov(problem.x.T, bias=True))
        return PinnedDenoiser(model, seen, cov, exact=self.mode == "exact")

    def observation(self, problem: Any) -> Observation:
        """What is seen: the quantiles of the training curves at the places.

        Raises:
            PartError: the objects have no values at places.
        """
        if problem.observe is None:
            raise PartError(
                "pinning needs curves in linear coordinates (space 'curves' with kernel 'linear' or 'cosine' and decoder "
                "'fixed_point'); choose those, or guidance 'none'"
            )
        a, _ = problem.observe(self._places())
        seen = problem.x @ a.T
        levels = (self.value_1, self.value_2, self.value_3)
        y = np.array([np.quantile(column, level) for column, level in zip(seen.T, levels, strict=False)])
        deviation = seen.std(axis=0)
        return Observation(a, y, self.noise * np.maximum(deviation, 1e-6 * max(float(deviation.max()), 1e-12)))

    def _places(self) -> Float[np.ndarray, " m"]:
        return np.array([self.place_1, self.place_2, self.place_3][: self.pins])

    def marks(self, problem: Any) -> Float[np.ndarray, "m 2"]:
        """The pins as they are drawn on curves."""
        seen = self.observation(problem)
        return np.stack([self._places(), seen.y + problem.observe(self._places())[1]], axis=1)

    def met(self, problem: Any, x: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Within three deviations of the observation's noise at every pin."""
        seen = self.observation(problem)
        return (np.abs(x @ seen.a.T - seen.y) <= 3 * seen.g).all(axis=1)

    def labels(self, n: int, counts: Int[np.ndarray, " c"], rng: Rng) -> Int[np.ndarray, " n"] | None:
        return None


class PinnedDenoiser(Denoiser):
    """A denoiser that has seen values. `cov`: (d, d) covariance of the data, which bounds what the model says of its own doubt."""

    def __init__(self, model: Denoiser, seen: Observation, cov: Float[np.ndarray, "d d"], *, exact: bool = True) -> None:
        self.model, self.seen, self.exact, self.classes = model, seen, exact, model.classes
        #: Evaluations of the inner model that one evaluation of this one costs.
        self.calls_each = getattr(model, "calls_each", 1) * (1 + 2 * len(seen.a) if exact else 1)
        self._back = np.linalg.pinv(seen.a, rcond=1e-6)
        self._bound = Bound(seen.a, cov)

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        d = self.model.denoise(x, nu, label)
        if nu <= 0 or not len(x):
            return d
        a, y = to_torch(self.seen.a, x.device.type), to_torch(self.seen.y, x.device.type)
        missing = y - d @ a.T
        if not self.exact:
            return d + missing @ to_torch(self._back, x.device.type).T
        pa = self._bound(nu**2 * self._along(x, nu, label, a), nu)
        known = pa @ a.T
        inner = (known + known.transpose(1, 2)) / 2 + torch.diag(to_torch(self.seen.g, x.device.type) ** 2)
        gain = torch.linalg.solve(inner, missing[:, :, None])[:, :, 0]
        return d + torch.einsum("nk,nkd->nd", gain, pa)

    def _along(
        self, x: torch.Tensor, nu: float, label: torch.Tensor | None, a: Float[torch.Tensor, "m d"]
    ) -> Float[torch.Tensor, "n m d"]:
        """J a_k for each row of A, by central differences of the denoiser; J is symmetric, so these are the columns of J' A'."""
        length = a.norm(dim=1).clamp_min(1e-12)[:, None]
        step = STEP * nu * a / length
        ends = torch.cat([x[:, None] + step, x[:, None] - step], dim=1)
        asked = None if label is None else label.repeat_interleave(ends.shape[1])
        d = self.model.denoise(ends.reshape(-1, x.shape[1]), nu, asked).reshape(ends.shape)
        forth, back = d.chunk(2, dim=1)
        return (forth - back) / (2 * STEP * nu) * length

    def state(self) -> dict[str, np.ndarray]:
        return self.model.state()

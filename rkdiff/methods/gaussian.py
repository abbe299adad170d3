r"""The linear control: the best denoiser of a Gaussian with the training points' mean and covariance.

    D(x, nu) = m + S (S + nu^2 I)^{-1} (x - m),      S = (1/n) sum_i (z_i - m)(z_i - m)^T

In kernel coordinates this is a Gaussian in the Hilbert space: whatever another method adds to it, it has learned beyond mean and
covariance (Wiener 1949; Stuart 2010, section 2.4). Each class has moments of its own. Equal to the exact score smoothed to the end.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Denoiser
from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Method, Problem
from rkdiff.methods.exact import by_label


@dataclass(frozen=True)
class Gaussian(Method):
    """Mean and covariance only: the control that a learned model has to beat; nothing is learned."""

    label: ClassVar[str] = "Gaussian (control)"

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, Wiener]:
        """Take the moments of all points and of each class.

        Raises:
            PartError: no points, or numbers that are not finite.
        """
        x = problem.x
        if x.size == 0 or not np.isfinite(x).all():
            raise PartError(f"the training coordinates have shape {x.shape}; give at least one point with finite coordinates")
        model = Wiener({ANY: _moments(x, problem.device)}, problem.classes)
        if problem.labels is not None:
            for c in np.unique(problem.labels).tolist():
                model.parts[int(c)] = _moments(x[problem.labels == c], problem.device)
        yield Progress("training", 1, 1)
        return model


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean, variances along the principal directions, and the directions as columns."""

    mean: Float[torch.Tensor, " d"]
    variances: Float[torch.Tensor, " d"]
    turn: Float[torch.Tensor, "d d"]


def _moments(x: Float[np.ndarray, "n d"], device: str) -> Moments:
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return Moments(to_torch(mean, device), to_torch(np.maximum(values, 0.0), device), to_torch(vectors, device))


class Wiener(Denoiser):
    """The linear denoiser of all data and of each class."""

    def __init__(self, parts: dict[int, Moments], classes: int) -> None:
        self.parts, self.classes = parts, classes

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        return x if nu <= 0 else by_label(x, label, lambda rows, c: self._of_class(rows, nu, c))

    def _of_class(self, x: torch.Tensor, nu: float, c: int) -> torch.Tensor:
        if c not in self.parts:
            raise PartError(f"the data has no class {c}; choose a label from 0 to {self.classes - 1}, or -1 for any")
        p = self.parts[c]
        return p.mean + ((x - p.mean) @ p.turn * (p.variances / (p.variances + nu**2))) @ p.turn.T

    def state(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for c, p in self.parts.items():
            name = "any" if c == ANY else f"class {c}"
            out |= {
                f"{name}/mean": to_numpy(p.mean),
                f"{name}/variances": to_numpy(p.variances),
                f"{name}/turn": to_numpy(p.turn),
            }
        return out

"""A family of Gaussian mixtures whose density and score are known exactly at every noise level.

    p = sum_k w_k N(m_k, S_k)

Where the Gaussians sit, how they are turned and how much each weighs is drawn once from the number `shape`, not from the seed of the
experiment: another seed gives other points of the same law. Centres are spread by farthest-candidate sampling and scaled to mean zero and
root-mean-square `spread` a coordinate. The class is the component.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.core.rng import Rng
from rkdiff.data._plane import Draw, PlaneSource

CANDIDATES = 12


@dataclass(frozen=True)
class GaussianMixture(PlaneSource):
    """Gaussians of any number, shape and weight; the exact density is known."""

    components: int = knob(5, 1, 12, help="how many Gaussians")
    spread: float = knob(1.0, 0.0, 3.0, step=0.1, help="how far the centres lie apart (root mean square of a coordinate)")
    width: float = knob(0.2, 0.01, 1.0, step=0.01, help="size of each Gaussian (geometric mean of its two standard deviations)")
    anisotropy: float = knob(3.0, 1.0, 10.0, step=0.5, help="longest over shortest axis of each Gaussian; 1 makes them round")
    imbalance: float = knob(0.3, 0.0, 2.0, step=0.1, help="how unequal the weights are; 0 makes them equal")
    shape: int = knob(0, 0, 999, help="which arrangement of the family (independent of the seed)")

    def class_names(self) -> tuple[str, ...]:
        return tuple(f"component {k + 1}" for k in range(self.components))

    def parameters(
        self,
    ) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k 2"], Float[np.ndarray, "k 2 2"]]:
        """Weights, centres and covariances of the arrangement."""
        g, k = Rng(self.shape).child("gaussian mixture"), self.components
        weights = np.exp(self.imbalance * g.numpy("weights").standard_normal(k))
        weights /= weights.sum()
        means = _spread_out(k, g.numpy("means"))
        means = means - weights @ means
        size = np.sqrt((weights @ means**2).mean())
        means = means * (self.spread / size if size > 0 else 0.0)
        angle = g.numpy("angles").uniform(0.0, np.pi, k)
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(k, 2, 2)
        axes = self.width**2 * np.array([self.anisotropy, 1 / self.anisotropy])
        return weights, means, (turn * axes) @ turn.transpose(0, 2, 1)

    def law(self) -> Any:
        from rkdiff.processes.mixture import Mixture

        return Mixture(*self.parameters(), np.arange(self.components))

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        weights, means, covs = self.parameters()
        component = generator.choice(self.components, n, p=weights)
        z = generator.standard_normal((n, 2))
        return means[component] + np.einsum("nij,nj->ni", np.linalg.cholesky(covs)[component], z), component


def _spread_out(k: int, generator: np.random.Generator) -> Float[np.ndarray, "k 2"]:
    """`k` normal points, each the candidate farthest from those before it."""
    points = generator.standard_normal((1, 2))
    while len(points) < k:
        new = generator.standard_normal((CANDIDATES, 2))
        gap = np.linalg.norm(new[:, None] - points[None], axis=2).min(axis=1)
        points = np.concatenate([points, new[gap.argmax()][None]])
    return points

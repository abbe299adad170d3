"""Monge maps for other costs: c(x, y) = h(x - y) with h convex.

    T(x) = x - grad h*(grad f(x)),       grad f(x) = sum_j w_j(x) grad h(x - y_j)      (f the entropic potential, continued to all points)

which for h = |.|^2 / 2 is the entropic map. Two families: powers, h = |z|^p / p with h* = |w|^q / q, 1/p + 1/q = 1, and Mahalanobis
costs, h = z' M z / 2 with h* = w' M^{-1} w / 2. Where examples of a map are known, `fitted_power` chooses the power that continues them
best; a network as h is not offered. References: Gangbo and McCann 1996; Cuturi, Klein and Ablin 2023; Howard et al. 2024.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.transport._clouds import pair, room, weights
from rkdiff.transport.sinkhorn import Plan, sinkhorn

#: At most this many numbers in one block of differences.
BLOCK = 4_000_000


class Cost(ABC):
    """A convex function h of the difference x - y."""

    @abstractmethod
    def __call__(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k"]:
        """h(z)."""

    @abstractmethod
    def gradient(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        """The gradient of h at z."""

    @abstractmethod
    def inverse(self, w: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        """The gradient of h* at w: the z at which h has the gradient w."""

    def matrix(self, x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
        """The cost of every pair, for `sinkhorn(..., cost=)` and `exact`."""
        pair(x, y)
        room(len(x), len(y))
        rows = max(1, BLOCK // y.size)
        return np.concatenate([self(x[k : k + rows, None, :] - y[None]) for k in range(0, len(x), rows)])


@dataclass(frozen=True)
class Power(Cost):
    """h(z) = |z|^p / p with the Euclidean norm.

    Raises:
        ValueError: p is not above 1 (at 1 the cost is not strictly convex and there is no map).
    """

    p: float = 2.0

    def __post_init__(self) -> None:
        if not 1 < self.p < np.inf:
            raise ValueError(f"the power is {self.p}; choose one above 1, for at 1 the cost has no map of its own")

    def __call__(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k"]:
        return (z**2).sum(-1) ** (self.p / 2) / self.p

    def gradient(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        return _scaled(z, self.p - 2)

    def inverse(self, w: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        return _scaled(w, self.p / (self.p - 1) - 2)


def _scaled(z: np.ndarray, power: float) -> np.ndarray:
    """|z|^power z, which is 0 at 0 for every power above -1."""
    size = np.sqrt((z**2).sum(-1, keepdims=True))
    return np.asarray(z * np.where(size > 0, size, 1.0) ** power)


@dataclass(frozen=True, eq=False)
class Mahalanobis(Cost):
    """h(z) = z' M z / 2.

    Raises:
        ValueError: M is not symmetric positive definite.
    """

    metric: Float[np.ndarray, "d d"]

    def __post_init__(self) -> None:
        if self.metric.ndim != 2 or self.metric.shape[0] != self.metric.shape[1]:
            raise ValueError(f"the metric has shape {self.metric.shape}; give a square matrix, one row for each coordinate")
        if not np.allclose(self.metric, self.metric.T) or not np.linalg.eigvalsh(self.metric)[0] > 0:
            raise ValueError("the metric is not symmetric positive definite; give one that is")

    def __call__(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k"]:
        return (self.gradient(z) * z).sum(-1) / 2

    def gradient(self, z: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        self._fits(z)
        return np.asarray(z @ self.metric)

    def inverse(self, w: Float[np.ndarray, "*k d"]) -> Float[np.ndarray, "*k d"]:
        self._fits(w)
        return np.asarray(np.linalg.solve(self.metric, w[..., None])[..., 0])

    def _fits(self, z: np.ndarray) -> None:
        if z.shape[-1] != len(self.metric):
            raise ValueError(
                f"a metric of {len(self.metric)} coordinates for points of {z.shape[-1]}; give one of the same size"
            )


def monge_map(
    points: Float[np.ndarray, "k d"],
    plan: Plan,
    y: Float[np.ndarray, "m d"],
    cost: Cost,
    *,
    b: Float[np.ndarray, " m"] | None = None,
) -> Float[np.ndarray, "k d"]:
    """Where the entropic potential of a cost sends any points.

    Args:
        plan: from x to y, solved with `cost=cost.matrix(x, y)`.
        y: the points it leads to, with their weights `b`.
    """
    pair(points, y)
    with np.errstate(divide="ignore"):
        offset = plan.g / plan.eps + np.log(weights(b, len(y), "b"))
    out = np.empty(points.shape)
    rows = max(1, BLOCK // y.size)
    for k in range(0, len(points), rows):
        away = points[k : k + rows, None, :] - y[None]
        z = offset - cost(away) / plan.eps
        w = np.exp(z - z.max(axis=1, keepdims=True))
        w /= w.sum(axis=1, keepdims=True)
        out[k : k + rows] = points[k : k + rows] - cost.inverse(np.einsum("nm,nmd->nd", w, cost.gradient(away)))
    return out


def fitted_power(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    known: Float[np.ndarray, "k d"],
    images: Float[np.ndarray, "k d"],
    *,
    powers: Sequence[float] = (1.25, 1.5, 2.0, 3.0),
    share: float = 0.01,
) -> tuple[Power, Float[np.ndarray, " c"]]:
    """The power whose map from x to y comes nearest to examples of it, and the mean squared error of every candidate.

    A choice by held-out error, not a descent. Entropy blurs the maps, most for powers above 3, which are told apart badly.

    Args:
        x, y: unpaired samples of both ends, without the examples.
        known, images: examples: points, and where each of them goes.
        powers: the candidates, each above 1.
        share: eps as a share of the mean cost, > 0.

    Raises:
        ValueError: no candidate, clouds that do not fit, examples that are not pairs, or as `Power` and `sinkhorn`.
    """
    pair(x, known)
    if not powers or known.shape != images.shape:
        raise ValueError(
            f"{len(powers)} powers and examples of shapes {known.shape} and {images.shape}; give a power and one image for each point"
        )
    errors = []
    for cost in [Power(p) for p in powers]:
        c = cost.matrix(x, y)
        plan = sinkhorn(x, y, share * float(c.mean()), cost=c, annealed=True, tolerance=1e-3)
        errors.append(float(((monge_map(known, plan, y, cost) - images) ** 2).sum(1).mean()))
    return Power(powers[int(np.argmin(errors))]), np.array(errors)

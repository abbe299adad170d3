"""Three maps that carry one Gaussian to another, and only one of them is optimal: exact, without training.

Every flow here ends at the right law, so every map is a transport; they differ in what they cost, E|X - T(X)|^2. The map of optimal
transport is the one with a symmetric positive matrix. Flow matching between independent ends, and the sliced-Wasserstein flow, end at
maps with a matrix that is not symmetric wherever the covariances do not commute; rectifying a flow (training it again on its own pairs)
makes its paths straight and leaves such a linear map as it is (Liu et al. 2023; Cozzi and Santambrogio 2024). On the line there is one
monotone map, and all of them are it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.flows import matching_map, sliced_flow, straightness
from rkdiff.processes.gaussians.transport import optimal_map

#: Where the sliced flow is stopped: between laws as round as those of the example its law is that of the target to ten digits then.
TAU = 40.0


@dataclass(frozen=True, eq=False)
class LinearMap:
    """One map x -> m1 + M (x - m0) between two Gaussians.

    Attributes:
        name: what it is the map of.
        matrix: M.
        cost: E|X - T(X)|^2 about the means, which all maps move alike.
        asymmetry: largest entry of |M - M'|; 0 for the optimal map.
        error: largest entry of |M S0 M' - S1|: how far the law it ends at is from the target.
        straightness: E int |chord - velocity|^2 dt along its flow, 0 where particles go straight; None where it is no flow.
    """

    name: str
    matrix: Float[np.ndarray, "d d"]
    cost: float
    asymmetry: float
    error: float
    straightness: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**self.__dict__, "matrix": self.matrix.tolist()}


def example() -> tuple[Gaussian, Gaussian]:
    """Two Gaussians in the plane whose covariances do not commute."""
    source = Gaussian(np.zeros(2), np.array([[1.0, 0.6], [0.6, 1.5]]))
    return source, Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2.0]]))


def maps(source: Gaussian, target: Gaussian, tau: float = TAU) -> tuple[LinearMap, ...]:
    """Optimal transport, flow matching, the same after one rectification, and (in the plane) the sliced-Wasserstein flow.

    Args:
        tau: time at which the sliced flow is stopped; the thinner the target, the longer it takes to arrive (see `LinearMap.error`).
    """
    best, matched = optimal_map(source, target), matching_map(source, target)
    coupled = source.cov @ matched.T  # Cov(X0, X1) of the pairs that the flow makes
    again = matching_map(source, target, coupled)
    out = [
        _facts("Optimal transport", best, source, target, 0.0),
        _facts("Flow matching", matched, source, target, straightness(source, target)),
        _facts("Flow matching, rectified", again, source, target, straightness(source, target, coupled)),
    ]
    if source.dim == 2:
        out.append(
            _facts(
                "Sliced flow, at its end",
                sliced_flow(source, target, tau, points=max(800, round(10 * tau)))[1],
                source,
                target,
                None,
            )
        )
    return tuple(out)


def _facts(name: str, m: Float[np.ndarray, "d d"], source: Gaussian, target: Gaussian, bent: float | None) -> LinearMap:
    gap = m - np.eye(source.dim)
    cost = float(np.trace(gap @ source.cov @ gap.T))
    error = float(np.abs(m @ source.cov @ m.T - target.cov).max())
    return LinearMap(name, m, cost, float(np.abs(m - m.T).max()), error, bent)

"""Schroedinger bridges on a manifold, by tangent mean matching: a library call for the circle, the torus and the sphere.

Chains of geodesic steps x' = exp_x(h v(x, t) + sigma sqrt(h) P_x z) run in both directions; each direction regresses the tangent vector
that leads back, log_{x_{j+1}}(x_j) / h, on paths of the other (`rkdiff.methods._ipf`). It needs no divergence of the network, unlike the
score-based form of Thornton, Hutchinson, Mathieu, De Bortoli, Teh and Doucet 2022, and is exact to first order in h. The few moves between
opposite points, where no direction leads back, are left out of the regression.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods._ipf import Ipf, Regressor, fit_ipf
from rkdiff.methods._ipf_chain import Chain, simulate
from rkdiff.methods._ipf_ends import Data, Source, resampled
from rkdiff.methods._ipf_regressors import LeastSquares
from rkdiff.transport.manifolds import Manifold, Sphere

#: Points of the sphere may be off it by this much; they are then put back.
OFF = 1e-4


@dataclass(frozen=True, eq=False)
class ManifoldBridge:
    """A trained bridge."""

    found: Ipf

    def drift(self, x: Float[np.ndarray, "n w"], t: float) -> Float[np.ndarray, "n w"]:
        """The velocity towards the data at a node's time t, tangent at each x."""
        with torch.no_grad():
            return to_numpy(self.found.s2t[-1](to_torch(x), t, None))

    def paths(
        self, start: Float[np.ndarray, "n w"], rng: Rng, *, to_data: bool = True, last_noise: bool = False
    ) -> Float[np.ndarray, "T n w"]:
        """Paths from points of one end, frame 0 at the source whichever way they ran."""
        field = self.found.s2t[-1] if to_data else self.found.t2s[-1]
        with torch.no_grad():
            x = simulate(
                self.found.chain,
                field,
                to_torch(start),
                None,
                rng.torch("paths"),
                to_target=to_data,
                last_noise=last_noise or not to_data,
            )
        return to_numpy(x)


def fit_manifold_bridge(
    manifold: Manifold,
    source: Float[np.ndarray, "m w"] | None,
    data: Float[np.ndarray, "n w"],
    rng: Rng,
    *,
    sigma: float = 1.0,
    steps: int = 20,
    half_steps: int = 9,
    regressor: Regressor | None = None,
    paths: int = 4096,
    law: str = "constant",
) -> Generator[Progress, None, ManifoldBridge]:
    """Fit by turns between the laws of two sets of points.

    Args:
        source: points at time 0; None takes the uniform law.
        data: points at time 1.
        sigma: deviation of the Brownian reference at time 1, whose generator is sigma^2 / 2 times the Laplacian.
        steps: of the chain; `law` "constant" or "geometric" lays them out.
        half_steps: 1 is plain diffusion; see `fit_ipf`.
        regressor: least squares in a few harmonics if left out; `Network` for finer laws.
        paths: simulated at a time.

    Raises:
        ValueError: points that are not on the manifold, or numbers out of range.
    """
    x1 = _points(manifold, "data", data)
    start: Source
    if source is None:
        start = lambda n, y, generator: manifold.uniform(n, generator, x1)
    else:
        start = _unconditional(resampled(_points(manifold, "source", source)))
    chain = Chain.brownian(steps, sigma, law, manifold)
    found = yield from fit_ipf(
        start, resampled(x1), chain, regressor or LeastSquares(), half_steps=half_steps, paths=paths, rng=rng
    )
    return ManifoldBridge(found)


def _unconditional(draws: Data) -> Source:
    return lambda n, y, generator: draws(n, generator)[0]


def _points(manifold: Manifold, what: str, x: Float[np.ndarray, "n w"]) -> Float[torch.Tensor, "n w"]:
    """The points as a tensor, checked."""
    if x.ndim != 2 or x.shape[1] != manifold.width or not len(x) or not np.isfinite(x).all():
        raise ValueError(
            f"the {what} has shape {x.shape}; give at least one point of {manifold.width} finite numbers for {manifold}"
        )
    if isinstance(manifold, Sphere):
        norm = np.linalg.norm(x, axis=1, keepdims=True)
        if np.abs(norm - 1).max() > OFF:
            raise ValueError(
                f"the {what} has a point of length {norm[np.abs(norm - 1).argmax(), 0]:.6g}; divide points by their length"
            )
        return to_torch(x / norm)
    return manifold.exp(to_torch(x), torch.zeros(x.shape, dtype=torch.float64))

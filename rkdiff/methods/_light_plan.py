r"""Entropic plans that are Gaussian mixtures, and the Schroedinger bridge that belongs to one, in closed form.

    v(y) = sum_k alpha_k N(y | r_k, eps S_k),      plan  y | x  ~  v(y) exp(<x, y> / eps) / c(x)

For every source law, v makes this the Schroedinger bridge of variance eps between the source and the law of y that comes out (Korotin,
Gushchin and Burnaev 2024, theorem 3.1 and proposition 3.3). Given X_t = x the end is again a mixture; with D_k = t S_k + (1 - t) I,

    weight      w_k ~ alpha_k det(D_k)^{-1/2} exp( (x'(S_k - I) D_k^{-1} x + 2 r_k' D_k^{-1} x - t r_k' D_k^{-1} r_k) / (2 eps) )
    component   N( D_k^{-1} (S_k x + (1 - t) r_k),  eps (1 - t) S_k D_k^{-1} )
    drift       b(x, t) = sum_k w_k D_k^{-1} ((S_k - I) x + r_k)

which is the published form, there with A_k = t / (eps (1 - t)) I + S_k^{-1} / eps, after the terms that grow like 1 / (1 - t) have
cancelled: nothing is divided by 1 - t, so that the drift is exact up to t = 1. Weights are a softmax of logarithms. Covariances are kept
as their eigenvalues and eigenvectors, or as eigenvalues alone where they are diagonal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch


@dataclass(frozen=True, eq=False)
class LightPlan:
    """The mixture v and the variance eps.

    Attributes:
        weights: (K,) log alpha; a constant added to all has no effect.
        centres: (K, d) the r_k.
        variances: (K, d) eigenvalues of S_k, positive.
        turns: (K, d, d) their eigenvectors as columns; None where S_k is diagonal.
    """

    eps: float
    weights: Float[torch.Tensor, " k"]
    centres: Float[torch.Tensor, "k d"]
    variances: Float[torch.Tensor, "k d"]
    turns: Float[torch.Tensor, "k d d"] | None = None

    def shares(self, x: Float[torch.Tensor, "n d"], t: float = 0.0) -> Float[torch.Tensor, "n k"]:
        """Probability of each component of the end, given X_t = x."""
        s, logs = self.variances, self.weights
        spread = t * s + (1 - t)
        r = self._turned_centres
        bend, pull = (s - 1) / spread, r / spread
        rest = -torch.log(spread).sum(1) / 2 - t * (r * pull).sum(1) / (2 * self.eps)
        if self.turns is None:
            return torch.softmax(logs + rest + (x**2 @ bend.T + 2 * x @ pull.T) / (2 * self.eps), dim=1)
        each = [((x @ u) ** 2 @ a + 2 * (x @ u) @ b) / (2 * self.eps) for u, a, b in zip(self.turns, bend, pull, strict=True)]
        return torch.softmax(logs + rest + torch.stack(each, dim=1), dim=1)

    def drift(self, x: Float[torch.Tensor, "n d"], t: float) -> Float[torch.Tensor, "n d"]:
        """Velocity of the bridge, whose noise is sqrt(eps) dW, at any t in [0, 1]."""
        w, s = self.shares(x, t), self.variances
        spread = t * s + (1 - t)
        bend, pull = (s - 1) / spread, self._turned_centres / spread
        if self.turns is None:
            return x * (w @ bend) + w @ pull
        out = torch.zeros_like(x)
        for k, u in enumerate(self.turns):
            out += w[:, k : k + 1] * (((x @ u) * bend[k] + pull[k]) @ u.T)
        return out

    def mean(self, x: Float[torch.Tensor, "n d"], t: float = 0.0) -> Float[torch.Tensor, "n d"]:
        """E[X_1 | X_t = x]; at t = 0 the barycentric projection of the plan."""
        return x + (1 - t) * self.drift(x, t)

    def draw(self, x: Float[torch.Tensor, "n d"], t: float, rng: Rng) -> Float[torch.Tensor, "n d"]:
        """X_1 given X_t = x: a component, then its normal."""
        n, where = len(x), str(x.device)
        u = to_torch(rng.numpy("components").random(n), where).to(x)
        z = to_torch(rng.numpy("normals").standard_normal(tuple(x.shape)), where).to(x)
        cumulated = torch.cumsum(self.shares(x, t), dim=1)
        k = (u[:, None] * cumulated[:, -1:] > cumulated).sum(1).clamp_max(len(self.centres) - 1)
        s, r = self.variances[k], self._turned_centres[k]
        spread = t * s + (1 - t)
        turned = x if self.turns is None else torch.einsum("ni,nij->nj", x, self.turns[k])
        y = (s * turned + (1 - t) * r) / spread + math.sqrt(self.eps * (1 - t)) * (s / spread).sqrt() * z
        return y if self.turns is None else torch.einsum("nj,nij->ni", y, self.turns[k])

    def log_density(self, x: Float[torch.Tensor, "n d"], y: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, " n"]:
        """Log density of the plan's y given X_0 = x, pair by pair."""
        s, r = self.variances, self._turned_centres
        logs = torch.log(self.shares(x, 0.0))
        each = []
        for k in range(len(r)):
            a, b = (x, y) if self.turns is None else (x @ self.turns[k], y @ self.turns[k])
            gap = (b - r[k] - s[k] * a) ** 2 / (self.eps * s[k])
            each.append(-(gap + torch.log(2 * math.pi * self.eps * s[k])).sum(1) / 2)
        return torch.logsumexp(logs + torch.stack(each, dim=1), dim=1)

    @property
    def _turned_centres(self) -> Float[torch.Tensor, "k d"]:
        """The r_k in the axes of their own component."""
        return self.centres if self.turns is None else torch.einsum("kd,kde->ke", self.centres, self.turns)

    def state(self) -> dict[str, np.ndarray]:
        """As plain arrays."""
        out = {"eps": np.array(self.eps), "weights": to_numpy(self.weights), "centres": to_numpy(self.centres)}
        out["variances"] = to_numpy(self.variances)
        return out if self.turns is None else out | {"turns": to_numpy(self.turns)}

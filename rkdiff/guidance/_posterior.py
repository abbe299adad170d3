"""A posterior covariance that a learned model may have: symmetric, positive, and not wider than the data allow.

At noise level nu a denoiser's Jacobian gives P A', the posterior covariance P = Cov[x_0 | x] seen through the m rows of A. That of a
learned model need not be a covariance: A P A' has negative directions, and P A' answers to small ones with large moves. With C the
covariance of the data, the best linear denoiser leaves W = C - C (C + nu^2)^(-1) C whatever the law, and W is P itself where the law is
Gaussian (the Wiener filter). In units of W, and along the m directions U that A sees,

    Q = W^(-1/2) P W^(-1/2),      T = U' Q U,      V = Q U - U T,

a covariance with 0 <= Q <= c has 0 <= T <= c and, because then Q^2 <= c Q, V'V <= T (c - T). Both bounds are enforced along the
eigenvectors of T. Gaussian data has T = I and V = 0 and is left as it is; c = 4 lets a law of several modes have twice the deviation
between them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.core.tensors import to_torch, torch

#: How much wider than the linear denoiser's a posterior variance may be.
WIDEST = 4.0
#: Variances below this share of the largest are counted as this.
LEAST = 1e-12
#: Directions of the observations that vary less than this share of the most varying one are not seen.
UNSEEN = 1e-9


class Bound:
    """The bound for one set of observations A of data with covariance C."""

    def __init__(self, a: Float[np.ndarray, "m d"], cov: Float[np.ndarray, "d d"]) -> None:
        variances, self.axes = np.linalg.eigh((cov + cov.T) / 2)
        self.variances = np.maximum(variances, max(LEAST * float(variances.max()), 1e-30))
        self.seen = a @ self.axes

    def __call__(self, pa: Float[torch.Tensor, "n m d"], nu: float) -> Float[torch.Tensor, "n m d"]:
        """A P within the bounds, for each particle; one that keeps them comes back as it was."""
        left = np.sqrt(self.variances) * nu / np.sqrt(self.variances + nu**2)
        u, size, vt = np.linalg.svd(self.seen * left, full_matrices=False)
        there = size > UNSEEN * float(size.max())
        u, size, vt = u[:, there], size[there], vt[there]
        take, back, along = (to_torch(m, pa.device.type) for m in (self.axes / left, (self.axes * left).T, vt))
        into, out = (to_torch(m, pa.device.type) for m in ((u / size).T, u * size))
        q = into @ pa @ take
        t = q @ along.T
        values, turn = torch.linalg.eigh((t + t.transpose(1, 2)) / 2)
        values = values.clamp(0.0, WIDEST)
        turned = turn.transpose(1, 2)
        rest = turned @ (q - t @ along)
        room = (values * (WIDEST - values)).sqrt()
        rest = rest * (room / rest.norm(dim=2).clamp_min(1e-30)).clamp_max(1.0)[:, :, None]
        return out @ (turn @ (values[:, :, None] * (turned @ along) + rest)) @ back

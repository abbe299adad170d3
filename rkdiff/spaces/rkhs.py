"""The embedding of objects into the Hilbert space of a kernel, in coordinates: kernel PCA, exact or by Nyström.

With anchors a_1..a_m (all training objects, or landmarks), k_x = (k(x, a_i))_i and the centred Gram matrix J K J = U diag(mu) U^T:

    z(x) = P^T (k_x - mean k),      P = U diag(mu)^(-1/2),      lam = mu / n  the variances of the coordinates
    psi(z) = sum_i gamma_i(z) phi(a_i),      gamma(z) = beta + P z  (exact: beta = 1/n, and gamma always sums to one)
    ||psi(z) - phi(y)||^2 = ||z - z(y)||^2 + rho(y),      rho(y) = what of phi(y) - mean lies outside the r coordinates

Schölkopf, Smola and Müller 1998, "Nonlinear component analysis as a kernel eigenvalue problem"; Williams and Seeger 2001 for landmarks.

The diffusion's noise is given the covariance C = diag(q), q_j = c lam_j^s: s = 0 is white noise of H cut at r, s = 1 noise with the data's
own (trace-class) covariance. `whiten` hands out y = z / scale, scale = g sqrt(q), in which that noise is white, with the one factor g
that makes the mean variance of y one. In y the process is the same, path by path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.kernels.vectors import Kernel

_FLAT = 1e-10
EXACT_UP_TO, LANDMARKS = 2000, 500


@dataclass(frozen=True)
class Embedding:
    """Kernel PCA coordinates of vectors.

    Attributes:
        anchors: (m, p) what the kernel is compared with.
        centre: (m,) mean of k_x over the training objects.
        projection: (m, r) the matrix P above.
        beta: (m,) coefficients of the mean of the training objects.
        variances: (r,) lam, falling.
        total: mean squared distance of the training objects to their mean, E ||phi(x) - mean||^2.
    """

    kernel: Kernel
    anchors: Float[np.ndarray, "m p"]
    centre: Float[np.ndarray, " m"]
    projection: Float[np.ndarray, "m r"]
    beta: Float[np.ndarray, " m"]
    variances: Float[np.ndarray, " r"]
    total: float

    @property
    def dim(self) -> int:
        """Number of coordinates r."""
        return len(self.variances)

    @property
    def explained(self) -> Float[np.ndarray, " r"]:
        """Share of the total variance in the first 1, 2, ..., r coordinates."""
        return np.cumsum(self.variances) / self.total

    @property
    def mean_norm2(self) -> float:
        """Squared norm of the mean."""
        return float(self.centre @ self.beta)

    def coordinates(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n r"]:
        """Coordinates z of any objects, seen in training or not."""
        return (self.kernel(x, self.anchors) - self.centre) @ self.projection

    def residual(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        """The squared length that the coordinates do not see, rho."""
        k = self.kernel(x, self.anchors)
        z = (k - self.centre) @ self.projection
        whole = self.kernel.diagonal(x) - 2 * k @ self.beta + self.mean_norm2
        return np.maximum(whole - (z**2).sum(1), 0.0)

    def gamma(self, z: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n m"]:
        """Coefficients of psi(z) on the anchors."""
        return self.beta + z @ self.projection.T

    def norm2(self, z: Float[np.ndarray, "n r"]) -> Float[np.ndarray, " n"]:
        """||psi(z)||^2."""
        return self.mean_norm2 + 2 * z @ (self.centre @ self.projection) + (z**2).sum(1)

    def distances2(self, z: Float[np.ndarray, "n r"], x: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "n m"]:
        """||psi(z_i) - phi(x_j)||^2, with the part outside the coordinates."""
        cross = self.gamma(z) @ self.kernel(self.anchors, x)
        return np.maximum(self.norm2(z)[:, None] + self.kernel.diagonal(x)[None] - 2 * cross, 0.0)


def embed(
    x: Float[np.ndarray, "n p"],
    kernel: Kernel,
    r: int,
    rng: np.random.Generator,
    *,
    exact_up_to: int = EXACT_UP_TO,
    landmarks: int = LANDMARKS,
) -> Embedding:
    """Fit r coordinates (fewer where the data spans fewer): exactly, or through random landmarks above `exact_up_to` objects.

    Raises:
        PartError: fewer than two different objects.
    """
    n = len(x)
    if n <= exact_up_to:
        return _exact(x, kernel, r)
    return _nystroem(x, x[np.sort(rng.permutation(n)[:landmarks])], kernel, r)


def _keep(mu: Float[np.ndarray, " m"], r: int, size: float, n: int) -> int:
    """How many of the falling eigenvalues to keep."""
    rank = int((mu > _FLAT * max(mu[0], _FLAT * size)).sum()) if len(mu) else 0
    if rank == 0 or mu[0] <= 1e-12 * size:
        raise PartError(f"the {n} training objects all look alike to this kernel; give at least two different ones")
    return min(r, rank)


def _exact(x: Float[np.ndarray, "n p"], kernel: Kernel, r: int) -> Embedding:
    n = len(x)
    gram = kernel(x, x)
    gram = (gram + gram.T) / 2
    centre = gram.mean(0)
    centred = gram - centre[:, None] - centre + centre.mean()
    mu, u = np.linalg.eigh(centred)
    mu, u = mu[::-1], u[:, ::-1]
    keep = _keep(mu, r, float(np.trace(gram)), n)
    projection = _signed(u[:, :keep]) / np.sqrt(mu[:keep])
    return Embedding(kernel, x, centre, projection, np.full(n, 1 / n), mu[:keep] / n, float(np.trace(centred)) / n)


def _nystroem(x: Float[np.ndarray, "n p"], anchors: Float[np.ndarray, "m p"], kernel: Kernel, r: int) -> Embedding:
    n = len(x)
    s, v = np.linalg.eigh(kernel(anchors, anchors))
    good = s > _FLAT * s[-1]
    root = v[:, good] / np.sqrt(s[good])
    cross = kernel(x, anchors)
    centre = cross.mean(0)
    features = (cross - centre) @ root
    lam, w = np.linalg.eigh(features.T @ features / n)
    lam, w = lam[::-1], w[:, ::-1]
    diagonal = float(kernel.diagonal(x).mean())
    keep = _keep(lam, r, diagonal, n)
    beta = root @ (root.T @ centre)
    return Embedding(
        kernel,
        anchors,
        centre,
        root @ _signed(w[:, :keep]),
        beta,
        lam[:keep],
        max(diagonal - float(centre @ beta), float(lam.sum())),
    )


def _signed(u: Float[np.ndarray, "m r"]) -> Float[np.ndarray, "m r"]:
    """Columns with their largest entry positive: the same signs on every machine."""
    top = np.abs(u).argmax(axis=0)
    return u * np.where(u[top, np.arange(u.shape[1])] < 0, -1.0, 1.0)


def whiten(variances: Float[np.ndarray, " r"], smoothness: float) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """The factors z = scale * y that make noise of covariance lam^s white and y of mean variance one; and q / mean(q)."""
    q = (variances / variances[0]) ** smoothness
    return np.sqrt(q * float(np.mean(variances / q))), q / q.mean()

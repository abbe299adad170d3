"""The embedding of objects into the Hilbert space of a kernel, in coordinates: kernel PCA, exact or by Nyström.

With anchors a_1..a_m (all training objects, or landmarks), k_x = (k(x, a_i))_i and the centred Gram matrix J K J = U diag(mu) U^T:

    z(x) = P^T (k_x - mean k),      P = U diag(mu)^(-1/2),      lam = mu / n  the variances of the coordinates
    psi(z) = sum_i gamma_i(z) phi(a_i),      gamma(z) = beta + P z  (exact: beta = 1/n, and gamma always sums to one)
    ||psi(z) - phi(y)||^2 = ||z - z(y)||^2 + rho(y),      rho(y) = what of phi(y) - mean lies outside the r coordinates

Schölkopf, Smola and Müller 1998, "Nonlinear component analysis as a kernel eigenvalue problem"; Williams and Seeger 2001 for landmarks.

The diffusion's noise is given the covariance C = diag(q) (`rkdiff.processes.covariance`). `whiten` hands out y = z / scale,
scale = g sqrt(q), in which that noise is white, with the one factor g that makes the mean variance of y one. In y the process is the same,
path by path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.kernels.vectors import Kernel, RandomFourier
from rkdiff.spaces._gram import EXCESS, FLAT, centred_gram, finite, how_many, indefinite, signed, spectrum

EXACT_UP_TO, LANDMARKS, FEATURES = 2000, 500, 1000
#: "auto" is exact up to EXACT_UP_TO objects and takes random landmarks above; "spread_landmarks" are chosen by k-means++ seeding.
APPROXIMATIONS = ("auto", "exact", "landmarks", "spread_landmarks", "random_features")


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
    approximation: str = "auto",
    exact_up_to: int = EXACT_UP_TO,
    landmarks: int = LANDMARKS,
) -> Embedding:
    """Fit r coordinates (fewer where the data spans fewer), by one of APPROXIMATIONS.

    Raises:
        PartError: fewer than two different objects, a kernel that is not positive definite or not finite on them.
    """
    n = len(x)
    if approximation not in APPROXIMATIONS:
        raise PartError(f"approximation is {approximation!r}; choose one of {', '.join(APPROXIMATIONS)}")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused in words
        if approximation == "random_features" and kernel.radial:  # the others have finite features of their own
            return _random_features(x, kernel, r, rng)
        if approximation == "exact" or (approximation == "auto" and n <= exact_up_to):
            return _exact(x, kernel, r)
        m = min(landmarks, n)
        pick = _spread(x, kernel, m, rng) if approximation == "spread_landmarks" else np.sort(rng.permutation(n)[:m])
        return _nystroem(x, x[pick], kernel, r)


def _spread(x: Float[np.ndarray, "n p"], kernel: Kernel, m: int, rng: np.random.Generator) -> np.ndarray:
    """Landmarks by k-means++ seeding in H: each new one is drawn with chances proportional to its squared distance to those taken."""
    diagonal = finite(kernel.diagonal(x))
    picked = [int(rng.integers(len(x)))]
    d2 = np.full(len(x), np.inf)
    for _ in range(m - 1):
        last = picked[-1]
        d2 = np.minimum(d2, np.maximum(diagonal + diagonal[last] - 2 * finite(kernel(x, x[last : last + 1]))[:, 0], 0.0))
        d2[picked] = 0.0
        if d2.sum() <= 0:
            break
        picked.append(int(rng.choice(len(x), p=d2 / d2.sum())))
    return np.sort(np.array(picked))


def _random_features(x: Float[np.ndarray, "n p"], kernel: Kernel, r: int, rng: np.random.Generator) -> Embedding:
    """Kernel PCA with the finite-dimensional kernel of random Fourier features (Rahimi and Recht 2007), through their covariance."""
    fourier = RandomFourier.draw(kernel, x.shape[1], FEATURES, rng)
    if len(x) <= 2 * FEATURES:  # the Gram matrix is smaller than the covariance
        return _exact(x, fourier, r)
    features = finite(fourier.features(x))
    mean = features.mean(0)
    centred = features - mean
    lam, w = np.linalg.eigh(centred.T @ centred / len(x))
    lam, w = lam[::-1], w[:, ::-1]
    keep = how_many(lam, r, 1.0, len(x))
    u = signed(centred @ w[:, :keep] / np.sqrt(len(x) * lam[:keep]))
    projection = u / np.sqrt(len(x) * lam[:keep])
    projection -= projection.mean(0)
    return Embedding(fourier, x, features @ mean, projection, np.full(len(x), 1 / len(x)), lam[:keep], float(lam.sum()))


def _exact(x: Float[np.ndarray, "n p"], kernel: Kernel, r: int) -> Embedding:
    n = len(x)
    finite(kernel.diagonal(x))
    gram = finite(kernel(x, x))
    gram = (gram + gram.T) / 2
    centred = centred_gram(gram)
    mu, u = spectrum(centred, float(np.trace(gram)))
    keep = how_many(mu, r, float(np.trace(gram)), n)
    projection = signed(u[:, :keep]) / np.sqrt(mu[:keep])
    projection -= projection.mean(0)  # zero but for rounding, which small eigenvalues and a long mean would blow up
    return Embedding(kernel, x, gram.mean(0), projection, np.full(n, 1 / n), mu[:keep] / n, float(np.trace(centred)) / n)


def _nystroem(x: Float[np.ndarray, "n p"], anchors: Float[np.ndarray, "m p"], kernel: Kernel, r: int) -> Embedding:
    if kernel.origin is not None:
        kernel = replace(kernel, origin=anchors.mean(0))
    n, gram = len(x), finite(kernel(anchors, anchors))
    spectrum(centred_gram((gram + gram.T) / 2), float(np.trace(gram)))
    s, v = np.linalg.eigh(gram)
    good = s > max(FLAT * s[-1], 0.0)
    root = v[:, good] / np.sqrt(s[good])
    cross, own = finite(kernel(x, anchors)), finite(kernel.diagonal(x))
    excess = float((((cross @ root) ** 2).sum(1) - own).max())
    diagonal = float(own.mean())
    if excess > EXCESS * diagonal:
        raise indefinite(f"landmarks see {excess:.3g} more of an object than its squared length, {diagonal:.3g} on average")
    centre = cross.mean(0)
    features = (cross - centre) @ root
    lam, w = np.linalg.eigh(features.T @ features / n)
    lam, w = lam[::-1], w[:, ::-1]
    keep = how_many(lam, r, diagonal, n)
    beta, projection = root @ (root.T @ centre), root @ signed(w[:, :keep])
    if kernel.origin is not None:  # counted from it the anchors sum to zero: one number may be added to all coefficients
        beta, projection = beta + (1 - beta.sum()) / len(beta), projection - projection.mean(0)
    total = max(diagonal - float(centre @ beta), float(lam.sum()))
    return Embedding(kernel, anchors, centre, projection, beta, lam[:keep], total)


def whiten(
    variances: Float[np.ndarray, " r"], q: Float[np.ndarray, " r"]
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """The factors z = scale * y that make noise of variances q white and y of mean variance one; and the weights q / mean(q)."""
    return np.sqrt(q * float(np.mean(variances / q))), q / q.mean()

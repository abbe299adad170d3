"""Pre-images in closed form: from distances, from a conformal map, by a learned map.

distance    the kernel turned round gives how far y is from its nearest training vectors x_1..x_k, and y is the one point of their
            affine hull with those distances: with X_c = U S V' the centred neighbours as columns and d0_i = ||x_i - mean||,
            y = mean - U S^{-1} V' (d^2 - d0^2) / 2       (Kwok and Tsang 2004, "The pre-image problem in kernel methods", section III)
conformal   y = (X'X)^{-1} X' (X X' - eta K^{-1}) gamma: the map from H to vectors that keeps the inner products of the training set
            as they are (Honeine and Richard 2011, "Preimage problem in kernel-based machine learning", equation 15); eta = 0: X' gamma
learned     kernel ridge regression from coordinates to training vectors (Bakir, Weston and Schölkopf 2004, "Learning to find
            pre-images"): the fast preview, one matrix product an object
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.kernels.vectors import DEGREE, Kernel, median_distance
from rkdiff.spaces.rkhs import Embedding

#: The conformal map's eta and the learned map's ridge, as shares of the traces they are added to; pairs that are learned from, at most.
ETA, RIDGE, PAIRS = 1e-6, 1e-3, 1000
#: Directions in which the neighbours spread less than this share of their widest are left out: distances say too little about them.
RCOND = 1e-2
_LEAST = 1e-12


def argument(kernel: Kernel, value: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """The kernel turned round: the squared distance (radial kernels) or the inner product at which it has this value.

    Values that a radial kernel never has are taken as 1e-12 or 1.
    """
    if kernel.name == "linear":
        return value
    if kernel.name == "polynomial":
        return kernel.width**2 * (2 * np.sign(value) * np.abs(value) ** (1 / DEGREE) - 1)
    k = np.clip(value, _LEAST, 1.0)
    if kernel.name == "gaussian":
        return -2 * kernel.width**2 * np.log(k)
    if kernel.name == "laplace":
        return (kernel.width * np.log(k)) ** 2
    from scipy.special import lambertw

    s = -1 - lambertw(-k / np.e, -1).real  # (1 + s) exp(-s) = k
    return np.where(k < 1, (kernel.width * s) ** 2 / 3, 0.0)


def from_inner_products(
    kernel: Kernel, near: Float[np.ndarray, "n k p"], cross: Float[np.ndarray, "n k"], norm2: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n p"]:
    """The vectors whose points in H have the inner products `cross` with those of `near`, and for inner-product kernels this norm."""
    if kernel.radial:
        return from_distances(near, argument(kernel, cross))
    own = np.maximum(argument(kernel, norm2), 0.0)
    return from_distances(
        near, np.maximum(own[:, None] + (kernel.counted(near) ** 2).sum(2) - 2 * argument(kernel, cross), 0.0)
    )


def from_distances(near: Float[np.ndarray, "n k p"], d2: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n p"]:
    """The points of the affine hulls of `near` at these squared distances from them (in the sense of least squares)."""
    mean = near.mean(1)
    rows = near - mean[:, None]
    lack = d2 - (rows**2).sum(2)
    lack = lack - lack.mean(1, keepdims=True)
    return mean - 0.5 * (np.linalg.pinv(rows, rcond=RCOND) @ lack[:, :, None])[:, :, 0]


def conformal(embedding: Embedding, gamma: Float[np.ndarray, "n m"], eta: float = ETA) -> Float[np.ndarray, "n p"]:
    """The closed form above around the mean of the anchors; `eta` as a share of what makes both terms equally large."""
    x = embedding.anchors
    mean = x.mean(0)
    straight = gamma @ x
    if eta == 0:
        return straight
    gram = embedding.kernel(x, x)
    lam, u = np.linalg.eigh(gram)
    inverse = 1 / np.maximum(lam, 1e-10 * lam[-1])
    eta = eta * float(((x - mean) ** 2).sum() / inverse.sum())
    return straight - eta * ((gamma @ u) * inverse) @ u.T @ np.linalg.pinv(x - mean, rcond=RCOND).T


def learned(
    z: Float[np.ndarray, "m r"], train: Float[np.ndarray, "m p"], at: Float[np.ndarray, "n r"], ridge: float = RIDGE
) -> Float[np.ndarray, "n p"]:
    """Vectors at the coordinates `at`, from the training pairs (z_i, x_i); far from all of them, the training mean."""
    if len(z) > PAIRS:
        some = np.linspace(0, len(z) - 1, PAIRS).astype(int)
        z, train = z[some], train[some]
    kernel, mean = Kernel("gaussian", median_distance(z)), train.mean(0)
    weights = np.linalg.solve(kernel(z, z) + ridge * np.eye(len(z)), train - mean)
    return mean + kernel(at, z) @ weights

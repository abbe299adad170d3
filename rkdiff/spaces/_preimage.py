"""Pre-images of vectors: the object whose point in the Hilbert space is nearest to psi(z) = sum_i gamma_i phi(a_i).

    nearest      the training object with the least ||psi(z) - phi(x)||; never new, never wrong
    fixed_point  y <- sum_i g_i a_i / sum_i g_i,  g_i = gamma_i * pull(y, a_i), from the nearest object; as the gamma have both signs a
                 plain iteration can run away, so each step is halved until it brings y nearer to psi(z): the distance never rises
    simplex      the same with the convex weights over the nearest objects that come closest to psi(z): stays among the data

For the linear kernel the fixed point is the exact answer sum_i gamma_i a_i. Mika et al. 1999, "Kernel PCA and de-noising in feature
spaces", equation 10; Kwok and Tsang 2004 on its instability; Duchi et al. 2008, figure 1, for the projection on the simplex.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from rkdiff.kernels.vectors import Kernel
from rkdiff.spaces.rkhs import Embedding

DECODERS = ("fixed_point", "simplex", "nearest")
NEIGHBOURS, CHUNK = 10, 500


def preimage(
    embedding: Embedding, z: Float[np.ndarray, "n r"], train: Float[np.ndarray, "m p"], decoder: str, iterations: int = 60
) -> Float[np.ndarray, "n p"]:
    """Vectors of coordinates, by the decoder's name."""
    out = np.empty((len(z), train.shape[1]))
    for i in range(0, len(z), CHUNK):
        part = z[i : i + CHUNK]
        d2 = embedding.distances2(part, train)
        begin = train[d2.argmin(1)]
        if decoder == "nearest":
            out[i : i + CHUNK] = begin
        elif decoder == "fixed_point":
            gamma = embedding.gamma(part)
            out[i : i + CHUNK] = fixed_point(embedding.kernel, embedding.anchors, gamma, begin, iterations)
        else:
            near = np.argsort(d2, axis=1)[:, :NEIGHBOURS]
            out[i : i + CHUNK] = _from_simplex(embedding, part, train, near, begin, iterations)
    return out


def fixed_point(
    kernel: Kernel,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    begin: Float[np.ndarray, "n p"],
    iterations: int,
) -> Float[np.ndarray, "n p"]:
    """Climb J(y) = 2 sum_i gamma_i k(a_i, y) - k(y, y), row by row, from `begin`; J never falls."""
    if not kernel.radial:
        return gamma @ anchors
    y, step = begin.copy(), np.ones(len(begin))
    height = _height(kernel, anchors, gamma, y)
    for _ in range(iterations):
        g = gamma * kernel.pull(y, anchors)
        total = g.sum(1)
        uphill = (g @ anchors - total[:, None] * y) / np.maximum(np.abs(total), 1e-6 * np.abs(g).sum(1) + 1e-300)[:, None]
        trial = y + step[:, None] * uphill
        new = _height(kernel, anchors, gamma, trial)
        better = new > height
        moved = float(np.abs(trial - y)[better].max(initial=0.0))
        y[better], height[better] = trial[better], new[better]
        step = np.where(better, np.minimum(2 * step, 1.0), step / 2)
        if moved < 1e-8 and step.max(initial=0.0) < 1e-3:
            break
    return y


def _height(
    kernel: Kernel, anchors: Float[np.ndarray, "m p"], gamma: Float[np.ndarray, "n m"], y: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, " n"]:
    return 2 * (gamma * kernel(y, anchors)).sum(1) - kernel.diagonal(y)


def _from_simplex(
    embedding: Embedding,
    z: Float[np.ndarray, "n r"],
    train: Float[np.ndarray, "m p"],
    near: Int[np.ndarray, "n k"],
    begin: Float[np.ndarray, "n p"],
    iterations: int,
) -> Float[np.ndarray, "n p"]:
    cross = embedding.gamma(z) @ embedding.kernel(embedding.anchors, train)
    gram = np.stack([embedding.kernel(train[i], train[i]) for i in near])
    weights = simplex_weights(gram, np.take_along_axis(cross, near, axis=1))
    rows = [
        fixed_point(embedding.kernel, train[i], w[None], b[None], iterations)[0]
        for i, w, b in zip(near, weights, begin, strict=True)
    ]
    return np.stack(rows)


def simplex_weights(
    gram: Float[np.ndarray, "n k k"], target: Float[np.ndarray, "n k"], iterations: int = 300
) -> Float[np.ndarray, "n k"]:
    """Non-negative weights with sum one that minimise w' K w - 2 w' target, by accelerated projected gradient."""
    step = 1 / np.maximum(np.abs(gram).sum(2).max(1), 1e-12)[:, None]
    w = np.full(target.shape, 1 / target.shape[1])
    ahead, t = w, 1.0
    for _ in range(iterations):
        new = on_simplex(ahead - step * ((gram @ ahead[:, :, None])[:, :, 0] - target))
        faster = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead, w, t = new + (t - 1) / faster * (new - w), new, faster
    return w


def on_simplex(v: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """The nearest points with non-negative entries and sum one."""
    u = -np.sort(-v, axis=1)
    over = (np.cumsum(u, axis=1) - 1) / np.arange(1, v.shape[1] + 1)
    last = (u > over).sum(1) - 1
    return np.maximum(v - over[np.arange(len(v)), last][:, None], 0.0)

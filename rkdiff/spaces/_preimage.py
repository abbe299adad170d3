"""Pre-images of vectors: the object whose point in the Hilbert space is nearest to psi(z) = sum_i gamma_i phi(a_i).

    nearest      the training object with the least ||psi(z) - phi(x)||; never new, never wrong
    fixed_point  y <- sum_i g_i a_i / s,  g_i = gamma_i * pull(y, a_i),  s = sum_i g_i (kernels of the inner product: s = pull(y, y)), from
                 the nearest object; as the gamma have both signs a plain iteration can run away, so each step is halved until it brings
                 y nearer to psi(z): the distance never rises
    gradient     the same climb along the plain gradient, with steps after Barzilai and Borwein 1988
    simplex      the fixed point of the convex weights over the nearest objects that come closest to psi(z): stays among the data
    average      the mean of the objects with the largest gamma, in proportion to it
    distance     in closed form from distances (`rkdiff.spaces._preimage_closed`); the nearest object where that is nearer to psi(z)
    conformal, learned   in closed form too

For the linear kernel the fixed point is the exact answer sum_i gamma_i a_i. Mika et al. 1999, "Kernel PCA and de-noising in feature
spaces", equation 10; Kwok and Tsang 2004 on its instability; Duchi et al. 2008, figure 1, for the projection on the simplex.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from rkdiff.kernels.vectors import Kernel
from rkdiff.spaces._preimage_closed import conformal, from_inner_products, learned
from rkdiff.spaces.rkhs import Embedding

DECODERS = ("fixed_point", "simplex", "gradient", "distance", "conformal", "average", "learned", "nearest")
NEIGHBOURS, CHUNK = 10, 500


def preimage(
    embedding: Embedding, z: Float[np.ndarray, "n r"], train: Float[np.ndarray, "m p"], decoder: str, iterations: int = 60
) -> Float[np.ndarray, "n p"]:
    """Vectors of coordinates, by the decoder's name.

    Raises:
        ValueError: there is no such decoder.
    """
    if decoder not in DECODERS:
        raise ValueError(f"there is no decoder {decoder!r} of vectors; choose one of {', '.join(DECODERS)}")
    if decoder == "learned":
        return learned(embedding.coordinates(train), train, z)
    if decoder == "conformal":
        return conformal(embedding, embedding.gamma(z))
    out = np.empty((len(z), train.shape[1]))
    for i in range(0, len(z), CHUNK):
        out[i : i + CHUNK] = _searched(embedding, z[i : i + CHUNK], train, decoder, iterations)
    return out


def _searched(
    embedding: Embedding, z: Float[np.ndarray, "n r"], train: Float[np.ndarray, "m p"], decoder: str, iterations: int
) -> Float[np.ndarray, "n p"]:
    """The decoders that begin among the nearest training objects."""
    kernel, gamma = embedding.kernel, embedding.gamma(z)
    d2 = embedding.distances2(z, train)
    begin = train[d2.argmin(1)]
    if decoder == "nearest":
        return begin
    if decoder == "average":
        return average(embedding.anchors, gamma, begin)
    if decoder in ("fixed_point", "gradient"):
        climb = fixed_point if decoder == "fixed_point" else gradient
        return climb(kernel, embedding.anchors, gamma, begin, iterations)
    near = np.argsort(d2, axis=1, kind="stable")[:, :NEIGHBOURS]
    cross = np.take_along_axis(gamma @ kernel(embedding.anchors, train), near, axis=1)
    if decoder == "distance":
        found = from_inner_products(kernel, train[near], cross, embedding.norm2(z))
        worse = _height(kernel, embedding.anchors, gamma, found) < _height(kernel, embedding.anchors, gamma, begin)
        return np.where(worse[:, None], begin, found)
    return _from_simplex(kernel, train, near, cross, begin, iterations)


def average(
    anchors: Float[np.ndarray, "m p"], gamma: Float[np.ndarray, "n m"], begin: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, "n p"]:
    """The mean of the NEIGHBOURS anchors with the largest gamma, in proportion to it; `begin` where no gamma is positive."""
    top = np.argsort(-gamma, axis=1, kind="stable")[:, :NEIGHBOURS]
    w = np.maximum(np.take_along_axis(gamma, top, axis=1), 0.0)
    total = w.sum(1, keepdims=True)
    mean = (w[:, :, None] * anchors[top]).sum(1) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, begin)


def fixed_point(
    kernel: Kernel,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    begin: Float[np.ndarray, "n p"],
    iterations: int,
) -> Float[np.ndarray, "n p"]:
    """Climb J(y) = 2 sum_i gamma_i k(a_i, y) - k(y, y), row by row, from `begin`; J never falls."""
    if kernel.name == "linear":
        return gamma @ anchors if kernel.origin is None else kernel.origin + gamma @ kernel.counted(anchors)
    y, step = begin.copy(), np.ones(len(begin))
    height = _height(kernel, anchors, gamma, y)
    for _ in range(iterations):
        way, strength = kernel.uphill(gamma, y, anchors)
        least = 1e-6 * (np.abs(gamma) * kernel.pull(y, anchors)).sum(1) + 1e-300
        trial = y + (step / np.maximum(np.abs(strength), least))[:, None] * way
        new = _height(kernel, anchors, gamma, trial)
        better = new > height
        moved = float(np.abs(trial - y)[better].max(initial=0.0))
        y[better], height[better] = trial[better], new[better]
        step = np.where(better, np.minimum(2 * step, 1.0), step / 2)
        if moved < 1e-8 and step.max(initial=0.0) < 1e-3:
            break
    return y


def gradient(
    kernel: Kernel,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    begin: Float[np.ndarray, "n p"],
    iterations: int,
) -> Float[np.ndarray, "n p"]:
    """The same climb along the gradient: steps |move|^2 / |<move, change of gradient>|, quartered where J would fall."""
    reach = float(np.sqrt(((anchors - anchors.mean(0)) ** 2).sum(1).max())) + 1e-300
    y, height = begin.copy(), _height(kernel, anchors, gamma, begin)
    slope = kernel.uphill(gamma, y, anchors)[0]
    step = 0.1 * reach / np.maximum(np.linalg.norm(slope, axis=1), 1e-300)
    for _ in range(iterations):
        move = step[:, None] * slope
        move *= (reach / np.maximum(np.linalg.norm(move, axis=1), reach))[:, None]
        new = _height(kernel, anchors, gamma, y + move)
        better = new > height
        y[better] += move[better]
        height = np.where(better, new, height)
        there = kernel.uphill(gamma, y, anchors)[0]
        bend = np.abs((move * (there - slope)).sum(1))
        longer = (move**2).sum(1) / np.maximum(bend, 1e-300)
        step = np.where(better, np.clip(longer, step / 10, step * 10), step / 4)
        slope = there
        if float(np.abs(move).max(initial=0.0)) < 1e-9 * reach:
            break
    return y


def _height(
    kernel: Kernel, anchors: Float[np.ndarray, "m p"], gamma: Float[np.ndarray, "n m"], y: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, " n"]:
    return 2 * (gamma * kernel(y, anchors)).sum(1) - kernel.diagonal(y)


def _from_simplex(
    kernel: Kernel,
    train: Float[np.ndarray, "m p"],
    near: Int[np.ndarray, "n k"],
    cross: Float[np.ndarray, "n k"],
    begin: Float[np.ndarray, "n p"],
    iterations: int,
) -> Float[np.ndarray, "n p"]:
    weights = simplex_weights(np.stack([kernel(train[i], train[i]) for i in near]), cross) if len(near) else cross
    rows = [
        fixed_point(kernel, train[i], w[None], b[None], iterations)[0] for i, w, b in zip(near, weights, begin, strict=True)
    ]
    return np.stack(rows) if rows else begin


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

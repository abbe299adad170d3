"""One sliced displacement of a cloud on a CPU, where sorting is fast.

Every particle x_i moves by the sum, over directions theta, of d/L theta times a gap on the line, z = <theta, x_i>:

    horizontal: target of the rank of z - z                       (sliced Wasserstein; Bonneel et al. 2015, Liutkus et al. 2019)
    vertical:   2 c_d / d (F_x(z) - F_y(z)), jumps halved         (energy distance; Hertrich et al. 2024)

With orthogonal or even directions the horizontal one is g(x) - x, where g takes the mean of any cloud exactly to the mean of the target;
it is -n d / 2 times the gradient of the mean squared distance of the lines. The vertical one is -n times the gradient of half the squared
energy distance; its speed is bounded. With weights n becomes 1 over the particle's own weight. Ranks may be taken after a jitter of the
particles, which breaks the ties of a cloud that lies on a line or in a point; their places never feel it.

Most of the time goes into two sorts a direction. The rest is kept small: a few rows at a time, in buffers that stay in the cache, and a
constant coordinate that makes all keys positive, so that the sort needs no pass over them before.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.processes.slices import quantile_targets, ranked, ranks_of_positive, slice_constant

#: Directions sorted together: their rows stay in a CPU's cache. Where projecting a point takes long, more are projected together, and still
#: more where the target needs no room.
BLOCK, WIDE, KEPT = 8, 16, 48
#: At most this many projected numbers at once, as long as there are some rows of them.
ROOM = 4_000_000


def displacement(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    theta: Float[np.ndarray, "l d"],
    gap: str = "horizontal",
    jitter: Float[np.ndarray, "n d"] | None = None,
    lines: Float[np.ndarray, "l m"] | None = None,
    *,
    weights: Float[np.ndarray, " m"] | None = None,
    source_weights: Float[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "n d"]:
    """The displacement of every particle; `jitter` is added to x where ranks are taken, and nowhere else.

    Args:
        lines: the projected target, each row sorted (`target_lines`), for whoever asks again with the same directions.
        weights: positive masses of the target's points, in any unit; equal when left out.
        source_weights: the same of the particles.

    Raises:
        ValueError: weights that are not positive, or `lines` beside weights.
    """
    n, d = x.shape
    shaken = x if jitter is None else x + jitter
    if weights is not None or source_weights is not None:
        if lines is not None:
            raise ValueError("sorted lines were given beside weights, whose order they have lost; leave out one of them")
        a, b = masses(source_weights, n, "source_weights"), masses(weights, len(y), "weights")
        return _weighted(x, y, theta, gap, shaken, a, b)
    half = gap == "horizontal"
    sorter, yt = _Sorter(shaken), np.ascontiguousarray(y.T) if lines is None else y.T
    wide = BLOCK if d < BLOCK else WIDE if lines is None else KEPT
    rows = min(wide, len(theta), max(BLOCK, ROOM // max(n, len(y))))
    buffer, line = np.empty((rows + 1, n)), np.empty((rows, len(y)) if lines is None else 0)
    pull, part = np.zeros((n, d)), np.empty((n, d))
    for i in range(0, len(theta), rows):
        some = theta[i : i + rows]
        k = len(some)
        if lines is None:
            q = np.matmul(some, yt, out=line[:k])
            q.sort(axis=1)
        else:
            q = lines[i : i + rows]
        levels = quantile_targets(q, n) if half else np.broadcast_to(_levels(n), (k, n))
        moved = sorter.place(some, levels, buffer[: k + 1])
        if not half:
            for row, own_line, own in zip(moved, q, some @ x.T, strict=True):
                row -= (np.searchsorted(own_line, own, "left") + np.searchsorted(own_line, own, "right")) / (2 * len(y))
        np.matmul(moved.T, some, out=part)
        np.add(pull, part, out=pull)
    if half:  # the sum of theta <theta, x> is one small matrix, whatever the ranks
        pull -= np.matmul(x, theta.T @ theta, out=part)
        pull *= d / len(theta)
    else:
        pull *= 2 * slice_constant(d) / len(theta)
    return pull


def target_lines(y: Float[np.ndarray, "m d"], theta: Float[np.ndarray, "l d"]) -> Float[np.ndarray, "l m"]:
    """The target along each direction, sorted."""
    lines = theta @ y.T
    lines.sort(axis=1)
    return lines


class _Sorter:
    """Ranks of one cloud along directions: a constant coordinate, larger than the cloud's radius, makes every projection positive."""

    def __init__(self, x: Float[np.ndarray, "n d"]) -> None:
        n, d = x.shape
        self.xt = np.empty((d + 1, n))
        np.subtract(x.T, x.mean(axis=0)[:, None], out=self.xt[:d])
        self.xt[d] = np.abs(self.xt[:d]).max() * np.sqrt(d) * (1 + 1e-9) or 1.0

    def place(
        self, theta: Float[np.ndarray, "l d"], levels: Float[np.ndarray, "l n"], buffer: Float[np.ndarray, "l1 n"]
    ) -> Float[np.ndarray, "l n"]:
        """The level of each particle's rank along each direction.

        All in one buffer with a row to spare: ranks stand in its rows from 1, and each row's levels go to the row before.
        """
        keys = buffer[1:]
        np.matmul(np.concatenate([theta, np.ones((len(theta), 1))], axis=1), self.xt, out=keys)
        for i in range(0, len(theta), BLOCK):
            order = ranks_of_positive(keys[i : i + BLOCK])
            for row, rank, level in zip(buffer[i : i + len(order)], order, levels[i : i + BLOCK], strict=True):
                row[rank] = level
        return buffer[:-1]


def masses(weights: Float[np.ndarray, " n"] | None, n: int, name: str = "weights") -> Float[np.ndarray, " n"]:
    """Weights that sum to one; equal ones for None.

    Raises:
        ValueError: one of them is not a positive finite number, or there are not n.
    """
    if weights is None:
        return np.full(n, 1 / n)
    if weights.shape != (n,) or not np.isfinite(weights).all() or not (weights > 0).all():
        raise ValueError(
            f"{name} has shape {weights.shape} and smallest value {weights.min(initial=np.inf):g}; give {n} positive numbers, "
            "and leave out points of no weight"
        )
    return weights / weights.sum()


def _weighted(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    theta: Float[np.ndarray, "l d"],
    gap: str,
    shaken: Float[np.ndarray, "n d"],
    a: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " m"],
) -> Float[np.ndarray, "n d"]:
    """The displacement for any masses."""
    d, pull = x.shape[1], np.zeros(x.shape)
    for i in range(0, len(theta), BLOCK):
        part = theta[i : i + BLOCK]
        p, q = part @ x.T, part @ y.T
        order, stands = ranked(part @ shaken.T), ranked(q)
        q, mass = np.take_along_axis(q, stands, axis=1), b[stands]
        gaps = np.empty_like(p)
        if gap == "horizontal":
            np.put_along_axis(gaps, order, quantile_targets(q, len(x), a[order], mass), axis=1)
            gaps -= p
        else:
            np.put_along_axis(gaps, order, np.cumsum(a[order], axis=1) - a[order] / 2, axis=1)
            for row, line, own, heavy in zip(gaps, q, p, np.cumsum(mass, axis=1), strict=True):
                below = np.concatenate([[0.0], heavy])
                row -= (below[np.searchsorted(line, own, "left")] + below[np.searchsorted(line, own, "right")]) / 2
            gaps *= 2 * slice_constant(d) / d
        pull += gaps.T @ part
    return pull * (d / len(theta))


def _levels(n: int) -> Float[np.ndarray, " n"]:
    """The distribution function of n points at each of them, its jump halved."""
    return (np.arange(n) + 0.5) / n

"""Slices: directions on the sphere and optimal transport on the line, in NumPy.

On a line, optimal transport is sorting. For n source and m target points of equal weight the exact plan moves the source of rank r to
the target's quantile function averaged over [r/n, (r+1)/n],

    target_r = n (S((r+1)/n) - S(r/n)),     S(u) = integral of the quantile function up to u, piecewise linear,

which needs no equal sizes, and 2 (x - target)/n is the exact gradient of the squared Wasserstein distance (Bonneel et al. 2015 for equal
sizes). Directions theta obey E[theta theta^T] = I/d; "orthogonal" and (in the plane) "even" directions obey it exactly for every draw,
which is what makes means move without noise. Rows are directions and the last axis is sorted: that is the fast way through memory.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int

#: How directions can be drawn: evenly spread where that is known, stacked random orthonormal bases, or independently.
SCHEMES = ("even", "orthogonal", "iid")


def directions(d: int, count: int, generator: np.random.Generator, scheme: str = "even") -> Float[np.ndarray, "l d"]:
    """Random unit vectors, about `count` of them.

    "even": in the plane, equal angles with one random offset; on the line, one direction; elsewhere the same as "orthogonal".
    "orthogonal": whole random bases (Haar), `count` rounded up to a multiple of d. "iid": independent, for comparison.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"the scheme of directions is {scheme!r}; choose one of {', '.join(SCHEMES)}")
    if d == 1:
        return np.ones((1, 1))
    if scheme == "even" and d == 2:
        count = max(2, count)
        angle = np.pi * (np.arange(count) + generator.uniform()) / count
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if scheme == "iid":
        g = generator.standard_normal((count, d))
        return g / np.linalg.norm(g, axis=1, keepdims=True)
    q, r = np.linalg.qr(generator.standard_normal((math.ceil(count / d), d, d)))
    signed = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    return np.ascontiguousarray(signed.transpose(0, 2, 1)).reshape(-1, d)


def slice_constant(d: int) -> float:
    """c_d in |x| = c_d E|<theta, x>|, theta uniform on the sphere: 1, pi/2, 2, ..."""
    return math.sqrt(math.pi) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))


def quantile_targets(
    y: Float[np.ndarray, "l m"],
    n: int,
    source_weights: Float[np.ndarray, "l n"] | None = None,
    weights: Float[np.ndarray, "l m"] | None = None,
) -> Float[np.ndarray, "l n"]:
    """Where the source of each rank goes: the averaged quantiles of sorted targets `y`, ascending.

    Weights, where given, are in the order of rank along each row, positive, and sum to one.
    """
    m = y.shape[1]
    if source_weights is None and weights is None:
        return y if n == m else _uniform_targets(y, n)
    a = np.full((len(y), n), 1 / n) if source_weights is None else source_weights
    b = np.full((len(y), m), 1 / m) if weights is None else weights
    out = np.empty((len(y), n))
    for row in range(len(y)):
        levels, total = _from_zero(b[row]), _from_zero(b[row] * y[row])
        out[row] = np.diff(np.interp(_from_zero(a[row]), levels, total)) / a[row]
    return out


def _from_zero(steps: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k1"]:
    return np.concatenate([[0.0], np.cumsum(steps)])


def _uniform_targets(y: Float[np.ndarray, "l m"], n: int) -> Float[np.ndarray, "l n"]:
    """Averaged quantiles for equal weights: each edge r/n falls into one known target's interval, the same for every direction."""
    m = y.shape[1]
    edges = np.arange(n + 1) * m
    whole, part = np.divmod(edges, n)
    total = np.zeros((len(y), m + 1))
    np.cumsum(y, axis=1, out=total[:, 1:])
    s = total[:, whole] + y[:, np.minimum(whole, m - 1)] * (part / n)
    return np.diff(s, axis=1) * (n / m)


def ranked(p: Float[np.ndarray, "l n"]) -> Int[np.ndarray, "l n"]:
    """Which point stands at each rank of every row; ties go by index, so the answer is the same on every machine.

    Numbers that agree to eleven digits of the row's width count as tied.
    """
    keys = p - p.min(axis=1, keepdims=True)  # no signs: bits order as numbers
    return ranks_of_positive(keys.astype(np.float64, order="C", copy=False))


def ranks_of_positive(p: Float[np.ndarray, "l n"]) -> Int[np.ndarray, "l n"]:
    """`ranked` for rows without negative numbers, in place: `p`, float64 and contiguous, is used up and shares its memory with the answer.

    The index is packed into the lowest bits of the number, and the numbers are sorted as numbers: as fast as a plain sort, where a stable
    argsort takes five times as long.
    """
    n = p.shape[1]
    low = np.int64((1 << max(1, (n - 1).bit_length())) - 1)
    keys = p.view(np.int64)
    np.bitwise_and(keys, ~low, out=keys)
    np.bitwise_or(keys, np.arange(n, dtype=np.int64), out=keys)
    p.sort(axis=1)
    np.bitwise_and(keys, low, out=keys)
    return keys


def squared_wasserstein(x: Float[np.ndarray, "l n"], y: Float[np.ndarray, "l m"]) -> Float[np.ndarray, " l"]:
    """Squared Wasserstein distances on the line between sorted rows, exact for any sizes."""
    if x.shape[1] < y.shape[1]:
        x, y = y, x
    target = quantile_targets(x, y.shape[1])
    spread = (x**2).mean(axis=1) - (target**2).mean(axis=1) if x.shape[1] != y.shape[1] else 0.0
    return np.maximum(((y - target) ** 2).mean(axis=1) + spread, 0.0)


def squared_energy(x: Float[np.ndarray, "l n"], y: Float[np.ndarray, "l m"]) -> Float[np.ndarray, " l"]:
    """2 E|x-y| - E|x-x'| - E|y-y'| on the line between sorted rows, which is twice the integral of (F_x - F_y)^2."""
    n, m = x.shape[1], y.shape[1]
    both = np.sort(np.concatenate([x, y], axis=1), axis=1)
    xx, yy = _pair_sum(x), _pair_sum(y)
    cross = (_pair_sum(both) - xx - yy) / 2
    return np.maximum(2 * cross / (n * m) - xx / n**2 - yy / m**2, 0.0)


def _pair_sum(x: Float[np.ndarray, "l n"]) -> Float[np.ndarray, " l"]:
    """Sum of |x_i - x_j| over all ordered pairs of each sorted row."""
    n = x.shape[1]
    out: Float[np.ndarray, " l"] = 2 * (x @ (2 * np.arange(n) - n + 1.0))
    return out

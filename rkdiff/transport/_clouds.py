"""What every part of this package checks first: clouds, weights, sizes; and the cost |x - y|^2 / 2."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

#: No matrix or tensor of more entries than this is made (400 megabytes in double precision).
ENTRIES = 50_000_000

#: Largest cost that the network simplex is given.
LARGEST = 1e6


def pair(x: np.ndarray, y: np.ndarray) -> None:
    """Refuse what are not two finite clouds of the same dimension.

    Raises:
        ValueError: shapes that do not fit, empty clouds, or numbers that are not finite.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in (*x.shape, *y.shape):
        raise ValueError(
            f"clouds of shapes {x.shape} and {y.shape} do not fit; give two (n, d) arrays with the same d and n >= 1"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a cloud holds numbers that are not finite; remove those points first")


def room(*sizes: int) -> None:
    """Refuse a table that would not fit.

    Raises:
        ValueError: more than `ENTRIES` entries.
    """
    entries = float(np.prod([float(s) for s in sizes]))
    if entries > ENTRIES:
        shown = " x ".join(str(s) for s in sizes)
        raise ValueError(f"{shown} points make {entries:.3g} entries, more than {ENTRIES:.3g}; subsample the clouds")


def weights(given: Float[np.ndarray, " n"] | None, n: int, name: str = "weights") -> Float[np.ndarray, " n"]:
    """Weights that sum to one, uniform where none are given.

    Raises:
        ValueError: wrong number, negative or not finite, or a sum other than one.
    """
    if given is None:
        return np.full(n, 1 / n)
    w = np.asarray(given, dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"{name} of shape {w.shape} for {n} points; give one weight per point")
    if not np.isfinite(w).all() or (w < 0).any() or abs(w.sum() - 1) > 1e-9:
        raise ValueError(f"{name} from {w.min():.3g} with the sum {w.sum():.6g}; give non-negative weights that sum to 1")
    return w


def half_squared(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """The cost |x_i - y_j|^2 / 2 of every pair."""
    from scipy.spatial.distance import cdist

    room(len(x), len(y))
    out: np.ndarray = cdist(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), "sqeuclidean")
    out /= 2
    return out


def matrix(cost: np.ndarray | None, x: np.ndarray, y: np.ndarray) -> Float[np.ndarray, "n m"]:
    """The cost of every pair: the one that was given, checked, or |x - y|^2 / 2.

    Raises:
        ValueError: clouds that do not fit, or a cost of the wrong shape or not finite.
    """
    pair(x, y)
    room(len(x), len(y))
    if cost is None:
        return half_squared(x, y)
    c = np.asarray(cost, dtype=np.float64)
    if c.shape != (len(x), len(y)):
        raise ValueError(f"a cost of shape {c.shape} for {len(x)} and {len(y)} points; give shape ({len(x)}, {len(y)})")
    if not np.isfinite(c).all():
        raise ValueError("the cost holds numbers that are not finite; give a large number where a move is forbidden")
    return c


def in_solver_units(c: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
    """The costs in the unit in which the network simplex gets them; the plan does not depend on it.

    POT's solver takes reduced costs near 0 by an absolute bound, about 1e-11, for 0: costs of short distances came back with any plan.
    With the largest at 1e6 that bound lies below rounding.
    """
    top = float(c.max())
    return c / top * LARGEST if top > 0 else c


def soft_min(z: Float[np.ndarray, "n m"], axis: int) -> Float[np.ndarray, " k"]:
    """-log sum exp(-z) along an axis, without overflow; infinite where every z is."""
    low = z.min(axis=axis, keepdims=True)
    low = np.where(np.isfinite(low), low, 0.0)
    with np.errstate(divide="ignore"):
        out: np.ndarray = low.squeeze(axis) - np.log(np.exp(low - z).sum(axis=axis))
    return out

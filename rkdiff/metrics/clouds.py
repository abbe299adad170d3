"""Distances between clouds of points, and the noise floor under them.

    SW2^2(x, y) = mean over directions of W2^2(<theta, x>, <theta, y>)         (exact on every line, any sizes)
    E^2(x, y)   = 2 E|x-y| - E|x-x'| - E|y-y'|                                  (Szekely and Rizzo 2013)
    memorisation = median distance to the nearest training point, generated over fresh       (1 none, 0 copies)
    spill        = 95 % quantile of the distance to the nearest true point, generated over fresh   (1 none)

No figure means anything without its floor: two fresh samples of the truth are not at distance zero either. `floor` gives the mean and the
standard deviation of a metric over pairs of such samples, at the same sizes. Clouds are NumPy arrays (n, d); scipy is imported on use.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.processes.slices import directions, slice_constant, squared_energy, squared_wasserstein

#: At most this many numbers in one block of distances.
BLOCK = 2_000_000


def sliced_wasserstein(
    x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "m dy"], directions: int = 256, *, rng: Rng | None = None
) -> float:
    """The sliced 2-Wasserstein distance; `rng` chooses the directions (the same ones every time if it is left out)."""
    px, py = _sorted_slices(x, y, directions, rng)
    return math.sqrt(float(squared_wasserstein(px, py).mean()))


def sliced_energy(
    x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "m dy"], directions: int = 256, *, rng: Rng | None = None
) -> float:
    """The energy distance as an average over directions: exact in the limit of many, and fast for large clouds."""
    px, py = _sorted_slices(x, y, directions, rng)
    return math.sqrt(slice_constant(x.shape[1]) * float(squared_energy(px, py).mean()))


def _sorted_slices(x: np.ndarray, y: np.ndarray, count: int, rng: Rng | None) -> tuple[np.ndarray, np.ndarray]:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in (len(x), len(y)):
        raise ValueError(
            f"clouds of shapes {x.shape} and {y.shape} cannot be compared; give two (n, d) arrays with the same d and n >= 1"
        )
    theta = directions(x.shape[1], count, (rng or Rng(0)).numpy("directions"))
    return np.sort(theta @ x.T, axis=1), np.sort(theta @ y.T, axis=1)


def energy_distance(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> float:
    """The energy distance over all pairs, in blocks: memory stays bounded, time grows with the product of the sizes."""
    squared = 2 * _mean_distance(x, y) - _mean_distance(x, x) - _mean_distance(y, y)
    return math.sqrt(max(squared, 0.0))


def _mean_distance(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.spatial.distance import cdist

    rows = max(1, BLOCK // len(y))
    return sum(float(cdist(x[i : i + rows], y).sum()) for i in range(0, len(x), rows)) / (len(x) * len(y))


def nearest(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, " n"]:
    """Distance of each x to its nearest y: a tree in few dimensions, blocks of all pairs in many."""
    if x.shape[1] <= 8:
        from scipy.spatial import cKDTree

        found: np.ndarray = cKDTree(y).query(x)[0]
        return found
    from scipy.spatial.distance import cdist

    rows = max(1, BLOCK // len(y))
    return np.concatenate([cdist(x[i : i + rows], y).min(axis=1) for i in range(0, len(x), rows)])


def memorisation(
    generated: Float[np.ndarray, "n d"], train: Float[np.ndarray, "m d"], fresh: Float[np.ndarray, "k d"]
) -> float:
    """Median distance to the nearest training point, generated over fresh: 1 is no memorisation, 0 is copies.

    nan where fresh points themselves repeat training points (data with duplicates), because nothing can be told then.
    """
    return _over(float(np.median(nearest(generated, train))), float(np.median(nearest(fresh, train))))


def spill(
    generated: Float[np.ndarray, "n d"],
    reference: Float[np.ndarray, "m d"],
    fresh: Float[np.ndarray, "k d"],
    share: float = 0.95,
) -> float:
    """How far the outermost generated points lie from the truth, over the same for fresh points (off95): 1 is no spill.

    `reference` is a large true sample and `fresh` another one. nan where fresh points repeat the reference.
    """
    return _over(float(np.quantile(nearest(generated, reference), share)), float(np.quantile(nearest(fresh, reference), share)))


def _over(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan


def floor(
    metric: Callable[[np.ndarray, np.ndarray], float], draw: Callable[[int], tuple[np.ndarray, np.ndarray]], pairs: int = 10
) -> tuple[float, float]:
    """Mean and standard deviation of a metric between two true samples: `draw(k)` gives the k-th pair."""
    if pairs < 2:
        raise ValueError(f"a floor from {pairs} pairs has no spread; use at least 2, better 10")
    values = np.array([metric(*draw(k)) for k in range(pairs)])
    return float(values.mean()), float(values.std(ddof=1))

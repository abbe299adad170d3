"""How sure a measured distance is: minibatches, repetitions with a floor, a permutation test, medians of means.

    minibatch       mean W2^2 between batches of B points: its expectation never rises with B, and it is not W2^2 of the whole
    jackknife       W2^2(x, y) <= mean_i W2^2(x without i, y without i), for every pair of clouds of one size
    repeated        mean and standard deviation over disjoint subsamples, beside the floor: the same between halves of the target
    permutation     P(energy distance of a random relabelling >= the one seen): a test of "the same law" that is exact at any size
    medians         the median of SW2 over K pairs of blocks: a few far points spoil only the blocks they fall in

The bootstrap of W2 is not offered: between equal laws its limit is not that of the statistic. Medians of means are biased up by the smaller
blocks, so they belong beside a floor of the same block size. References: Fatras et al. 2021 (minibatches); Szekely and Rizzo 2013;
Staerman, Laforgue, Mozharovskyi and d'Alche-Buc 2021 (whose medians stand inside a dual network, unlike these).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.processes.slices import directions, squared_wasserstein
from rkdiff.transport._clouds import pair, room
from rkdiff.transport.exact import distance

Metric = Callable[[np.ndarray, np.ndarray], float]


def minibatch(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], batch: int, repeats: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Mean of W2^2 between random batches, and the standard error of that mean.

    Raises:
        ValueError: a batch larger than a cloud, or fewer than two repeats.
    """
    if not 1 <= batch <= min(len(x), len(y)) or repeats < 2:
        raise ValueError(
            f"batches of {batch} with {repeats} repeats from {len(x)} and {len(y)} points; give 1 to {min(len(x), len(y))} and at least 2"
        )
    values = np.array(
        [
            distance(x[generator.choice(len(x), batch, False)], y[generator.choice(len(y), batch, False)]) ** 2
            for _ in range(repeats)
        ]
    )
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(repeats))


def leave_one_out(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n d"]) -> float:
    """Mean over i of W2^2 between the clouds without their i-th points: never below W2^2 of the whole.

    Raises:
        ValueError: clouds of one point.
    """
    if len(x) < 2:
        raise ValueError("clouds of one point cannot leave one out; give at least two")
    return float(np.mean([distance(np.delete(x, i, 0), np.delete(y, i, 0)) ** 2 for i in range(len(x))]))


@dataclass(frozen=True)
class Repeated:
    """A metric over disjoint pairs of subsamples, and between subsamples of the target alone.

    Attributes:
        mean, sd: over the pairs of source and target.
        floor, floor_sd: over pairs from two halves of the target: what a perfect source would score.
        size: points in each subsample.
        pairs: how many.
    """

    mean: float
    sd: float
    floor: float
    floor_sd: float
    size: int
    pairs: int

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def repeated(
    metric: Metric,
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    generator: np.random.Generator,
    pairs: int = 10,
    size: int | None = None,
) -> Repeated:
    """A metric with its spread and its floor, all at one size of subsample.

    Args:
        size: points in each subsample; as many as there are if left out. No point is used twice, so pairs * size <= n and
            2 * pairs * size <= m (the floor needs both halves of the target).

    Raises:
        ValueError: fewer than two pairs, or more points than there are.
    """
    pair(x, y)
    most = min(len(x) // pairs, len(y) // (2 * pairs)) if pairs >= 2 else 0
    size = most if size is None else size
    if not 1 <= size <= most:
        raise ValueError(
            f"{pairs} pairs of {size} points from {len(x)} and {len(y)}; use at least 2 pairs of 1 to {most} points"
        )
    ix, iy = generator.permutation(len(x))[: pairs * size], generator.permutation(len(y))[: 2 * pairs * size]
    xs, ys = x[ix].reshape(pairs, size, -1), y[iy].reshape(2, pairs, size, -1)
    values = np.array([metric(a, b) for a, b in zip(xs, ys[0], strict=True)])
    floors = np.array([metric(a, b) for a, b in zip(ys[1], ys[0], strict=True)])
    return Repeated(
        float(values.mean()), float(values.std(ddof=1)), float(floors.mean()), float(floors.std(ddof=1)), size, pairs
    )


def permutation_p_value(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], generator: np.random.Generator, permutations: int = 199
) -> tuple[float, float]:
    """The squared energy distance 2 E|x - y| - E|x - x'| - E|y - y'| and its permutation p-value, at least 1 / (permutations + 1).

    Raises:
        ValueError: no permutation, or clouds that do not fit.
    """
    pair(x, y)
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; use at least 1, better 199")
    from scipy.spatial.distance import cdist

    n, m = len(x), len(y)
    room(n + m, n + m)
    both = np.concatenate([x, y])
    d = cdist(both, both)
    sums, total = d.sum(axis=1), float(d.sum())

    def energy(chosen: np.ndarray) -> np.ndarray:
        """For columns of 0 and 1, n ones each."""
        inside = np.einsum("ij,ij->j", chosen, d @ chosen)
        across = sums @ chosen - inside
        return np.asarray(2 * across / (n * m) - inside / n**2 - (total - inside - 2 * across) / m**2)

    seen = float(energy(np.r_[np.ones(n), np.zeros(m)][:, None])[0])
    labels = np.zeros((n + m, permutations))
    for k in range(permutations):
        labels[generator.permutation(n + m)[:n], k] = 1.0
    # equal splits may differ by rounding; they count as equal
    beyond = int((energy(labels) >= seen - 1e-12 * total / (n + m) ** 2).sum())
    return max(seen, 0.0), (1 + beyond) / (1 + permutations)


@dataclass(frozen=True)
class Medians:
    """A median over pairs of blocks.

    Attributes:
        median: of the distance over the pairs.
        size: points in each block.
        blocks: K; fewer than K/2 may hold outliers.
    """

    median: float
    size: int
    blocks: int

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def median_of_means(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    blocks: int,
    generator: np.random.Generator,
    metric: Metric | None = None,
) -> Medians:
    """The median of a distance over `blocks` disjoint pairs of random blocks.

    Args:
        blocks: K; choose it above twice the number of outliers.
        metric: SW2 over 64 directions if left out.

    Raises:
        ValueError: no block, or more blocks than points.
    """
    pair(x, y)
    size = min(len(x), len(y)) // max(blocks, 1)
    if blocks < 1 or size < 1:
        raise ValueError(f"{blocks} blocks of {len(x)} and {len(y)} points; give from 1 to {min(len(x), len(y))}")
    theta = directions(x.shape[1], 64, generator)

    def sliced(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.sqrt(squared_wasserstein(np.sort(theta @ a.T, 1), np.sort(theta @ b.T, 1)).mean()))

    ix, iy = (generator.permutation(len(z))[: blocks * size].reshape(blocks, size) for z in (x, y))
    values = [(metric or sliced)(x[i], y[j]) for i, j in zip(ix, iy, strict=True)]
    return Medians(float(np.median(values)), size, blocks)

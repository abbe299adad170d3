"""Three plain ways to make a table from a table: what every learned generator of tables has to stand beside.

bootstrap        training rows drawn with replacement: copies, with perfect marginals and associations
gaussian_copula  every column to normal scores (categories: latent thresholds, a level is an interval of the normal, and a
                 training row lies somewhere in its own), one correlation matrix, new normals, and each column back by its
                 own quantiles (Patki, Wedge and Veeramachaneni 2016, "The synthetic data vault", section III)
interpolation    a row and one of its k nearest training rows, numbers in training deviations: numbers between the two,
                 categories from either (after Chawla et al. 2002, SMOTE, and its nominal-continuous form, section 6.1)
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.kernels.columns import Column
from rkdiff.metrics.tables import distances


def bootstrap(train: Float[np.ndarray, "m c"], n: int, rng: np.random.Generator) -> Float[np.ndarray, "n c"]:
    """`n` training rows with replacement."""
    return train[rng.integers(len(train), size=n)]


def gaussian_copula(
    train: Float[np.ndarray, "m c"], columns: tuple[Column, ...], n: int, rng: np.random.Generator
) -> Float[np.ndarray, "n c"]:
    """`n` rows of the Gaussian copula of the training rows, with their marginals."""
    from scipy.special import ndtr, ndtri

    m = len(train)
    # ties of a column lie in a random order, so a category or an integer fills the interval of its share
    ranks = np.stack([np.lexsort((rng.random(m), v)).argsort() for v in train.T], axis=1)
    r = np.atleast_2d(np.corrcoef(ndtri((ranks + 0.5) / m), rowvar=False))
    values, vectors = np.linalg.eigh(r)
    z = rng.standard_normal((n, len(columns))) * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    u = ndtr(z)
    sorted_ = np.sort(train, axis=0)
    out = np.empty((n, len(columns)))
    for i, c in enumerate(columns):
        if c.type == "number":
            out[:, i] = c.snap(np.interp(u[:, i], (np.arange(m) + 0.5) / m, sorted_[:, i]))
        else:
            out[:, i] = sorted_[np.minimum((u[:, i] * m).astype(int), m - 1), i]
    return out


def interpolation(
    train: Float[np.ndarray, "m c"], columns: tuple[Column, ...], n: int, rng: np.random.Generator, k: int = 5
) -> Float[np.ndarray, "n c"]:
    """`n` rows between a training row and one of its `k` nearest others (fewer where there are fewer).

    Raises:
        ValueError: fewer than two training rows.
    """
    if len(train) < 2:
        raise ValueError(f"there are {len(train)} training rows and between them is nothing; give at least two")
    first = rng.integers(len(train), size=n)
    second = np.empty(n, dtype=int)
    apart = distances(train, train, columns, train)
    np.fill_diagonal(apart, np.inf)
    for i in np.unique(first):
        near = np.argsort(apart[i], kind="stable")[: min(k, len(train) - 1)]
        second[first == i] = rng.choice(near, size=int((first == i).sum()))
    a, b, share, either = train[first], train[second], rng.random((n, 1)), rng.random(train[first].shape) < 0.5
    mixed = a + share * (b - a)
    parts = [np.where(either[:, i], a[:, i], b[:, i]) if c.category else c.snap(mixed[:, i]) for i, c in enumerate(columns)]
    return np.stack(parts, axis=1)

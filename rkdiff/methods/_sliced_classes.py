"""Classes as coordinates: the flow of (point, class) in which classes stand still (Du et al. 2023).

The class of a particle is its one-hot vector times an amplifier, written in the C - 1 coordinates in which one-hot vectors differ (an
isometry: any two classes stand sqrt(2) times the amplifier apart, and a single class adds no coordinate). Along a direction a particle is
then matched with the data of nearby classes; far classes are only matched with themselves.

That works where the classes have the same shares among particles and data. Where they have not, the data is reweighted until they do.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def corners(count: int) -> Float[np.ndarray, "c k"]:
    """One-hot vectors of `count` classes in count - 1 coordinates: the corners of a regular simplex around 0 (Helmert's basis)."""
    k = np.arange(1, count)
    basis = np.tril(np.ones((count - 1, count)))
    basis[k - 1, k] = -k
    return np.ascontiguousarray((basis / np.sqrt(k * (k + 1.0))[:, None]).T)


def balanced(
    wanted: Int[np.ndarray, " n"], labels: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"] | None]:
    """Which data stands for particles of the classes `wanted`, and with which weights; None where the shares are equal as they are.

    Args:
        wanted: the class of each particle; every one occurs among `labels`.
        labels: the class of each point of the data.

    Returns:
        Indices of the points whose class is wanted at all, and their weights, which sum to one.
    """
    classes, asked = np.unique(wanted, return_counts=True)
    kept = np.flatnonzero(np.isin(labels, classes))
    _, place, there = np.unique(labels[kept], return_inverse=True, return_counts=True)
    if (asked * len(kept) == there * len(wanted)).all():
        return kept, None
    return kept, (asked / (there * len(wanted)))[place]

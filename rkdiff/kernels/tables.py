"""A kernel on the rows of a mixed table: a product over columns that is one Gaussian on explicit vectors.

    k(x, y) = prod_numbers exp(-(s_c(x) - s_c(y))^2 / 2 l^2) * prod_categories rho^[x_c != y_c],       rho = exp(-w^2 / 2 l^2)

A number goes through an increasing, piecewise linear map s_c whose knots are the training values: itself, or its normal
score (the normal quantile of its mid-rank, so that skew and ties do no harm). s_c is scaled so that the median non-zero
difference of two training rows is one. A category becomes w / sqrt(2) times a one-hot vector, so two different levels are w
apart. The concatenation of both is a vector, the product above is the Gaussian exp(-d^2 / 2 l^2) of the distance of vectors,
and so it is positive definite. Product kernels: Schölkopf and Smola 2002, "Learning with kernels", section 13.1; normal
scores: van der Waerden 1952.

A constant column becomes zeros: it changes no distance. Values outside the training range are seen as its ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError, shown
from rkdiff.kernels.columns import Column, check_column

TRANSFORMS = ("rank", "standard")
#: How many rows the median difference of a column is taken over, at most.
PAIRS = 1000


def normal_scores(values: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The different values, rising, and the standard normal quantile of each one's mid-rank (below + half of its ties) / n."""
    from scipy.special import ndtri

    unique, count = np.unique(values, return_counts=True)
    return unique, ndtri((np.cumsum(count) - count / 2) / len(values))


def _scale(scores: Float[np.ndarray, " n"]) -> float:
    """The median non-zero difference of two entries (at most PAIRS evenly spread ones); 1 where all agree."""
    some = np.sort(scores)[np.linspace(0, len(scores) - 1, min(len(scores), PAIRS)).astype(int)]
    gap = np.abs(some[:, None] - some)[np.triu_indices(len(some), 1)]
    gap = gap[gap > 0]
    return float(np.median(gap)) if len(gap) else 1.0


@dataclass(frozen=True)
class Scaled:
    """One column on its way to vectors: knots of the piecewise linear map of a number, or the weight of a category's one-hot vector."""

    column: Column
    values: Float[np.ndarray, " k"]
    scores: Float[np.ndarray, " k"]

    @staticmethod
    def fit(column: Column, values: Float[np.ndarray, " n"], transform: str, weight: float) -> Scaled:
        """Learn the map from training values. For a category, `values` are the levels seen and `scores` their common length."""
        if column.category:
            seen = np.unique(values)
            return Scaled(column, seen, np.full(len(seen), weight / np.sqrt(2)))
        knots, scores = normal_scores(values) if transform == "rank" else (np.unique(values), np.unique(values))
        scale = _scale(np.interp(values, knots, scores))
        return Scaled(column, knots, (scores - scores.mean()) / scale)

    @property
    def width(self) -> int:
        """How many entries of the vector are this column's."""
        return len(self.column.levels) if self.column.category else 1

    def encode(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n w"]:
        """The entries of the vector."""
        if self.column.category:
            return np.eye(self.width)[values.astype(int)] * self.scores[0]
        return np.interp(values, self.values, self.scores)[:, None]

    def decode(self, entries: Float[np.ndarray, "n w"]) -> Float[np.ndarray, " n"]:
        """The allowed value nearest to entries that are no row's: the largest level seen in training, or the number of that score."""
        if self.column.category:
            return self.values[entries[:, self.values.astype(int)].argmax(1)]
        return self.column.snap(np.interp(entries[:, 0], self.scores, self.values))

    def grid(self, limit: int = 128) -> Float[np.ndarray, " g"]:
        """Allowed values that cover the training range: all of them where that is at most `limit`, else evenly spread scores."""
        c, low, high = self.column, float(self.values[0]), float(self.values[-1])
        if c.category or low == high:
            return self.values
        step = 0.0 if c.decimals is None else 10.0**-c.decimals
        if step and (high - low) / step < limit:
            return np.unique(c.snap(np.arange(round(low / step), round(high / step) + 1) * step))
        return np.unique(c.snap(np.interp(np.linspace(self.scores[0], self.scores[-1], limit), self.scores, self.values)))


@dataclass(frozen=True)
class TableVectors:
    """Rows of a mixed table <-> vectors whose Gaussian is the product kernel."""

    columns: tuple[Scaled, ...]

    @staticmethod
    def fit(
        rows: Float[np.ndarray, "n c"], columns: tuple[Column, ...], transform: str = "rank", weight: float = 1.0
    ) -> TableVectors:
        """Learn the map of every column from training rows; `weight` is the distance w of two levels."""
        if transform not in TRANSFORMS:
            raise PartError(f"the transform of numbers is {shown(transform)}; choose one of {', '.join(TRANSFORMS)}")
        return TableVectors(tuple(Scaled.fit(c, rows[:, i], transform, weight) for i, c in enumerate(columns)))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where in the vector each column's entries are."""
        ends: list[int] = np.cumsum([0, *(c.width for c in self.columns)]).tolist()
        return tuple(slice(a, b) for a, b in pairwise(ends))

    def encode(self, rows: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n p"]:
        """Vectors of rows.

        Raises:
            PartError: values that are not finite, or an unknown category.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.columns):
            raise PartError(f"rows of {len(self.columns)} columns are needed; got an array of shape {rows.shape}")
        for i, c in enumerate(self.columns):
            if c.column.category:
                check_column(c.column, rows[:, i])
            elif not np.isfinite(rows[:, i]).all():
                raise PartError(
                    f"column {c.column.name!r} holds values that are not finite; drop those rows or fill them first"
                )
        return np.concatenate([c.encode(rows[:, i]) for i, c in enumerate(self.columns)], axis=1)

    def decode(self, vectors: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n c"]:
        """Rows of vectors, column by column, always of the right types and ranges."""
        return np.stack([c.decode(vectors[:, s]) for c, s in zip(self.columns, self.slices, strict=True)], axis=1)

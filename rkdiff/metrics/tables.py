"""How alike two mixed tables are, what one learns from one about the other, and whether rows were copied.

    marginals      per column: Kolmogorov-Smirnov distance sup |F - G| of numbers, total variation 1/2 sum |p - q| of categories
    associations   a number in [-1, 1] for each pair of columns: Pearson's correlation of two numbers; of two categories Cramer's
                   V = sqrt(chi^2 / (n (m - 1))), m the smaller number of levels present; of a category and a number the correlation
                   ratio sqrt(variance between / variance); 0 where a column is constant. Of two tables: mean absolute difference
    train on one,  a model of one column given the others is fitted to a table and scored on real rows it never saw: balanced accuracy of a
    test on real   category, R^2 of a number (Esteban, Hyland and Rätsch 2017, "train on synthetic, test on real")
    privacy        distance to the nearest training row, of generated rows over held-out rows: 0 are copies, 1 is as new as new real rows

The distance of two rows: numbers in training deviations, and 1 for a category that differs, Euclidean (after Gower 1971).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.kernels.columns import Column

MODELS = ("linear", "boosting")


def ks(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " m"]) -> float:
    """The largest difference of the two distribution functions."""
    at = np.concatenate([a, b])
    f, g = (np.searchsorted(np.sort(v), at, side="right") / len(v) for v in (a, b))
    return float(np.abs(f - g).max())


def total_variation(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " m"], levels: int) -> float:
    """Half the sum of the differences of the levels' shares."""
    p, q = (np.bincount(v.astype(int), minlength=levels) / len(v) for v in (a, b))
    return float(np.abs(p - q).sum() / 2)


def _refuse_empty(*tables: np.ndarray) -> None:
    if not all(len(t) for t in tables):
        raise ValueError("a table to compare holds no row; give at least one each")


def marginals(a: Float[np.ndarray, "n c"], b: Float[np.ndarray, "m c"], columns: tuple[Column, ...]) -> Float[np.ndarray, " c"]:
    """The distance of each column's distribution, in [0, 1].

    Raises:
        ValueError: a table without rows.
    """
    _refuse_empty(a, b)
    pairs = [(a[:, i], b[:, i], c) for i, c in enumerate(columns)]
    return np.array([total_variation(x, y, len(c.levels)) if c.category else ks(x, y) for x, y, c in pairs])


def pearson(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """The correlation of two numbers; 0 where one is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def cramers_v(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """Cramer's V of two categories (no bias correction); 0 where one is constant."""
    u, v = (np.unique(c, return_inverse=True)[1].ravel() for c in (x, y))
    counts = np.zeros((u.max() + 1, v.max() + 1))
    np.add.at(counts, (u, v), 1.0)
    m = min(counts.shape)
    if m < 2:
        return 0.0
    expected = np.outer(counts.sum(1), counts.sum(0)) / len(x)
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / (len(x) * (m - 1))))


def correlation_ratio(category: Float[np.ndarray, " n"], number: Float[np.ndarray, " n"]) -> float:
    """The share of a number's deviation that lies between the levels of a category; 0 where one is constant."""
    if np.ptp(number) == 0:
        return 0.0
    which = np.unique(category, return_inverse=True)[1].ravel()
    count = np.bincount(which)
    mean = np.bincount(which, number) / count
    between = (count * (mean - number.mean()) ** 2).sum()
    return float(np.sqrt(min(between / ((number - number.mean()) ** 2).sum(), 1.0)))


def associations(rows: Float[np.ndarray, "n c"], columns: tuple[Column, ...]) -> Float[np.ndarray, "c c"]:
    """The symmetric matrix of associations, 1 on the diagonal."""
    out = np.eye(len(columns))
    for i in range(len(columns)):
        for j in range(i):
            out[i, j] = out[j, i] = _association(rows[:, i], rows[:, j], columns[i].category, columns[j].category)
    return out


def _association(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], x_category: bool, y_category: bool) -> float:
    if x_category and y_category:
        return cramers_v(x, y)
    if x_category or y_category:
        return correlation_ratio(x, y) if x_category else correlation_ratio(y, x)
    return pearson(x, y)


def association_distance(a: Float[np.ndarray, "n c"], b: Float[np.ndarray, "m c"], columns: tuple[Column, ...]) -> float:
    """Mean absolute difference of the two association matrices over the pairs of columns; 0.0 for a single column.

    Raises:
        ValueError: a table without rows.
    """
    _refuse_empty(a, b)
    gap = np.abs(associations(a, columns) - associations(b, columns))[np.triu_indices(len(columns), 1)]
    return float(gap.mean()) if len(gap) else 0.0


def _design(rows: Float[np.ndarray, "n c"], columns: tuple[Column, ...], target: int) -> Float[np.ndarray, "n p"]:
    """All other columns: numbers as they are, categories one-hot."""
    parts = [
        np.eye(len(c.levels))[rows[:, i].astype(int)] if c.category else rows[:, i : i + 1]
        for i, c in enumerate(columns)
        if i != target
    ]
    return np.concatenate(parts, axis=1)


def predicts(
    train: Float[np.ndarray, "n c"],
    test: Float[np.ndarray, "m c"],
    columns: tuple[Column, ...],
    target: str,
    model: str = "linear",
) -> float:
    """The score on `test` of a model of the column `target` fitted to `train`: balanced accuracy, or R^2.

    A table in which the target takes one value only teaches that value.

    Raises:
        ValueError: no such column or model, a table of a single column, or one without rows.
    """
    names = [c.name for c in columns]
    if target not in names or len(names) < 2:
        raise ValueError(f"there is no column {target!r} to predict from others; the table has {', '.join(names)}")
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r}; choose {' or '.join(MODELS)}")
    _refuse_empty(train, test)
    i = names.index(target)
    x, y, truth = _design(train, columns, i), train[:, i], test[:, i]
    scale = np.where(x.std(0) > 0, x.std(0), 1.0)
    given, seen = (x - x.mean(0)) / scale, (_design(test, columns, i) - x.mean(0)) / scale
    guess = np.full(len(test), y[0]) if np.ptp(y) == 0 else _fitted(model, columns[i].category).fit(given, y).predict(seen)
    if columns[i].category:
        return float(np.mean([(guess[truth == k] == k).mean() for k in np.unique(truth)]))
    return float(1 - ((guess - truth) ** 2).sum() / max(((truth - truth.mean()) ** 2).sum(), 1e-300))


def _fitted(model: str, category: bool) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    if model == "linear":
        return LogisticRegression(max_iter=2000) if category else Ridge()
    options = {"n_estimators": 50, "max_depth": 3, "random_state": 0}
    return GradientBoostingClassifier(**options) if category else GradientBoostingRegressor(**options)


def distances(
    rows: Float[np.ndarray, "n c"],
    others: Float[np.ndarray, "m c"],
    columns: tuple[Column, ...],
    train: Float[np.ndarray, "k c"],
) -> Float[np.ndarray, "n m"]:
    """The distances of rows to other rows, numbers in the deviations of the training rows `train`."""
    total = np.zeros((len(rows), len(others)))
    for i, c in enumerate(columns):
        gap = rows[:, i][:, None] - others[:, i][None]
        total += gap != 0 if c.category else (gap / (train[:, i].std() or 1.0)) ** 2
    return np.sqrt(total)


def nearest_distances(
    rows: Float[np.ndarray, "n c"], train: Float[np.ndarray, "m c"], columns: tuple[Column, ...]
) -> Float[np.ndarray, " n"]:
    """The distance of each row to the nearest training row."""
    _refuse_empty(train)
    return distances(rows, train, columns, train).min(1, initial=np.inf)


def privacy_ratio(
    rows: Float[np.ndarray, "n c"],
    train: Float[np.ndarray, "m c"],
    held_out: Float[np.ndarray, "k c"],
    columns: tuple[Column, ...],
) -> float:
    """Mean distance to the nearest training row, of `rows` over `held_out`.

    Raises:
        ValueError: a table without rows, or held-out rows that all are training rows.
    """
    _refuse_empty(rows, held_out)
    known = float(nearest_distances(held_out, train, columns).mean())
    if known == 0:
        raise ValueError("every held-out row is a training row, so nothing says how new a row should be; hold out others")
    return float(nearest_distances(rows, train, columns).mean()) / known


def copied(rows: Float[np.ndarray, "n c"], train: Float[np.ndarray, "m c"]) -> float:
    """The share of rows that equal a training row in every column."""
    _refuse_empty(rows)
    known = {r.tobytes() for r in np.ascontiguousarray(train + 0.0)}
    return float(np.mean([r.tobytes() in known for r in np.ascontiguousarray(rows + 0.0)]))

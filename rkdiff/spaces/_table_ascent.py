"""Coordinate ascent to the row of a table whose point in H is nearest to psi = sum_i gamma_i phi(a_i).

With k(y, y) = 1, ||psi - phi(y)||^2 falls as J(y) = 2 sum_i gamma_i k(y, a_i) - 1 rises. The kernel is a product over
columns, so with all columns but c held still J is, up to constants, a function of one variable,

    f(t) = sum_i w_i k_c(t, a_ic),        w_i = gamma_i prod_{d != c} k_d(y_d, a_id),

which is looked up at all allowed values of a category or an integer, and for numbers at evenly spread scores followed by the
fixed point t <- sum_i w_i k_c(t, a_ic) a_ic / sum_i w_i k_c(t, a_ic) (Mika et al. 1999, equation 10, in one dimension). Only
allowed values are tried and only a rise is taken: J never falls, and every row on the way has the right types, ranges and
categories.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.kernels.tables import Scaled, TableVectors
from rkdiff.kernels.vectors import squared_distances

SWEEPS, POLISH, CHUNK = 8, 4, 400
_RISE = 1e-12


def height(
    table: TableVectors,
    width: float,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    rows: Float[np.ndarray, "n c"],
) -> Float[np.ndarray, " n"]:
    """J of each row."""
    return 2 * (gamma * _bell(table.encode(rows), anchors, width)).sum(1) - 1


def ascend(
    table: TableVectors,
    width: float,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    begin: Float[np.ndarray, "n c"],
    sweeps: int = SWEEPS,
) -> Float[np.ndarray, "n c"]:
    """Rows where no single column can be changed for the better (or the best after `sweeps` rounds), from rows of allowed values."""
    rows = begin.copy()
    for i in range(0, len(rows), CHUNK):
        part = slice(i, i + CHUNK)
        rows[part] = _ascend(table, width, anchors, gamma[part], rows[part], sweeps)
    return rows


def _ascend(
    table: TableVectors,
    width: float,
    anchors: Float[np.ndarray, "m p"],
    gamma: Float[np.ndarray, "n m"],
    rows: Float[np.ndarray, "n c"],
    sweeps: int,
) -> Float[np.ndarray, "n c"]:
    parts = list(zip(table.columns, table.slices, strict=True))
    far = [squared_distances(c.encode(rows[:, i]), anchors[:, s]) for i, (c, s) in enumerate(parts)]
    tries = [c.grid() for c, _ in parts]
    shapes = [_bell(c.encode(t), anchors[:, s], width) for (c, s), t in zip(parts, tries, strict=True)]
    for _ in range(sweeps):
        moved = False
        for i, (c, s) in enumerate(parts):
            if len(tries[i]) < 2:
                continue
            w = gamma * _fall(sum(far[:i] + far[i + 1 :], np.zeros_like(gamma)), width)
            values = tries[i][(w @ shapes[i].T).argmax(1)]
            if not c.column.category:
                values = _polish(c, values, w, anchors[:, s], width)
            new = squared_distances(c.encode(values), anchors[:, s])
            better = (w * (_fall(new, width) - _fall(far[i], width))).sum(1) > _RISE
            rows[better, i], far[i][better] = values[better], new[better]
            moved |= bool(better.any())
        if not moved:
            break
    return rows


def _fall(d2: Float[np.ndarray, "n m"], width: float) -> Float[np.ndarray, "n m"]:
    """The Gaussian of squared distances."""
    return np.exp(-d2 / (2 * width**2))


def _bell(x: Float[np.ndarray, "n w"], y: Float[np.ndarray, "m w"], width: float) -> Float[np.ndarray, "n m"]:
    """The Gaussian of the distances of vectors."""
    return _fall(squared_distances(x, y), width)


def _polish(
    c: Scaled, values: Float[np.ndarray, " n"], w: Float[np.ndarray, "n m"], anchors: Float[np.ndarray, "m 1"], width: float
) -> Float[np.ndarray, " n"]:
    """A few fixed-point steps on one number; a value is kept where the steps, rounded to allowed values, do not raise f."""
    score = c.encode(values)
    for _ in range(POLISH):
        pull = w * _bell(score, anchors, width)
        total = pull.sum(1)
        mean = (pull @ anchors)[:, 0] / np.where(total > 0, total, 1.0)
        ok = (total > 1e-6 * np.abs(pull).sum(1)) & (mean >= c.scores[0]) & (mean <= c.scores[-1])
        score = np.where(ok[:, None], mean[:, None], score)
    found = c.decode(score)
    gain = (w * (_bell(c.encode(found), anchors, width) - _bell(c.encode(values), anchors, width))).sum(1)
    return np.where(gain > 0, found, values)

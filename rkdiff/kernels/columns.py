"""What the columns of a mixed table hold, and which values they allow.

A column is a number, an integer or a category. Numbers have a range and are written with as many decimals as their training values; a
category is the index of one of its levels. `Dataset.meta["columns"]` says so in plain JSON, one dictionary a column:

    {"name": ..., "type": "number" | "integer", "low": ..., "high": ...}      {"name": ..., "type": "category", "levels": [...]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.parts import PartError, shown

TYPES = ("number", "integer", "category")
#: Numbers beyond this cannot be squared and summed safely.
HUGE = 1e100
#: A column of numbers keeps as many decimals as its training values have, up to this many; beyond, all of them.
DECIMALS = 6


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Attributes:
        low, high: smallest and largest allowed value (of categories: 0 and the last index).
        levels: names of the categories, () for numbers.
        decimals: how many decimals the numbers are written with; None keeps all.
    """

    name: str
    type: str
    low: float
    high: float
    levels: tuple[str, ...] = ()
    decimals: int | None = None

    @property
    def category(self) -> bool:
        """Whether the values are indices of levels."""
        return self.type == "category"

    def snap(self, values: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """The nearest allowed values."""
        whole = values if self.decimals is None else np.round(values, self.decimals)
        return np.clip(whole, self.low, self.high) + 0.0  # no negative zeros

    def allowed(self, values: Float[np.ndarray, "*s"]) -> Bool[np.ndarray, "*s"]:
        """Whether each value obeys type and range (NaN never does)."""
        inside = (values >= self.low) & (values <= self.high)
        return inside & (values == np.rint(values)) if self.type != "number" else inside


def read_columns(columns: Any, rows: Float[np.ndarray, "n c"]) -> tuple[Column, ...]:
    """The columns of training rows, as `Dataset.meta["columns"]` describes them; ranges left out are those of the rows.

    Raises:
        PartError: no list of descriptions or too few, an unknown type, a bound that is no number, levels that are no list of
            different names, or rows that break what is described.
    """
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not all(isinstance(c, Mapping) for c in columns):
        raise PartError(f'meta["columns"] is {shown(columns)}; give a list with one dictionary a column: name, type, levels')
    if len(columns) != rows.shape[1]:
        raise PartError(
            f'meta["columns"] describes {len(columns)} columns and the table has {rows.shape[1]}; describe each once, in order'
        )
    if len(rows) < 2:
        raise PartError(f"the table has {len(rows)} training rows; give at least two different ones")
    return tuple(_column(dict(given), rows[:, i], i) for i, given in enumerate(columns))


def _column(given: dict[str, Any], values: Float[np.ndarray, " n"], i: int) -> Column:
    name, kind = str(given.get("name", f"column {i}")), given.get("type")
    if kind not in TYPES:
        raise PartError(f"column {name!r} has the type {shown(kind)}; choose one of {', '.join(TYPES)}")
    if not np.isfinite(values).all():
        missing = int((~np.isfinite(values)).sum())
        raise PartError(f"column {name!r} has {missing} values that are not finite; drop those rows or fill them first")
    if np.abs(values).max() > HUGE:
        raise PartError(f"column {name!r} holds {values[np.abs(values).argmax()]:.3g}; rescale it to numbers below {HUGE:g}")
    if kind == "category":
        levels = _levels(given.get("levels"), name)
        column = Column(name, kind, 0.0, float(len(levels) - 1), levels, 0)
    else:
        low, high = (_bound(given, end, own, name) for end, own in (("low", values.min()), ("high", values.max())))
        column = Column(name, kind, low, high, (), 0 if kind == "integer" else decimals(values))
    check_column(column, values)
    return column


def _levels(given: Any, name: str) -> tuple[str, ...]:
    """The names of a category's levels: a list of different names."""
    levels = tuple(str(v) for v in given) if isinstance(given, list | tuple) else ()
    if not levels:
        raise PartError(f"category column {name!r} names no levels ({shown(given)}); give a list of their names in order")
    if len(set(levels)) < len(levels):
        twice = next(v for v in levels if levels.count(v) > 1)
        raise PartError(f"category column {name!r} names the level {shown(twice)} twice; give every level its own name")
    return levels


def _bound(given: Mapping[str, Any], end: str, own: float, name: str) -> float:
    """The lowest or highest allowed value of a column: what is given, or that of the rows where it is left out."""
    value = given.get(end, own)
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise PartError(f"{end!r} of column {name!r} is {shown(value)}; give a finite number or leave it out")
    if end in given and given["type"] == "integer" and float(value) != np.rint(float(value)):
        raise PartError(f"{end!r} of the integer column {name!r} is {shown(value)}; give a whole number or leave it out")
    return float(value)


def check_column(column: Column, values: Float[np.ndarray, " n"]) -> None:
    """Refuse values that the column does not allow.

    Raises:
        PartError: the first such value, and what is allowed.
    """
    bad = np.flatnonzero(~column.allowed(values))
    if not len(bad):
        return
    given = f"row {bad[0]} of column {column.name!r} is {float(values[bad[0]])!r}"
    if column.category:
        raise PartError(
            f"{given}; an index from 0 to {len(column.levels) - 1} is needed, one of {', '.join(column.levels[:8])}"
        )
    whole = "a whole number" if column.type == "integer" else "a number"
    raise PartError(f"{given}; {whole} from {column.low:g} to {column.high:g} is needed")


def decimals(values: Float[np.ndarray, " n"]) -> int | None:
    """How many decimals write all values exactly; None if more than DECIMALS are needed."""
    fits = (d for d in range(DECIMALS + 1) if np.array_equal(np.round(values, d), values))
    return next(fits, None)

"""Refusals of decoded objects: each kind has its axes, numbers and letters, as `rkdiff.core.records.Dataset` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rkdiff.core.records import Objects

#: Axes of the values of each kind, times and particles included.
AXES = {"curves": 3, "images": 4, "graphs": 4, "strings": 3, "clouds": 4, "tables": 3}
COLUMN_TYPES = ("number", "integer", "category")


def finite(where: str, what: str, values: np.ndarray) -> None:
    """Raise ValueError where a number is not finite."""
    if (bad := int(np.size(values) - np.isfinite(values).sum())) > 0:
        raise ValueError(f"{where}: {bad} of {np.size(values)} {what} are not finite; a scene holds finite numbers only")


def check_objects(where: str, o: Objects, particles: int) -> None:
    """Raise ValueError for decoded objects that cannot be drawn; `where` begins the message."""
    if o.kind not in AXES:
        raise ValueError(f"{where}: objects of kind {o.kind!r}; choose one of {', '.join(AXES)}")
    if o.values.ndim != AXES[o.kind] or o.values.shape[:2] != (len(o.u), len(o.particles)):
        given = f"{o.kind} of shape {o.values.shape} for {len(o.u)} times and {len(o.particles)} particles"
        raise ValueError(f"{where}: {given}; give (times, particles, ...) with {AXES[o.kind]} axes")
    if o.particles.size and not (o.particles.min() >= 0 and o.particles.max() < particles):
        raise ValueError(f"{where}: objects belong to particles {o.particles.tolist()}, but there are only {particles}")
    _shape(where, "nearest objects", o.nearest, o.values.shape[1:])
    _shape(where, "marks of what is valid", o.valid, o.values.shape[:2])
    if o.layout is not None and o.layout.shape != (*o.values.shape[:3], 2):
        raise ValueError(f"{where}: the layout has shape {o.layout.shape}; give {(*o.values.shape[:3], 2)}")
    for what, values in (
        ("object values", o.values),
        ("times", o.u),
        ("nearest objects", o.nearest),
        ("places of nodes", o.layout),
    ):
        if values is not None:
            finite(where, what, values)
    for values in (o.values, *(() if o.nearest is None else (o.nearest,))):
        _KINDS.get(o.kind, lambda *_: None)(where, o, values)
    _pull(where, o)
    _marks(where, o)


def _marks(where: str, o: Objects) -> None:
    if o.marks is None:
        return
    if o.kind != "curves" or o.marks.ndim != 2 or o.marks.shape[1] != 2:
        raise ValueError(
            f"{where}: {o.kind} have marks of shape {o.marks.shape}; give curves marks of a place and a value each"
        )
    finite(where, "marks", o.marks)
    places = o.marks[:, 0]
    if places.size and not (places.min() >= 0 and places.max() <= 1):
        raise ValueError(
            f"{where}: marks stand at {places.tolist()}; give places from 0 (the curve's beginning) to 1 (its end)"
        )


def _shape(where: str, what: str, values: np.ndarray | None, wanted: tuple[int, ...]) -> None:
    if values is not None and values.shape != wanted:
        raise ValueError(f"{where}: {what} have shape {values.shape}; give {wanted}")


def _pull(where: str, o: Objects) -> None:
    if (o.pull is None) != (o.pull_weights is None):
        raise ValueError(f"{where}: pulls and their weights come together; give both or neither")
    if o.pull is None or o.pull_weights is None:
        return
    if o.pull.ndim != 3 or o.pull.shape[:2] != o.values.shape[:2] or o.pull_weights.shape != o.pull.shape:
        given = f"pulls of shape {o.pull.shape} with weights of shape {o.pull_weights.shape}"
        raise ValueError(f"{where}: {given}; give {o.values.shape[:2]} and one more axis for both")
    finite(where, "weights of pulls", o.pull_weights)
    if o.pull.size and (o.pull.min() < 0 or o.pull_weights.min() < 0 or o.pull_weights.max() > 1 + 1e-6):
        raise ValueError(f"{where}: pulls are rows of the training points from 0 on, and their weights lie between 0 and 1")


def _strings(where: str, o: Objects, values: np.ndarray) -> None:
    codes = values.astype(np.int64)
    if ((codes != 0) & ((codes < 32) | (codes > 126))).any() or (codes != values).any():
        raise ValueError(f"{where}: strings are printable ASCII codes (32 to 126), padded with 0")
    if ((codes[..., :-1] == 0) & (codes[..., 1:] != 0)).any():
        raise ValueError(f"{where}: a string goes on behind a 0; the padding stands at the end")


def _clouds(where: str, o: Objects, values: np.ndarray) -> None:
    if values.shape[-1] != 2:
        raise ValueError(f"{where}: clouds of shape {o.values.shape}; give points of two coordinates")


def _tables(where: str, o: Objects, values: np.ndarray) -> None:
    if len(o.columns) != values.shape[-1]:
        raise ValueError(
            f"{where}: a table of {values.shape[-1]} columns comes with {len(o.columns)} descriptions; give one each"
        )
    for j, column in enumerate(o.columns):
        _column(f"{where}: column {j + 1} ({column.get('name', 'no name')})", column, values[..., j])


def _column(where: str, column: Mapping[str, Any], values: np.ndarray) -> None:
    kind = column.get("type")
    if "name" not in column or kind not in COLUMN_TYPES:
        raise ValueError(f"{where} is of type {kind!r}; give a name and one of the types {', '.join(COLUMN_TYPES)}")
    if kind == "category":
        levels: Sequence[Any] = column.get("levels") or ()
        inside = bool(levels) and bool(np.isin(values, np.arange(len(levels))).all())
        if not inside:
            raise ValueError(f"{where} has {len(levels)} levels; give each category as the index of its level")
        return
    low, high = (float(column.get(end, np.nan)) for end in ("low", "high"))
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(f"{where} goes from {low} to {high}; give finite numbers low <= high")


_KINDS = {"strings": _strings, "clouds": _clouds, "tables": _tables}

"""Decoded objects become arrays of the blob, each kind in the smallest form that is still exact to the eye.

Curves and clouds are int16, images 256 shades, graphs and strings bytes, tables float32. The points of a cloud have no order, so from each
moment to the next they are paired at least total squared distance: interpolated points then move the short way and do not cross.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Objects
from rkdiff.player.blob import Blob
from rkdiff.player.layout import spread

_MOST = float(np.finfo(np.float32).max)
#: What a category keeps of its levels on the way to the screen.
LONGEST = 60


def pack_objects(blob: Blob, o: Objects, targets: int) -> dict[str, Any]:
    """The entry of a panel's objects; `targets` is how many training points the panel shows, rows beyond them are not linked."""
    values = _paired(o.values) if o.kind == "clouds" else o.values
    store = _stores(blob)[o.kind]
    layout = nearest_layout = None
    if o.kind == "graphs":
        places = o.layout if o.layout is not None else np.broadcast_to(spread(o.values[-1]), (*o.values.shape[:3], 2))
        layout = blob.quantised(places)
        nearest_layout = None if o.nearest is None else blob.quantised(spread(o.nearest))
    both = [values] if o.nearest is None else [values, o.nearest]
    reach = both if o.marks is None else [*both, o.marks[:, 1]]
    return {
        "kind": o.kind,
        "particles": [int(i) for i in o.particles],
        "u": [float(a) for a in o.u],
        "values": store(values),
        "layout": layout,
        "nearest": None if o.nearest is None else store(o.nearest),
        "nearest_layout": nearest_layout,
        "low": min((float(v.min()) for v in reach if v.size), default=0.0),
        "high": max((float(v.max()) for v in reach if v.size), default=0.0),
        "frame": _frame(both) if o.kind == "clouds" else None,
        "valid": None if o.valid is None else blob.raw(o.valid, "uint8"),
        "pull": _pull(blob, o, targets),
        "marks": None if o.marks is None else [[float(place), float(value)] for place, value in o.marks],
        "columns": [_column(c) for c in o.columns] if o.kind == "tables" else [],
    }


def _stores(blob: Blob) -> Mapping[str, Callable[[np.ndarray], dict[str, Any]]]:
    return {
        "curves": blob.quantised,
        "clouds": blob.quantised,
        "images": blob.shades,
        "graphs": lambda a: blob.raw(a != 0, "uint8"),
        "strings": lambda a: blob.raw(a, "uint8"),
        "tables": lambda a: blob.raw(np.clip(a, -_MOST, _MOST), "float32"),
    }


def _frame(both: list[np.ndarray]) -> list[float]:
    """One square for all clouds: its middle and half its side."""
    points = np.concatenate([v.reshape(-1, 2) for v in both])
    if not len(points):
        return [0.0, 0.0, 1.0]
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    return [float(middle[0]), float(middle[1]), float((high - low).max() / 2) or 1.0]


def _paired(values: Float[np.ndarray, "A k P 2"]) -> Float[np.ndarray, "A k P 2"]:
    from scipy.optimize import linear_sum_assignment

    out = np.array(values, np.float64)
    unit = np.abs(out).max(initial=0.0) or 1.0  # squares of huge numbers would overflow
    for k in range(out.shape[1]):
        for a in range(1, len(out)):
            gap = (((out[a - 1, k][:, None] - out[a, k][None]) / unit) ** 2).sum(axis=-1)
            out[a, k] = out[a, k][linear_sum_assignment(gap)[1]]
    return out


def _pull(blob: Blob, o: Objects, targets: int) -> dict[str, Any] | None:
    if o.pull is None or o.pull_weights is None or not targets or not o.pull.size:
        return None
    there = o.pull < min(targets, 2**15)
    return {
        "rows": blob.raw(np.where(there, o.pull, -1), "int16"),
        "weights": blob.quantised(np.where(there, o.pull_weights, 0.0)),
    }


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    out = {"name": str(column["name"]), "type": str(column["type"])}
    if column["type"] == "category":
        return {**out, "levels": [str(level)[:LONGEST] for level in column["levels"]]}
    return {**out, "low": float(column["low"]), "high": float(column["high"])}

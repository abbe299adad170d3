"""What a run holds as files that other programs read: decoded objects as CSV, figures as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rkdiff.core.parts import PartError
from rkdiff.experiment import Run


def objects_csv(run: Run) -> str:
    """The objects decoded at the end of a run, as text.

    Tables have their columns' names as the first line and texts for levels; curves the places of their grid. Strings are a word a line,
    images a line of grey values, row by row. Clouds are rows (object, point, x, y), graphs one row (object, node, node) for each edge,
    and one (object, node, nothing) for a node without any.

    Raises:
        PartError: nothing was decoded.
    """
    if "samples" not in run.arrays:
        raise PartError(f"run {run.experiment.key} has no decoded objects; take its arrays (NPZ) instead")
    values, meta = np.asarray(run.arrays["samples"]), run.info.get("meta", {})
    rows = _WRITERS[str(run.info["modality"])](values, meta)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def figures_json(runs: Sequence[Run]) -> str:
    """Key, experiment, quality (value, spread, floor and its spread), shares of the objects, and seconds of runs, as JSON."""
    kept = ("quality", "objects", "seconds", "calls", "device_name")
    out = [
        {"key": r.experiment.key, "title": r.experiment.title, "experiment": r.experiment.to_dict()}
        | {name: r.info[name] for name in kept if name in r.info}
        for r in runs
    ]
    return json.dumps(out, indent=2) + "\n"


def _number(value: float) -> str:
    return f"{float(value):.6g}"


def _tables(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    columns = meta.get("columns") or [{"name": f"column {j + 1}", "type": "number"} for j in range(values.shape[1])]
    yield [c["name"] for c in columns]
    for row in values:
        yield [_cell(v, c) for v, c in zip(row, columns, strict=True)]


def _cell(value: float, column: Mapping[str, Any]) -> str:
    if column["type"] == "category":
        return str(column["levels"][round(float(value))])
    return str(round(float(value))) if column["type"] == "integer" else _number(value)


def _strings(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    for word in values:
        yield [bytes(word[word > 0].astype(np.uint8)).decode("ascii", "replace")]


def _curves(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    grid = meta.get("grid")
    grid = grid if isinstance(grid, list) and len(grid) == values.shape[1] else np.linspace(0, 1, values.shape[1])
    yield map(_number, grid)
    for curve in values:
        yield map(_number, curve)


def _images(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    yield [f"row {i} column {j}" for i in range(values.shape[1]) for j in range(values.shape[2])]
    for picture in values:
        yield map(_number, picture.ravel())


def _clouds(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    yield ("object", "point", "x", "y")
    for i, cloud in enumerate(values):
        for j, (x, y) in enumerate(cloud):
            yield (i, j, _number(x), _number(y))


def _graphs(values: np.ndarray, meta: Mapping[str, Any]) -> Iterator[Iterable[Any]]:
    yield ("object", "node", "node")
    for i, graph in enumerate(values):
        for a in np.flatnonzero(np.diagonal(graph)):
            linked = np.flatnonzero(graph[a])
            yield from ((i, a, b) for b in linked if b > a)
            if len(linked) == 1:
                yield (i, a, "")


_WRITERS = {
    "tables": _tables, "strings": _strings, "curves": _curves, "images": _images, "clouds": _clouds, "graphs": _graphs,
}  # fmt: skip

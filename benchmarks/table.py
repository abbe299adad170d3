"""Rows and tables: what every benchmark hands over, and how it is printed.

A `Row` is one measured number. A number that only means something beside its noise carries its `floor`, the same quantity between two fresh
samples of the truth, and is printed as value / floor. The table has one line for each dataset and method, one column for each metric, and
"mean ± standard deviation" over the seeds in each cell; the JSON keeps every row as it was measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Row:
    """One measured number.

    Attributes:
        value: the number itself, in the metric's own unit.
        floor: the same quantity between fresh samples of the truth, or None where the metric needs none.
        cpu_seconds: processor time of the work the row is about (for a learned method: its training), or None.
        wall_seconds: the same work on the wall clock, or None.
        device: "cpu", or the name of the accelerator.
    """

    dataset: str
    method: str
    seed: int
    metric: str
    value: float
    floor: float | None = None
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    device: str = "cpu"

    @property
    def shown(self) -> float:
        """The number that is compared: over its floor where it has one."""
        return self.value / self.floor if self.floor else self.value


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    digits = 2 if abs(mean) < 100 else 0
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if len(values) > 1 else f"{mean:.{digits}f}"


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _seconds(rows: Iterable[Row], which: str) -> list[float]:
    by_seed = {r.seed: getattr(r, which) for r in rows if getattr(r, which) is not None}
    return list(by_seed.values())


def columns(rows: Sequence[Row]) -> dict[str, Callable[[list[Row]], list[float]]]:
    """The columns of a table of these rows: name -> the numbers of one line's rows."""
    out: dict[str, Callable[[list[Row]], list[float]]] = {}
    for metric in _unique(r.metric for r in rows):
        over = any(r.floor for r in rows if r.metric == metric)
        out[f"{metric} / floor" if over else metric] = lambda part, m=metric: [r.shown for r in part if r.metric == m]
    for which, head in (("cpu_seconds", "CPU s"), ("wall_seconds", "wall s")):
        if any(getattr(r, which) is not None for r in rows):
            out[head] = lambda part, w=which: _seconds(part, w)
    return out


def render(rows: Sequence[Row]) -> str:
    """The aligned table: a line for each dataset, method and device, "mean ± sd over seeds" in each cell."""
    if not rows:
        return "no rows"
    heads = columns(rows)
    lines = [["dataset", "method", "seeds", *heads, "device"]]
    for key in dict.fromkeys((r.dataset, r.method, r.device) for r in rows):
        part = [r for r in rows if (r.dataset, r.method, r.device) == key]
        seeds = str(len({r.seed for r in part}))
        lines.append([key[0], key[1], seeds, *(_cell(take(part)) for take in heads.values()), key[2]])
    return align(lines)


def align(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, texts to the left and numbers to the right, a rule under the heading."""
    width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    left = [i < 2 or i == len(width) - 1 for i in range(len(width))]
    text = ["  ".join(c.ljust(w) if le else c.rjust(w) for c, w, le in zip(line, width, left, strict=True)) for line in lines]
    return "\n".join([text[0].rstrip(), "  ".join("-" * w for w in width), *(t.rstrip() for t in text[1:])])


def write(rows: Sequence[Row], path: Path) -> None:
    """Every row as it was measured, as a JSON list of objects."""
    path.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    """The rows that `write` wrote."""
    return [Row(**r) for r in json.loads(path.read_text(encoding="utf-8"))]

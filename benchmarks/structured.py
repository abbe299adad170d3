"""Structured objects: graphs, curves, strings, tables and point clouds, each beside its floor and its controls.

    python -m benchmarks structured --set only=graphs

Each kind is measured in a file of its own (`benchmarks/_structured_<kind>.py`); at the end every bar is listed with what was measured.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

from benchmarks.table import Row, align

KINDS = ("graphs", "curves", "strings", "tables", "clouds")


def _kind(name: str):
    return importlib.import_module(f"benchmarks._structured_{name}")


def rows(seeds: int, device: str = "cpu", only: str = "") -> Iterator[Row]:
    """The rows of every kind, or of those named in `only` (comma-separated)."""
    chosen = only.split(",") if only else KINDS
    for name in chosen:
        if name not in KINDS:
            raise SystemExit(f"there is no kind {name!r}; choose among {', '.join(KINDS)}")
        yield from _kind(name).rows(seeds, device)


def closing(rows: Sequence[Row]) -> str:
    """Every bar with its measured value."""
    lines = [["bar", "", "measured", "asked", ""]]
    for name in KINDS:
        for what, value, asked, met in _kind(name).verdicts(rows):
            lines.append([what, "", value, asked, "met" if met else "NOT met"])
    return align(lines)

"""Benchmarks: measured tables, run by hand with `python -m benchmarks NAME [--seeds K] [--json FILE]`.

A benchmark is one module of this package. Its docstring's first line says what it measures, and

    rows(seeds: int, **options) -> Iterator[Row]

yields one `Row` (see `benchmarks.table`) per measured number, as soon as it is known. Optional names of the module: `SEEDS`, the number of
seeds when none is asked for (5), and `closing(rows) -> str`, the lines printed under the table. Options arrive as the texts of
`--set KEY=VALUE`, and `device` always. A new file is listed the moment it exists; listing imports nothing.
"""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

_HIDDEN = ("table",)


def names() -> tuple[str, ...]:
    """The benchmarks there are."""
    found = (m.name for m in pkgutil.iter_modules(__path__))
    return tuple(sorted(n for n in found if not n.startswith("_") and n not in _HIDDEN))


def describe(name: str) -> str:
    """The first line of a benchmark's docstring, read without importing it."""
    source = Path(__path__[0], f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]

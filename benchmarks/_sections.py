"""Benchmarks in sections: one file each, chosen by name, options to those that know them, and every bar at the end.

The sections of a benchmark `name` are modules `benchmarks/_<name>_<section>.py` with

    rows(seeds, device, **options) -> Iterator[Row]         verdicts(rows) -> Sequence[Verdict]

A section is there the moment its file exists.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from benchmarks.table import Row, align


@dataclass(frozen=True)
class Sections:
    """The sections of one benchmark, in the order in which they are measured."""

    benchmark: str
    names: tuple[str, ...]

    def module(self, name: str) -> ModuleType:
        """The module that measures a section."""
        return importlib.import_module(f"benchmarks._{self.benchmark}_{name}")

    @property
    def there(self) -> tuple[str, ...]:
        """The sections that have a file."""
        return tuple(n for n in self.names if importlib.util.find_spec(f"benchmarks._{self.benchmark}_{n}"))

    def rows(self, seeds: int, device: str = "cpu", only: str = "", **options: str) -> Iterator[Row]:
        """The rows of every section, or of those named in `only` (comma-separated)."""
        chosen = only.split(",") if only else self.there
        for name in chosen:
            if name not in self.there:
                raise SystemExit(f"there is no section {name!r}; choose among {', '.join(self.there)}")
        known = {name: set(inspect.signature(self.module(name).rows).parameters) - {"seeds", "device"} for name in chosen}
        for option in options:
            if not any(option in names for names in known.values()):
                raise SystemExit(
                    f"no chosen section has the option {option!r}; they have {', '.join(sorted(set().union(*known.values())))}"
                )
        for name in chosen:
            yield from self.module(name).rows(seeds, device, **{k: v for k, v in options.items() if k in known[name]})

    def closing(self, rows: Sequence[Row]) -> str:
        """Every bar of the sections that were measured."""
        lines = [["bar", "", "measured", "asked", ""]]
        for name in self.there:
            bars = list(self.module(name).verdicts(rows))
            if any(value != "not measured" for _, value, _, _ in bars):
                lines += [[what, "", value, asked, "met" if met else "NOT met"] for what, value, asked, met in bars]
        return align(lines) if len(lines) > 1 else "no bar was measured"

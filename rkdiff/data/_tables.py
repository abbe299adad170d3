"""What tables from real files share: reading text columns, naming categories, splitting, describing columns; `RealTable` does it all."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source


def shipped(package: str, *parts: str) -> Path:
    """A file that an installed package carries; the package itself is not imported.

    Raises:
        FileNotFoundError: the package is not installed, or came without the file.
    """
    spec = importlib.util.find_spec(package)
    for base in (spec.submodule_search_locations or []) if spec else []:
        path = Path(base, *parts)
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{parts[-1]} ships with the package {package}, which is not installed whole; run: pip install {package}"
    )


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a comma-separated file, gzipped or not, by the names of its first line."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def table(
    lines: Sequence[Mapping[str, str]], types: Mapping[str, str | Sequence[str]], missing: Sequence[str] = ("", "NA")
) -> tuple[Float[np.ndarray, "n c"], int]:
    """Rows of the columns in `types` ("number", "integer", or the levels of a category), and how many lines had a missing value."""
    full = [line for line in lines if not any(line[name] in missing for name in types)]
    rows = [
        [float(line[name]) if isinstance(kind, str) else float(kind.index(line[name])) for name, kind in types.items()]
        for line in full
    ]
    return np.array(rows, dtype=float), len(lines) - len(full)


def describe(rows: Float[np.ndarray, "n c"], types: Mapping[str, str | Sequence[str]]) -> list[dict[str, Any]]:
    """`meta["columns"]`: name and type of each column, with the range of these rows or the levels."""
    out: list[dict[str, Any]] = []
    for i, (name, kind) in enumerate(types.items()):
        if isinstance(kind, str):
            out.append({"name": name, "type": kind, "low": float(rows[:, i].min()), "high": float(rows[:, i].max())})
        else:
            out.append({"name": name, "type": "category", "levels": list(kind)})
    return out


def split(
    name: str,
    rows: Float[np.ndarray, "n c"],
    types: Mapping[str, str | Sequence[str]],
    classes: str,
    share: float,
    rng: Rng,
    meta: Mapping[str, Any],
) -> Dataset:
    """A dataset from a random part of the rows as training set; ranges come from that part, labels from the column `classes`."""
    rows = rows[rng.numpy("split").permutation(len(rows))]
    cut = min(max(round(share * len(rows)), 2), len(rows) - 2)
    labels: Int[np.ndarray, " n"] = rows[:, list(types).index(classes)].astype(np.int64)
    told = {"columns": describe(rows[:cut], types), "class_names": list(types[classes]), **meta}
    return Dataset(name, "tables", rows[:cut], rows[cut:], labels[:cut], labels[cut:], meta=told)


@dataclass(frozen=True)
class RealTable(Source, abstract=True):
    """A table that an installed package carries; a subclass says which, what its columns are, and what they are for."""

    modality: ClassVar[str] = "tables"
    #: The package and the path of the file in it.
    file: ClassVar[tuple[str, ...]]
    #: What each column holds: "number", "integer", or the levels of a category.
    types: ClassVar[Mapping[str, str | Sequence[str]]]
    #: The column of the classes, the column to predict, and where the table comes from.
    classes: ClassVar[str]
    target: ClassVar[str]
    source: ClassVar[str]

    share: float = knob(
        0.7,
        0.2,
        0.9,
        advanced=True,
        help="the part of the complete rows that is shown to the methods; the rest is held out",
    )

    def make(self, rng: Rng) -> Dataset:
        """All rows without a missing value, split at random."""
        rows, dropped = table(read(shipped(*self.file)), self.types)
        meta = {"source": self.source, "target": self.target, "dropped": dropped}
        return split(self.name, rows, self.types, self.classes, self.share, rng, meta)

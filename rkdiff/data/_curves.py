"""What every drawn set of curves shares, the number of curves and of grid points; and what real sets share, which are read from files.

Drawn curves are functions on [0, 1] at evenly spaced places. Training, held-out and fresh curves come from streams of their own, so asking
for another number of one never changes the others. Real sets ship as text with the package sktime, which is never imported.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

#: Curves and, where the family has classes, the class of each.
Drawn = tuple[Float[np.ndarray, "n g"], Int[np.ndarray, " n"] | None]


@dataclass(frozen=True)
class CurveSource(Source, abstract=True):
    """Curves that are drawn. Fill `draw` and `told`."""

    modality: ClassVar[str] = "curves"

    n: int = knob(500, 2, 5000, log=True, label="Training objects", help="how many training curves")
    points: int = knob(64, 8, 512, help="at how many places each curve is seen")

    @abstractmethod
    def draw(self, n: int, places: Float[np.ndarray, " g"], generator: np.random.Generator) -> Drawn:
        """`n` curves at places of [0, 1]."""

    @abstractmethod
    def told(self) -> dict[str, Any]:
        """What the dataset says of itself: "source" and perhaps "class_names"."""

    def law(self) -> Any:
        """The exact law of the values on the grid, where it is a Gaussian mixture."""
        return None

    def make(self, rng: Rng) -> Dataset:
        """`n` training curves and as many held out."""
        return self._made(self.n, rng.child("train"), rng.child("held out"))

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New curves of the same law."""
        return self._made(n, rng.child("fresh"), rng.child("fresh held out"))

    def _made(self, n: int, first: Rng, second: Rng) -> Dataset:
        places = np.linspace(0, 1, self.points)
        train, labels = self.draw(n, places, first.numpy("curves"))
        held_out, held_out_labels = self.draw(n, places, second.numpy("curves"))
        meta = {"grid": places.tolist(), "axes": ["s", "f(s)"], **self.told()}
        return Dataset(self.name, self.modality, train, held_out, labels, held_out_labels, self.law(), meta)


def folder(name: str) -> Path:
    """Where the package keeps a set of curves.

    Raises:
        FileNotFoundError: the package is not installed, or came without its data.
    """
    import importlib.util

    spec = importlib.util.find_spec("sktime")  # finds the package without running it
    for base in (spec.submodule_search_locations or []) if spec else []:
        found = Path(base, "datasets", "data", name)
        if found.is_dir():
            return found
    raise FileNotFoundError(
        f"the {name} curves ship with the package sktime, which is not installed whole; run: pip install sktime"
    )


def read(path: Path) -> tuple[Float[np.ndarray, "n g"], Float[np.ndarray, " n"]]:
    """Curves and target of one `.ts` file: after "@data", one line an object, values by commas, the target after a colon."""
    text = path.read_text(encoding="utf-8")
    rows = [line for line in text.partition("@data")[2].splitlines() if line.strip()]
    curves = [np.array(row.rpartition(":")[0].split(","), dtype=float) for row in rows]
    return np.stack(curves), np.array([float(row.rpartition(":")[2]) for row in rows])


def pool(name: str) -> tuple[Float[np.ndarray, "n g"], Float[np.ndarray, " n"]]:
    """Both parts of a set, its own split forgotten."""
    where = folder(name)
    parts = [read(where / f"{name}_{part}.ts") for part in ("TRAIN", "TEST")]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


@dataclass(frozen=True)
class RealCurves(Source, abstract=True):
    """Curves that are read: all in one pool, split at random. Fill `files`, `span`, `axes`, `classes`, `source`, `points` and `kinds`."""

    modality: ClassVar[str] = "curves"
    #: Name of the set in the package, first and last place, names of the axes and of the classes, attribution.
    files: ClassVar[str]
    span: ClassVar[tuple[float, float]] = (0.0, 1.0)
    axes: ClassVar[tuple[str, str]]
    classes: ClassVar[tuple[str, str]]
    source: ClassVar[str]

    share: float = knob(
        0.75, 0.2, 0.9, advanced=True, help="the part of all curves that is shown to the methods; the rest is held out"
    )
    points: int = knob(64, 16, 512, help="at how many places each curve is seen")

    @abstractmethod
    def kinds(self, target: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The class of each curve from the file's target."""

    def make(self, rng: Rng) -> Dataset:
        """All curves in one pool, split at random, seen at `points` evenly spaced places."""
        curves, target = pool(self.files)
        labels, places = self.kinds(target), np.linspace(*self.span, self.points)
        full = np.linspace(*self.span, curves.shape[1])
        order = rng.numpy("split").permutation(len(curves))
        curves, labels = np.stack([np.interp(places, full, c) for c in curves])[order], labels[order]
        cut = round(self.share * len(curves))
        meta = {
            "source": self.source,
            "grid": places.tolist(),
            "axes": list(self.axes),
            "class_names": list(self.classes),
        }
        return Dataset(self.name, self.modality, curves[:cut], curves[cut:], labels[:cut], labels[cut:], meta=meta)

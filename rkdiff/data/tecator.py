"""Tecator: near-infrared absorbance spectra of 215 pieces of meat, 100 wavelengths from 850 to 1050 nm, and their fat content.

Borggaard and Thodberg 1992, "Optimal minimal neural interpretation of spectra", Analytical Chemistry 64, 545-551. The files ship with
the package sktime; they are read as text, and the (heavy) package itself is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

SOURCE = "Borggaard and Thodberg 1992, Analytical Chemistry 64 (Tecator spectra), as shipped with sktime"
WAVELENGTHS = (850.0, 1050.0)


def _folder() -> Path:
    """Where the package keeps the spectra.

    Raises:
        FileNotFoundError: the package is not installed, or came without its data.
    """
    import importlib.util

    spec = importlib.util.find_spec("sktime")  # finds the package without running it
    for base in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(base, "datasets", "data", "Tecator")
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        "the Tecator spectra ship with the package sktime, which is not installed whole; run: pip install sktime"
    )


def read(path: Path) -> tuple[Float[np.ndarray, "n g"], Float[np.ndarray, " n"]]:
    """Curves and target of one `.ts` file: after "@data", one line an object, values by commas, the target after a colon."""
    text = path.read_text(encoding="utf-8")
    rows = [line for line in text.partition("@data")[2].splitlines() if line.strip()]
    curves = [np.array(row.rpartition(":")[0].split(","), dtype=float) for row in rows]
    return np.stack(curves), np.array([float(row.rpartition(":")[2]) for row in rows])


@dataclass(frozen=True)
class Tecator(Source):
    """Infrared spectra of meat: real, smooth curves; the classes are lean and fat."""

    modality: ClassVar[str] = "curves"
    label: ClassVar[str] = "Meat spectra"

    share: float = knob(
        0.75, 0.2, 0.9, advanced=True, help="the part of the 215 spectra that is shown to the methods; the rest is held out"
    )
    points: int = knob(100, 16, 100, help="at how many wavelengths each curve is seen")

    def make(self, rng: Rng) -> Dataset:
        """All spectra in one pool, split at random, seen at `points` evenly spaced wavelengths."""
        folder = _folder()
        parts = [read(folder / f"Tecator_{part}.ts") for part in ("TRAIN", "TEST")]
        curves, fat = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        full = np.linspace(*WAVELENGTHS, curves.shape[1])
        grid = np.linspace(*WAVELENGTHS, self.points)
        curves = np.stack([np.interp(grid, full, c) for c in curves])
        labels = (fat > np.median(fat)).astype(int)
        order = rng.numpy("split").permutation(len(curves))
        curves, labels = curves[order], labels[order]
        cut = round(self.share * len(curves))
        meta = {
            "source": SOURCE,
            "grid": grid.tolist(),
            "axes": ["wavelength (nm)", "absorbance"],
            "class_names": ["lean", "fat"],
        }
        return Dataset(self.name, self.modality, curves[:cut], curves[cut:], labels[:cut], labels[cut:], meta=meta)

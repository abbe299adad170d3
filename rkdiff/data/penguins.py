"""Palmer penguins: 344 birds of three species on three islands of Antarctica, of which 333 are measured completely.

Horst, Hill and Gorman 2020, "palmerpenguins: Palmer Archipelago (Antarctica) penguin data" (CC0), after Gorman, Williams and
Fraser 2014, PLoS ONE 9(3): e90081. The file ships inside the package palmerpenguins; it is read as text. The 11 birds with a
missing value are dropped, and `meta["dropped"]` says so. The classes are the species.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.data._tables import read, shipped, split, table

SOURCE = "Horst, Hill and Gorman 2020 (CC0), after Gorman, Williams and Fraser 2014, PLoS ONE 9: e90081, as shipped with palmerpenguins"
TYPES = {
    "species": ("Adelie", "Chinstrap", "Gentoo"),
    "island": ("Biscoe", "Dream", "Torgersen"),
    "bill_length_mm": "number",
    "bill_depth_mm": "number",
    "flipper_length_mm": "integer",
    "body_mass_g": "integer",
    "sex": ("female", "male"),
    "year": "integer",
}


@dataclass(frozen=True)
class Penguins(Source):
    """Measured penguins: bills, flippers and mass, with species, island, sex and year."""

    modality: ClassVar[str] = "tables"
    label: ClassVar[str] = "Penguins"

    share: float = knob(
        0.7,
        0.2,
        0.9,
        advanced=True,
        help="the part of the 333 complete rows that is shown to the methods; the rest is held out",
    )

    def make(self, rng: Rng) -> Dataset:
        """All complete rows, split at random. The column to predict is the species."""
        rows, dropped = table(read(shipped("palmerpenguins", "data", "penguins.csv")), TYPES)
        meta = {"source": SOURCE, "target": "species", "dropped": dropped}
        return split(self.name, rows, TYPES, "species", self.share, rng, meta)

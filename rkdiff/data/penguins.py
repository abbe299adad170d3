"""Palmer penguins: 344 birds of three species on three islands of Antarctica, of which 333 are measured completely.

Horst, Hill and Gorman 2020, "palmerpenguins: Palmer Archipelago (Antarctica) penguin data" (CC0), after Gorman, Williams and
Fraser 2014, PLoS ONE 9(3): e90081. The file ships inside the package palmerpenguins; it is read as text. The 11 birds with a
missing value are dropped, and `meta["dropped"]` says so. The classes are the species.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rkdiff.data._tables import RealTable

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
class Penguins(RealTable):
    """Measured penguins: bills, flippers and mass, with species, island, sex and year."""

    label: ClassVar[str] = "Penguins"
    file: ClassVar[tuple[str, ...]] = ("palmerpenguins", "data", "penguins.csv")
    types: ClassVar[Mapping[str, str | Sequence[str]]] = TYPES
    classes: ClassVar[str] = "species"
    target: ClassVar[str] = "species"
    source: ClassVar[str] = SOURCE

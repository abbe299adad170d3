"""Tips: 244 bills that one waiter noted in one restaurant over some months of 1990, with what the party left as a tip.

Bryant and Smith 1995, "Practical data analysis: case studies in business statistics". The file ships inside the package
plotly; it is read as text. No value is missing. `time` tells lunch from dinner, `size` is the number of guests; the classes
are parties with and without smokers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.data._tables import read, shipped, split, table

SOURCE = "Bryant and Smith 1995, Practical data analysis (restaurant tips), as shipped with plotly"
TYPES = {
    "total_bill": "number",
    "tip": "number",
    "sex": ("Female", "Male"),
    "smoker": ("No", "Yes"),
    "day": ("Thur", "Fri", "Sat", "Sun"),
    "time": ("Lunch", "Dinner"),
    "size": "integer",
}


@dataclass(frozen=True)
class Tips(Source):
    """Restaurant bills and tips: two amounts, four categories and a count."""

    modality: ClassVar[str] = "tables"
    label: ClassVar[str] = "Restaurant tips"

    share: float = knob(
        0.7, 0.2, 0.9, advanced=True, help="the part of the 244 rows that is shown to the methods; the rest is held out"
    )

    def make(self, rng: Rng) -> Dataset:
        """All rows, split at random. The column to predict is the tip."""
        rows, dropped = table(read(shipped("plotly", "package_data", "datasets", "tips.csv.gz")), TYPES)
        meta = {"source": SOURCE, "target": "tip", "dropped": dropped}
        return split(self.name, rows, TYPES, "smoker", self.share, rng, meta)

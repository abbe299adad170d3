"""Tips: 244 bills that one waiter noted in one restaurant over some months of 1990, with what the party left as a tip.

Bryant and Smith 1995, "Practical data analysis: case studies in business statistics". The file ships inside the package
plotly; it is read as text. No value is missing. `time` tells lunch from dinner, `size` is the number of guests; the classes
are parties with and without smokers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rkdiff.data._tables import RealTable

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
class Tips(RealTable):
    """Restaurant bills and tips: two amounts, four categories and a count."""

    label: ClassVar[str] = "Restaurant tips"
    file: ClassVar[tuple[str, ...]] = ("plotly", "package_data", "datasets", "tips.csv.gz")
    types: ClassVar[Mapping[str, str | Sequence[str]]] = TYPES
    classes: ClassVar[str] = "smoker"
    target: ClassVar[str] = "tip"
    source: ClassVar[str] = SOURCE

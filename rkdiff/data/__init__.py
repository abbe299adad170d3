"""Where data comes from: one file per dataset or family. A `Source` is a part whose `make` returns a `Dataset`.

Making data is a pure function of the knobs and the stream of random numbers, so equal knobs and seeds give equal bytes.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rkdiff.core.parts import Part
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng


@dataclass(frozen=True)
class Source(Part, kind="data"):
    """A dataset one can choose.

    Every source has the knobs it needs; by convention `n` is the number of training objects. Held-out objects come from the same law.
    """

    #: "points" | "graphs" | "curves" | "strings" | "clouds" | "tables" | "images": decides which spaces fit.
    modality: ClassVar[str] = "points"

    @abstractmethod
    def make(self, rng: Rng) -> Dataset:
        """Draw the dataset: the same bytes for the same knobs and the same `rng`."""

    def fresh(self, n: int, rng: Rng) -> Dataset | None:
        """`n` new training and `n` new held-out objects of the same law, for floors; None where data is finite and real."""
        return None

"""Names of cities, as the time zone database spells them: real words of many languages, in small letters.

The database (IANA tz, public domain) names each zone after a large city in it; its list ships with the package tzdata. Names of two words
are written as one, and what is no city (offsets, legacy names of countries) is left out. A word is right where every three neighbours,
begin and end included, occur in a name of the whole list, held-out names included (`meta["judge"]`): a held-out name is right by
definition. A decoder knows the neighbours of the training names alone (`meta["trigrams"]`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.kernels.strings import to_codes, to_words

SOURCE = "cities of the IANA time zone database (public domain), as shipped with tzdata"
_CONTINENTS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def cities() -> list[str]:
    """All names, in order, a to z only.

    Raises:
        FileNotFoundError: the package tzdata is not installed.
    """
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("tzdata")
    for base in (spec.submodule_search_locations or []) if spec else []:
        file = Path(base, "zones")
        if file.is_file():
            zones = [z.split("/") for z in file.read_text(encoding="utf-8").split()]
            names = {z[-1].replace("_", "").replace("-", "").lower() for z in zones if len(z) > 1 and z[0] in _CONTINENTS}
            return sorted(n for n in names if n.isascii() and n.isalpha())
    raise FileNotFoundError("the names of cities ship with the package tzdata, which is not installed; run: pip install tzdata")


def neighbours(words: Iterable[str]) -> list[str]:
    """Every three neighbours in words, in order; "^" stands for the begin and "$" for the end."""
    return sorted({f"^{w}$"[i : i + 3] for w in words for i in range(len(w))})


@dataclass(frozen=True)
class CityNames(Source):
    """Names of cities around the world, real words of many languages."""

    modality: ClassVar[str] = "strings"
    label: ClassVar[str] = "City names"

    share: float = knob(0.8, 0.2, 0.95, help="the part of the names that is shown to the methods; the rest is held out")

    def make(self, rng: Rng) -> Dataset:
        """All names in one pool, split at random."""
        words = cities()
        codes = to_codes(words)[rng.numpy("split").permutation(len(words))]
        cut = round(self.share * len(codes))
        meta = {
            "source": SOURCE,
            "alphabet": "abcdefghijklmnopqrstuvwxyz",
            "rule": "letters only, and every three neighbours occur in a name of the whole list",
            "trigrams": neighbours(to_words(codes[:cut])),
            "judge": neighbours(words),
        }
        return Dataset(self.name, self.modality, codes[:cut], codes[cut:], meta=meta)

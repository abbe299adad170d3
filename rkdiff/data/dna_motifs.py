"""Pieces of DNA that carry a motif: random letters, a TATAAT box somewhere in them, random letters, and GGC at the end.

TATAAT is the Pribnow box of bacterial promoters (Pribnow 1975, PNAS 72, 784-788). Each of its letters is changed with chance `mutation`, at
most one in a box (boxes with more changes are drawn again). A piece is right where such a box stands before the final GGC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

BOX, TAIL, LETTERS = "TATAAT", "GGC", "ACGT"
#: Fewest and most random letters before and after the box.
BEFORE, AFTER = (2, 5), (1, 4)
PATTERN = "[ACGT]*({})[ACGT]*{}".format("|".join(BOX[:i] + "." + BOX[i + 1 :] for i in range(len(BOX))), TAIL)


@dataclass(frozen=True)
class DnaMotifs(Source):
    """Pieces of DNA with a TATAAT box somewhere and GGC at the end."""

    modality: ClassVar[str] = "strings"
    label: ClassVar[str] = "DNA with a motif"

    n: int = knob(400, 4, 3000, log=True, label="Training objects", help="how many training strings")
    mutation: float = knob(0.1, 0.0, 0.5, help="chance that a letter of the box is another one, at most one in a box")

    def make(self, rng: Rng) -> Dataset:
        """`n` training strings and a quarter as many held out."""
        return self._dataset(self._draw(self.n + max(self.n // 4, 2), rng.numpy("strings")), self.n)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New strings of the same law."""
        return self._dataset(self._draw(2 * n, rng.numpy("fresh")), n)

    def _draw(self, n: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n L"]:
        letters = np.frombuffer(LETTERS.encode(), np.uint8)
        before, after = rng.integers(BEFORE[0], BEFORE[1] + 1, n), rng.integers(AFTER[0], AFTER[1] + 1, n)
        box = np.tile(np.frombuffer(BOX.encode(), np.uint8), (n, 1))
        none, one = (1 - self.mutation) ** len(BOX), len(BOX) * self.mutation * (1 - self.mutation) ** (len(BOX) - 1)
        changed = np.flatnonzero(rng.random(n) < one / (none + one))
        at = rng.integers(0, len(BOX), len(changed))
        other = (np.searchsorted(letters, box[changed, at]) + rng.integers(1, len(LETTERS), len(changed))) % len(LETTERS)
        box[changed, at] = letters[other]
        width = BEFORE[1] + len(BOX) + AFTER[1] + len(TAIL)
        out = letters[rng.integers(0, len(LETTERS), (n, width))]
        row = np.arange(n)[:, None]
        out[row, before[:, None] + np.arange(len(BOX))] = box
        end = before + len(BOX) + after
        out[row, end[:, None] + np.arange(len(TAIL))] = np.frombuffer(TAIL.encode(), np.uint8)
        return np.where(np.arange(width) < (end + len(TAIL))[:, None], out, 0).astype(np.uint8)

    def _dataset(self, strings: UInt8[np.ndarray, "n L"], n: int) -> Dataset:
        rule = f"{BOX} with at most one letter changed, and {TAIL} at the end"
        meta = {"source": "random DNA with the motif of Pribnow 1975", "rule": rule, "pattern": PATTERN, "alphabet": LETTERS}
        return Dataset(self.name, self.modality, strings[:n], strings[n:], meta=meta)

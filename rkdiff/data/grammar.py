"""Words of a regular language, each with the same chance: what is right is known exactly, and so is how many words there are.

The large language has 11 664 words of 8 to 27 letters, so that a right word is almost surely a new one; the small one has 216, of which a
few hundred draws leave little that is new. Roman numerals are the numbers 1000 to 9999. A word is drawn letter by letter, each letter
weighted by the number of words it leads to, which makes all words equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.kernels._strings_automaton import Automaton

#: Language -> regular expression, letters, longest word.
LANGUAGES = {
    "large": ("a{2,4}(bc){1,3}d?(ef|ee|f)g{0,3}(hi){1,3}j?(kl|k|m)n{0,2}", "abcdefghijklmn", 27),
    "small": ("a{2,4}(bc){1,3}d?(ef|ee|f)g{0,3}", "abcdefg", 16),
    "roman numerals": ("M{1,9}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})", "CDILMVX", 21),
}


@dataclass(frozen=True)
class Grammar(Source):
    """Words of an invented language whose grammar is known."""

    modality: ClassVar[str] = "strings"
    label: ClassVar[str] = "Words of a grammar"

    n: int = knob(400, 4, 3000, log=True, label="Training objects", help="how many training words")
    language: str = knob("large", options=tuple(LANGUAGES), help="11664 words, 216 words, or Roman numerals from 1000 to 9999")

    def make(self, rng: Rng) -> Dataset:
        """`n` training words and a quarter as many held out.

        Raises:
            PartError: all training words are the same.
        """
        held_out = max(self.n // 4, 2)
        words = self._draw(self.n + held_out, rng.numpy("words"))
        if (words[: self.n] == words[0]).all():
            raise PartError(f"the {self.n} training words of {self.name!r} are all the same; take more words")
        return self._dataset(words, self.n)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New words of the same language."""
        return self._dataset(self._draw(2 * n, rng.numpy("fresh")), n)

    def _draw(self, n: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n L"]:
        pattern, letters, longest = LANGUAGES[self.language]
        return Automaton.of_pattern(pattern, letters).draw(n, longest, rng)

    def _dataset(self, words: UInt8[np.ndarray, "n L"], n: int) -> Dataset:
        pattern, letters, _ = LANGUAGES[self.language]
        meta = {"source": "words of a regular language, all equally likely", "pattern": pattern, "alphabet": letters}
        return Dataset(self.name, self.modality, words[:n], words[n:], meta=meta | {"rule": f"matches {pattern}"})

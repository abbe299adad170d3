"""Rules of strings that a dataset brings along, as automata: what a decoder may know, and what says which strings are valid.

`meta["pattern"]` is a regular expression and `meta["trigrams"]` a list of known neighbours: the decoder "grammar" keeps to them, and they
say what is valid. Where known neighbours are learned from training strings, `meta["judge"]`, a longer list, says what is valid instead.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.records import Dataset
from rkdiff.kernels._strings_automaton import Automaton


def rule_of(data: Dataset, alphabet: UInt8[np.ndarray, " k"]) -> Automaton | None:
    """The automaton of `meta["pattern"]` (a regular expression) or of `meta["trigrams"]` (known neighbours), over the training alphabet.

    Letters that no training string has are left out: a beam does not know them, and a word with one counts as invalid.
    """
    if "pattern" in data.meta:
        letters = str(data.meta.get("alphabet", "")) or bytes(alphabet).decode("ascii")
        return Automaton.of_pattern(str(data.meta["pattern"]), letters)
    return Automaton.of_neighbours(list(data.meta["trigrams"])) if "trigrams" in data.meta else None


def judge_of(data: Dataset) -> Automaton | None:
    """The rule of `meta["judge"]` (known neighbours): it says which strings are valid and no decoder sees it."""
    return Automaton.of_neighbours(list(data.meta["judge"])) if "judge" in data.meta else None

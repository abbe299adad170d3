"""The whole numbers that the laboratory takes, and how far each may go: one place for calls, jobs and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rkdiff.core.parts import PartError, shown

#: Least and most of each number. Two particles are the least that have a spread; beyond the most a run no longer fits a person's patience.
RANGES = {
    "seed": (0, 2**31 - 1),
    "seeds": (1, 100),
    "particles": (2, 20_000),
    "calls": (1, 1000),
    "rounds": (0, 5000),
    "fresh": (1, 100),
}


def whole(name: str, value: Any, least: int | None = None) -> int:
    """The number, where it is whole and in its range; `least` raises the lower end for one who needs more.

    Raises:
        PartError: anything else.
    """
    low, high = RANGES[name]
    low = low if least is None else least
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise PartError(f"{name} is {shown(value)}; choose a whole number between {low} and {high}")
    return int(value)


def every(**given: Any) -> None:
    """`whole` for each of some numbers.

    Raises:
        PartError: the first of them that is not.
    """
    for name, value in given.items():
        whole(name, value)


def refuse_unknown(payload: Mapping[str, Any], allowed: Sequence[str]) -> None:
    """Raise `PartError` for an entry of a job's payload that the job does not have."""
    for name in payload:
        if name not in allowed:
            raise PartError(f"this job has no entry {shown(name)}; it has {', '.join(allowed)}")

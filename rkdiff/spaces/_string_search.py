"""Local search over strings by edits: insert, delete or substitute a letter, or exchange two neighbours.

Each round tries some random edits of every string and takes the best one if it comes nearer in H; the distance never rises. Any kernel on
strings will do, gappy ones included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from rkdiff.kernels.strings import lengths

Energy = Callable[[np.ndarray, np.ndarray], np.ndarray]


def search(
    energy: Energy,
    start: UInt8[np.ndarray, "n L"],
    alphabet: UInt8[np.ndarray, " k"],
    bounds: tuple[int, int],
    rounds: int,
    tries: int,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n L"]:
    """Strings with an energy no higher than that of `start`.

    Args:
        energy: of strings and the targets they belong to: (m, L) codes and (m,) indices to (m,) values.
        bounds: fewest and most letters.
        tries: random edits of each string in each round.
    """
    now = start.copy()
    row = np.arange(len(now))
    value = energy(now, row)
    for _ in range(rounds):
        trial = edited(np.repeat(now, tries, axis=0), alphabet, bounds, rng)
        new = energy(trial, np.repeat(row, tries)).reshape(-1, tries)
        best = new.argmin(1)
        least = new[row, best]
        better = least < value - 1e-12
        now[better] = trial.reshape(len(now), tries, -1)[row, best][better]
        value = np.where(better, least, value)
    return now


def edited(
    codes: UInt8[np.ndarray, "n L"], alphabet: UInt8[np.ndarray, " k"], bounds: tuple[int, int], rng: np.random.Generator
) -> UInt8[np.ndarray, "n L"]:
    """One random edit of each string; edits that would leave the bounds change nothing."""
    n, width = codes.shape
    size, kind = lengths(codes), rng.integers(0, 4, n)
    at = rng.integers(0, np.maximum(size + (kind == 0), 1))
    letter = alphabet[rng.integers(0, len(alphabet), n)]
    i = np.arange(width)
    insert = (kind == 0) & (size < bounds[1])
    delete = (kind == 1) & (size > bounds[0])
    swap = (kind == 3) & (at + 1 < size)
    source = i - (insert[:, None] & (i > at[:, None])) + (delete[:, None] & (i >= at[:, None]))
    source = np.where(swap[:, None] & (i == at[:, None]), i + 1, source)
    source = np.where(swap[:, None] & (i == at[:, None] + 1), i - 1, source)
    padded = np.column_stack([codes, np.zeros(n, np.uint8)])
    out = np.take_along_axis(padded, np.minimum(source, width), axis=1)
    write = insert | ((kind == 2) & (size > 0))
    out[write, at[write]] = letter[write]
    return out

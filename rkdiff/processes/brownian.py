"""One Brownian path for every grid: coarse and fine steps see the same noise.

The path W lives on the clock s = log nu and is fixed by a seed alone. It is built by halving (Levy's construction): the middle of an
interval [a, b] given its ends is normal with mean (W_a + W_b) / 2 and variance (b - a) / 4, and every node of the tree draws from a stream
of its own. Times are snapped to a fine dyadic lattice, and increments are divided by the snapped step, so that the increments of any grid
are *exactly* independent standard normals, while 20 steps and 200 follow one and the same path. Numbers are drawn on the CPU.
Reference: Kloeden and Platen 1992, section 2.4.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.rng import Rng

#: The clock covers log nu in [LOW, LOW + SPAN], in 2**DEPTH cells of 2**-14.
LOW, SPAN, DEPTH = -12.0, 32.0, 19


class Brownian:
    """A path of n particles in d coordinates; `increments` walks it along a grid, `at` looks at one time."""

    def __init__(self, n: int, d: int, rng: Rng) -> None:
        self._shape, self._rng = (n, d), rng.child("brownian")
        end = np.sqrt(SPAN) * self._draw(1, 0)
        self._stack = [(0, 1, 0, np.zeros(self._shape), end)]  # level, node, first cell, value at its two ends

    def _draw(self, node: int, end: int = 1) -> Float[np.ndarray, "n d"]:
        return self._rng.numpy(f"{node}" if end else "end").standard_normal(self._shape)

    def _value(self, cell: int) -> Float[np.ndarray, "n d"]:
        """W at the left edge of a cell: down the tree from the last common interval (walks in order are cheap)."""
        while True:
            level, node, first, left, right = self._stack[-1]
            width = 1 << (DEPTH - level)
            if not first <= cell <= first + width:
                self._stack.pop()
            elif cell == first:
                return left
            elif cell == first + width:
                return right
            else:
                sd = np.sqrt(SPAN * width / (1 << DEPTH)) / 2
                middle = (left + right) / 2 + sd * self._draw(node)
                half = first + width // 2
                down = (level + 1, 2 * node, first, left, middle)
                self._stack.append(down if cell <= half else (level + 1, 2 * node + 1, half, middle, right))

    def at(self, log_nu: float) -> Float[np.ndarray, "n d"]:
        """W at a time, to the nearest lattice point."""
        return self._value(int(cells(np.array([log_nu]))[0]))

    def steps(self, log_nu: Float[np.ndarray, " T"]) -> list[tuple[int, int]]:
        """The lattice intervals of a falling grid of times: never empty, in order."""
        c = cells(log_nu)
        for i in range(1, len(c)):  # neighbours closer than a cell move apart
            c[i] = min(c[i], c[i - 1] - 1)
        return list(zip(c[:-1].tolist(), c[1:].tolist(), strict=True))

    def increment(self, step: tuple[int, int]) -> Float[np.ndarray, "n d"]:
        """The standard normal of one interval of `steps`."""
        before, after = step
        return (self._value(after) - self._value(before)) / np.sqrt((before - after) * SPAN / (1 << DEPTH))


def cells(log_nu: Float[np.ndarray, " T"]) -> Int[np.ndarray, " T"]:
    """The lattice points nearest to some times.

    Raises:
        ValueError: a time outside the clock.
    """
    if not ((log_nu >= LOW) & (log_nu <= LOW + SPAN)).all():
        raise ValueError(
            f"log nu runs from {log_nu.min():.4g} to {log_nu.max():.4g}; the Brownian clock covers {LOW} to {LOW + SPAN}"
        )
    return np.rint((log_nu - LOW) * (1 << DEPTH) / SPAN).astype(np.int64)

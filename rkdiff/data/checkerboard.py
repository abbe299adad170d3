"""A chessboard of which only the squares of one colour carry mass: sharp edges, corners that touch, no noise.

The board is [-2, 2]^2 with `cells` squares a side; a square is picked uniformly among those with an even sum of row and column, and the
point uniformly inside it. Learned models spill over the edges, which is what the spill figure (off95) measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rkdiff.core.parts import knob
from rkdiff.data._plane import Draw, PlaneSource

HALF = 2.0


@dataclass(frozen=True)
class Checkerboard(PlaneSource):
    """Uniform on the dark squares of a board: sharp edges everywhere."""

    cells: int = knob(4, 2, 8, help="squares along each side of the board")
    noise: float = knob(0.0, 0.0, 0.3, step=0.01, help="jitter of each point (standard deviation); 0 keeps the edges sharp")

    def draw(self, n: int, generator: np.random.Generator) -> Draw:
        row, column = np.divmod(np.arange(self.cells**2), self.cells)
        dark = np.stack([column, row], axis=1)[(row + column) % 2 == 0]
        square = dark[generator.integers(0, len(dark), n)]
        x = (square + generator.uniform(size=(n, 2))) * (2 * HALF / self.cells) - HALF
        return x + self.noise * generator.standard_normal((n, 2)), None

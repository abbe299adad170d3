"""The picture of a law that is only known by its points: a histogram, blurred.

Each point is shared between the four cells around it, then a Gaussian of `blur` cells is applied along both axes. What lies beyond the
rectangle is lost, as in a window through which one looks; where nothing is lost the values integrate to one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def density(
    points: Float[np.ndarray, "n 2"], extent: tuple[float, float, float, float], size: int = 96, blur: float = 1.5
) -> Float[np.ndarray, "s s"]:
    """Density of points in the plane on a `size` x `size` grid of cells over (x0, x1, y0, y1), row 0 at the bottom."""
    x0, x1, y0, y1 = extent
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"the rectangle {extent} is empty; give x0 < x1 and y0 < y1")
    cells = (points - [x0, y0]) / [x1 - x0, y1 - y0] * size - 0.5
    cells = cells[np.isfinite(cells).all(axis=1)]
    cells = cells[((cells > -1) & (cells < size)).all(axis=1)]
    counts = np.zeros((size + 2, size + 2))
    corner = np.floor(cells).astype(int)
    part = cells - corner
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            np.add.at(counts, (corner[:, 1] + dy + 1, corner[:, 0] + dx + 1), share)
    kernel = _blur(size, blur)
    area = (x1 - x0) * (y1 - y0) / size**2
    values: Float[np.ndarray, "s s"] = kernel @ counts[1:-1, 1:-1] @ kernel.T / (max(len(points), 1) * area)
    return values


def _blur(size: int, width: float) -> Float[np.ndarray, "s s"]:
    """A banded matrix that convolves with a Gaussian of `width` cells; mass that leaves the window is lost."""
    at = np.arange(size)
    if width <= 0:
        return np.eye(size)
    reach = np.arange(-size, size + 1)
    total = np.exp(-0.5 * (reach / width) ** 2).sum()
    out: Float[np.ndarray, "s s"] = np.exp(-0.5 * ((at[:, None] - at[None]) / width) ** 2) / total
    return out

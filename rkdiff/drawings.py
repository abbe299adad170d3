"""One object of each kind as a small picture: what thumbnails and plots of single objects are made of.

Every function draws one object with a pen into a box (left, top, side); what all objects of a picture share, such as the range of their
values, is a `Look`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rkdiff.player.layout import spread

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#6B7480", "#332288")
INK, EDGE, FRESH = "#20262d", "#9aa5af", "#D55E00"
#: Pixels across at which a thin line is one pixel wide.
UNIT = 156
_PITCH, _LEADING = 0.62, 1.3

Box = tuple[float, float, float]  # left, top, side


@dataclass(frozen=True)
class Look:
    """What all objects of a picture share.

    Attributes:
        low, high: range of the values (curves), or corners of the square (clouds, points).
        columns: tables only, what each column is.
        settled: strings only, the objects at the end: letters that differ from them are drawn in another colour.
        places: graphs only, (objects, nodes, 2) where the nodes stand; found out where left out.
        width: pixels of a thin line.
    """

    kind: str
    low: Any = 0.0
    high: Any = 1.0
    columns: Sequence[Mapping[str, Any]] = ()
    settled: np.ndarray | None = None
    places: np.ndarray | None = None
    width: float = 1.0


def draw_object(pen: Any, one: np.ndarray, look: Look, size: float, k: int) -> None:
    """Object k of a picture of `size` pixels: strings under each other, curves over each other, everything else in a square of squares."""
    if look.kind == "strings":
        _string(pen, one, look, (0.06 * size, (0.04 + 0.23 * k) * size), (0.88 * size, 0.23 * size), k)
    elif look.kind == "curves":
        _curve(pen, one, look, (0.0, 0.0, size), k)
    else:
        _DRAW[look.kind](pen, one, look, ((k % 2) * size / 2, (k // 2) * size / 2, size / 2), k)


def draw_points(pen: Any, x: np.ndarray, labels: np.ndarray | None, look: Look, size: float, r: float) -> None:
    """Discs of radius r in the colours of their classes."""
    xy = ((x - look.low) / (look.high - look.low) - 0.5) * 0.88 + 0.5
    for i, (a, b) in enumerate(xy):
        colour = COLOURS[0 if labels is None else int(labels[i]) % len(COLOURS)]
        pen.ellipse((a * size - r, (1 - b) * size - r, a * size + r, (1 - b) * size + r), fill=colour)


def _graph(pen: Any, a: np.ndarray, look: Look, box: Box, k: int) -> None:
    x0, y0, side = box
    places = spread(a[None])[0] if look.places is None else look.places[k]
    xy = np.array([x0, y0]) + (0.14 + 0.72 * places) * side
    for i, j in zip(*np.nonzero(np.triu(a, 1)), strict=True):
        pen.line((*xy[i], *xy[j]), fill=EDGE, width=round(look.width) or 1)
    r = 0.0275 * side
    for i in np.flatnonzero(np.diag(a)):
        pen.ellipse((xy[i][0] - r, xy[i][1] - r, xy[i][0] + r, xy[i][1] + r), fill=COLOURS[0])


def _curve(pen: Any, f: np.ndarray, look: Look, box: Box, k: int) -> None:
    x0, y0, side = box
    share = (f - look.low) / max(look.high - look.low, 1e-9)
    xs = x0 + (0.08 + 0.84 * np.linspace(0, 1, len(f))) * side
    ys = y0 + (0.9 - 0.8 * share) * side
    pen.line(
        list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=COLOURS[k % 6], width=round(2.2 * look.width) or 1, joint="curve"
    )


def _image(pen: Any, picture: np.ndarray, look: Look, box: Box, k: int) -> None:
    x0, y0, side = box
    cell = 0.84 * side / len(picture)
    for i, row in enumerate(picture):
        for j, value in enumerate(row):
            grey = int(255 * (1 - min(max(float(value), 0), 1)))
            left, top = x0 + 0.08 * side + j * cell, y0 + 0.08 * side + i * cell
            pen.rectangle((left, top, left + cell, top + cell), fill=(grey, grey, grey))


def _cloud(pen: Any, points: np.ndarray, look: Look, box: Box, k: int) -> None:
    x0, y0, side = box
    r = max(0.16 * side / np.sqrt(max(len(points), 1)), 0.016 * side)
    for a, b in ((points - look.low) / (look.high - look.low) - 0.5) * 0.82 + 0.5:
        x, y = x0 + a * side, y0 + (1 - b) * side
        pen.ellipse((x - r, y - r, x + r, y + r), fill=COLOURS[k % 3])


def _string(pen: Any, codes: np.ndarray, look: Look, at: tuple[float, float], room: tuple[float, float], k: int) -> None:
    from PIL import ImageFont

    longest = max(1, int((codes != 0).sum()), 0 if look.settled is None else int((look.settled != 0).sum(axis=-1).max()))
    sizes = [(min(room[0] / (-(-longest // n) * _PITCH), room[1] / (n * _LEADING)), n) for n in range(1, 7)]
    size, lines = max(sizes)
    size = min(size, room[1] * 0.5)
    columns = -(-longest // lines)
    font = ImageFont.load_default(max(size, 1))
    for i, code in enumerate(codes[:longest]):
        if not code:
            continue
        fresh = look.settled is not None and look.settled[k][i] != code
        x, y = at[0] + (i % columns + 0.5) * _PITCH * size, at[1] + (i // columns + 0.5) * _LEADING * size
        pen.text((x, y), chr(int(code)), fill=FRESH if fresh else INK, font=font, anchor="mm")


def _table(pen: Any, row: np.ndarray, look: Look, box: Box, k: int) -> None:
    x0, y0, side = box
    columns = look.columns[:5]
    left, right, high = x0 + 0.12 * side, x0 + 0.88 * side, 0.78 * side / max(len(columns), 1)
    pen.rounded_rectangle(
        (x0 + 0.04 * side, y0 + 0.04 * side, x0 + 0.96 * side, y0 + 0.96 * side), 0.06 * side, outline="#c9d0d6"
    )
    r = 0.045 * side
    for j, column in enumerate(columns):
        y = y0 + 0.11 * side + (j + 0.5) * high
        if column["type"] == "category":
            levels = len(column["levels"])
            step = (right - left) / max(levels, 1)
            x = left + (int(row[j]) + 0.5) * step
            pen.rectangle(
                (x - min(step, 3 * r) / 2, y - r, x + min(step, 3 * r) / 2, y + r), fill=COLOURS[int(row[j]) % len(COLOURS)]
            )
            continue
        share = (row[j] - column["low"]) / max(column["high"] - column["low"], 1e-9)
        x = left + float(np.clip(share, 0, 1)) * (right - left)
        pen.line((left, y, right, y), fill=EDGE, width=round(look.width) or 1)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=INK)


_DRAW: Mapping[str, Callable[..., None]] = {"graphs": _graph, "images": _image, "clouds": _cloud, "tables": _table}

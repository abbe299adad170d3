"""Small pictures of datasets: a still one of some objects, and a moving one of a run that goes from the data to noise and back.

Every kind has one function that draws one object in a box, so the still and the moving picture of a kind look the same. A moving picture is
an animated WebP of at most `LIMIT` bytes; it rests at the data, which is also where it starts.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rkdiff.core.records import Dataset, Trajectory
from rkdiff.player.layout import spread

#: Pixels of the still and of the moving picture, and how many times larger they are drawn first.
STILL, MOVING, ZOOM = 156, 88, 4
#: Most bytes of a moving picture.
LIMIT = 14_000
#: Milliseconds: at the data, of a frame on the way to the noise, of a frame on the way back.
REST, AWAY, BACK = 1500, 70, 110
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#6B7480", "#332288")
INK, EDGE, FRESH = "#20262d", "#9aa5af", "#D55E00"
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


def still(data: Dataset) -> Any:
    """A small picture of a dataset: its points, or a few of its objects."""
    if data.modality == "points":
        return _points(data.train[:900], data.train_labels, look_of(data.modality, data.train), STILL)
    some = data.train[[(7 * k + 3) % len(data.train) for k in range(8)]]
    return draw(some, look_of(data.modality, data.train, data.meta.get("columns", ())), STILL)


def look_of(kind: str, values: np.ndarray, columns: Sequence[Mapping[str, Any]] = ()) -> Look:
    """One scale for all objects: values (..., the axes of an object)."""
    if kind in ("points", "clouds"):
        flat = values.reshape(-1, 2)
        middle, half = (flat.max(0) + flat.min(0)) / 2, max(float(np.ptp(flat, axis=0).max()) / 2, 1e-9)
        return Look(kind, middle - half, middle + half)
    if kind == "curves":
        return Look(kind, float(values.min()), float(values.max()))
    return Look(kind, columns=tuple(columns))


def draw(objects: np.ndarray, look: Look, side: int) -> Any:
    """A picture of objects of one kind: strings under each other, curves over each other, everything else in a square of squares."""
    from PIL import Image, ImageDraw

    size = side * ZOOM
    image = Image.new("RGB", (size, size), "white")
    pen = ImageDraw.Draw(image)
    look = replace(look, width=size / STILL, settled=objects if look.settled is None else look.settled)
    for k, one in enumerate(objects[: 8 if look.kind == "curves" else 4]):
        if look.kind == "strings":
            _string(pen, one, look, (0.06 * size, (0.04 + 0.23 * k) * size), (0.88 * size, 0.23 * size), k)
        elif look.kind == "curves":
            _curve(pen, one, look, (0.0, 0.0, size), k)
        else:
            _DRAW[look.kind](pen, one, look, ((k % 2) * size / 2, (k // 2) * size / 2, size / 2), k)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def frames(values: np.ndarray, look: Look, places: np.ndarray | None = None) -> list[Any]:
    """A picture of every moment; values (moments, objects, ...), places (moments, objects, nodes, 2) for graphs."""
    look = replace(look, settled=values[-1])
    return [draw(v, replace(look, places=None if places is None else places[i]), MOVING) for i, v in enumerate(values)]


def cloud_frames(t: Trajectory, count: int = 12, most: int = 220) -> list[Any]:
    """A picture of a moving cloud of points at evenly spaced moments."""
    x = t.at(np.linspace(0, 1, count))[:, :most]
    middle = (x[-1].max(0) + x[-1].min(0)) / 2
    half = max(float(np.ptp(x[-1], axis=0).max()) / 2, 1.6)
    labels = None if t.labels is None else t.labels[:most]
    return [_points(frame, labels, Look("points", middle - half, middle + half), MOVING) for frame in x]


def animate(pictures: Sequence[Any]) -> bytes:
    """Pictures from noise to data as one looping WebP that starts and rests at the data, in the best quality within `LIMIT`."""
    away = [*pictures[-2:0:-2]]
    order = [pictures[-1], *away, *pictures[:-1]]
    times = [REST, *[AWAY] * len(away), *[BACK] * (len(pictures) - 1)]
    for shades, quality in ((3, 100), (2, 100), (1, 100), (0, 70), (0, 55), (0, 40), (0, 28), (0, 18), (0, 8), (0, 0)):
        out, given = io.BytesIO(), [_plain(p, shades) if shades else p for p in order]
        options = {"lossless": bool(shades), "quality": quality, "method": 4, "minimize_size": True}
        given[0].save(out, "WEBP", save_all=True, append_images=given[1:], duration=times, loop=0, **options)
        if out.tell() <= LIMIT:
            break
    return out.getvalue()


def _plain(picture: Any, shades: int) -> Any:
    """The picture in our own colours, each in so many shades towards white, and in a few greys: small without loss, and no hue is mixed."""
    from PIL import Image, ImageColor

    full = np.array([ImageColor.getrgb(c) for c in (*COLOURS, INK, EDGE)])
    mixes = [255 + (full - 255) * (k + 1) / shades for k in range(shades)]
    greys = np.repeat(np.linspace(0, 255, 4 * shades), 3).reshape(-1, 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([*mixes, greys]).round().astype(np.uint8).ravel().tolist())
    return picture.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")


def _points(x: np.ndarray, labels: np.ndarray | None, look: Look, side: int) -> Any:
    from PIL import Image, ImageDraw

    size = side * ZOOM
    image = Image.new("RGB", (size, size), "white")
    pen = ImageDraw.Draw(image)
    xy = ((x - look.low) / (look.high - look.low) - 0.5) * 0.88 + 0.5
    r = (1.5 if side == STILL else 1.25) * ZOOM
    for i, (a, b) in enumerate(xy):
        colour = COLOURS[0 if labels is None else int(labels[i]) % len(COLOURS)]
        pen.ellipse((a * size - r, (1 - b) * size - r, a * size + r, (1 - b) * size + r), fill=colour)
    return image.resize((side, side), Image.Resampling.LANCZOS)


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


_DRAW = {"graphs": _graph, "images": _image, "clouds": _cloud, "tables": _table}

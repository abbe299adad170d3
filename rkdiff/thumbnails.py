"""Small pictures of datasets: a still one of some objects, and a moving one of a run that goes from the data to noise and back.

Both are drawn by the same functions, so they look the same. A moving picture is an animated WebP of at most `LIMIT` bytes; it rests at the
data, which is also where it starts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rkdiff.core.records import Dataset, Trajectory
from rkdiff.drawings import COLOURS, EDGE, INK, UNIT, Look, draw_object, draw_points

#: Pixels of the still and of the moving picture, and how many times larger they are drawn first.
STILL, MOVING, ZOOM = UNIT, 88, 4
#: Most bytes of a moving picture.
LIMIT = 14_000
#: Milliseconds: at the data, of a frame on the way to the noise, of a frame on the way back.
REST, AWAY, BACK = 1500, 70, 110


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
    look = replace(look, width=side * ZOOM / UNIT, settled=objects if look.settled is None else look.settled)

    def paint(pen: Any, size: float) -> None:
        for k, one in enumerate(objects[: 8 if look.kind == "curves" else 4]):
            draw_object(pen, one, look, size, k)

    return _painted(paint, side)


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
    r = (1.5 if side == STILL else 1.25) * ZOOM
    return _painted(lambda pen, size: draw_points(pen, x, labels, look, size, r), side)


def _painted(paint: Callable[[Any, float], None], side: int) -> Any:
    """What `paint` draws, larger first and then made small, so that edges are smooth."""
    from PIL import Image, ImageDraw

    size = side * ZOOM
    image = Image.new("RGB", (size, size), "white")
    paint(ImageDraw.Draw(image), size)
    return image.resize((side, side), Image.Resampling.LANCZOS)

"""Make what ships with the app: one thumbnail and one moving scene for each dataset, and the icon.

    python -m rkdiff.assets [NAME ...]     the datasets, all of them without a name
    python -m rkdiff.assets film           the README's moving picture (needs Chromium)

Everything is the product of real runs with seed 0; nothing is drawn by hand. Run it after a dataset or the scene format changed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from rkdiff.core.parts import choices, make
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment
from rkdiff.player.html import standalone
from rkdiff.player.layout import spread
from rkdiff.player.scene import pack
from rkdiff.scenes import scene_of
from rkdiff.stages import run

FOLDER = Path(__file__).resolve().parents[1] / "assets"
SIDE, ZOOM = 156, 4
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#6B7480", "#332288")
#: The methods on the stage before anybody trained anything.
SHIPPED = ("kernel_diffusion", "network_diffusion")


def experiments(data: str) -> list[Experiment]:
    """The runs behind a dataset's shipped scene: two panels for the first dataset a visitor sees, one for the others."""
    first = data == "two_moons"
    methods = SHIPPED if first else SHIPPED[:1]
    source = make("data", data)
    particles = 1000 if first else 500 if source.modality == "points" else 200
    return [Experiment(source, make("method", m), particles=particles, repeats=1) for m in methods]


def ship(data: str) -> None:
    """Write the thumbnail and the scene of one dataset."""
    dataset = make("data", data).make(Rng(0).child("data"))
    thumbnail(dataset).save(FOLDER / "thumbnails" / f"{data}.png", optimize=True)
    runs = [run(e, "cpu") for e in experiments(data)]
    (FOLDER / "scenes" / f"{data}.rkscene").write_bytes(pack(scene_of(runs), 80 if len(runs) > 1 else 60))


def thumbnail(data: Dataset) -> Any:
    """A small picture of a dataset: points, or four of its objects."""
    from PIL import Image, ImageDraw

    size = SIDE * ZOOM
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    if data.modality == "points":
        _points(draw, data, size)
    else:
        for k in range(4):
            box = ((k % 2) * size / 2, (k // 2) * size / 2, size / 2)
            {"graphs": _graph, "curves": _curve, "images": _image}[data.modality](draw, data, k, box)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).quantize(48)


def _points(draw: Any, data: Dataset, size: int) -> None:
    x = data.train[:900]
    low, high = data.train.min(0), data.train.max(0)
    xy = (x - (low + high) / 2) / (high - low).max() * 0.88 + 0.5
    r = 1.5 * ZOOM
    for i, (a, b) in enumerate(xy):
        colour = COLOURS[0 if data.train_labels is None else int(data.train_labels[i]) % len(COLOURS)]
        draw.ellipse((a * size - r, (1 - b) * size - r, a * size + r, (1 - b) * size + r), fill=colour)


def _graph(draw: Any, data: Dataset, k: int, box: tuple[float, float, float]) -> None:
    a = data.train[(7 * k + 3) % len(data.train)]
    x0, y0, side = box
    xy = np.array([x0, y0]) + (0.14 + 0.72 * spread(a[None])[0]) * side
    for i, j in zip(*np.nonzero(np.triu(a, 1)), strict=True):
        draw.line((*xy[i], *xy[j]), fill="#9aa5af", width=ZOOM)
    for i in np.flatnonzero(np.diag(a)):
        r = 2.2 * ZOOM
        draw.ellipse((xy[i][0] - r, xy[i][1] - r, xy[i][0] + r, xy[i][1] + r), fill=COLOURS[0])


def _curve(draw: Any, data: Dataset, k: int, box: tuple[float, float, float]) -> None:
    low, high = data.train.min(), data.train.max()
    x0, y0, side = box
    for i in range(3):
        f = (data.train[(3 * k + i) % len(data.train)] - low) / (high - low)
        xs = x0 + (0.08 + 0.84 * np.linspace(0, 1, len(f))) * side
        ys = y0 + (0.9 - 0.8 * f) * side
        draw.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=COLOURS[i], width=ZOOM, joint="curve")


def _image(draw: Any, data: Dataset, k: int, box: tuple[float, float, float]) -> None:
    picture = data.train[k]
    x0, y0, side = box
    cell = 0.84 * side / len(picture)
    for i, row in enumerate(picture):
        for j, value in enumerate(row):
            grey = int(255 * (1 - min(max(float(value), 0), 1)))
            left, top = x0 + 0.08 * side + j * cell, y0 + 0.08 * side + i * cell
            draw.rectangle((left, top, left + cell, top + cell), fill=(grey, grey, grey))


def icon() -> None:
    """The icon: a noisy cloud that becomes a ring."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 255, 255), 56, fill="#10344f")
    rng = Rng(0).numpy("icon")
    for k in range(150):
        angle, t = rng.uniform(0, 2 * np.pi), k / 150
        radius = 74 + rng.normal(0, 34 * (1 - t))
        x, y, r = 128 + radius * np.cos(angle), 128 + radius * np.sin(angle), 4 + 4 * t
        draw.ellipse((x - r, y - r, x + r, y + r), fill="#f2a14b" if t > 0.45 else "#6cb4ee")
    image.resize((64, 64), Image.Resampling.LANCZOS).save(FOLDER / "icon.png", optimize=True)


def film(frames: int = 44) -> None:
    """The moving picture of the README: the stage itself, photographed frame by frame in Chromium."""
    import io
    import shutil
    import tempfile

    from PIL import Image
    from playwright.sync_api import sync_playwright

    scene = scene_of([run(e, "cpu") for e in experiments("two_moons")])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        file = Path(folder) / "film.html"
        file.write_text(standalone(scene), encoding="utf-8")
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 860, "height": 640})
        page.goto(file.as_uri())
        page.wait_for_function("() => window.__rk?.[0]?.draws > 0")
        shots = []
        for k in range(frames):
            page.evaluate("(t) => __rk[0].seek(t)", k / (frames - 1))
            shots.append(Image.open(io.BytesIO(page.locator("canvas").screenshot())).convert("RGB").quantize(40))
        browser.close()
    times = [70] * (frames - 1) + [1800]
    shots[0].save(FOLDER / "moving.gif", save_all=True, append_images=shots[1:], duration=times, loop=0, optimize=True)


def main(names: list[str]) -> None:
    """Ship the named datasets, or all of them; `film` photographs the README's picture instead."""
    if names == ["film"]:
        film()
        return
    for folder in ("thumbnails", "scenes"):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    icon()
    for name in names or choices("data"):
        ship(name)
        print(f"shipped {name}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])

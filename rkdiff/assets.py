"""Make what ships with the app: for each dataset a still and a moving thumbnail and a scene, and the icon.

    python -m rkdiff.assets [NAME ...]     the datasets, all of them without a name
    python -m rkdiff.assets races          the races of the Transport page
    python -m rkdiff.assets film           the README's moving picture (needs Chromium)

Everything is the product of real runs with seed 0; nothing is drawn by hand. Run it after a dataset or the scene format changed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from rkdiff.core.parts import choices, make
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment, Run
from rkdiff.player.html import standalone
from rkdiff.player.scene import pack
from rkdiff.scenes import scene_of
from rkdiff.stages import prepare, run
from rkdiff.thumbnails import animate, cloud_frames, frames, look_of, still

FOLDER = Path(__file__).resolve().parents[1] / "assets"
#: The methods on the stage before anybody trained anything, for the plane and for structured data.
PLANE, STRUCTURED = ("kernel_diffusion", "network_diffusion"), ("kernel_diffusion", "gaussian")
#: Who races on the Transport page before anybody trained anything, and the datasets whose race ships.
RACERS, RACES = ("sliced_wasserstein_flow", "learned_sliced_flow", "exact"), ("two_moons", "eight_gaussians", "digits")
#: Moments and noise levels of the moving thumbnails of strings.
MOMENTS, NOISIEST, QUIETEST = 12, 6.0, 0.15


def experiments(data: str) -> list[Experiment]:
    """The runs behind a dataset's shipped scene: beside kernel diffusion stands the Gaussian control, and a network for the first dataset.

    The other plane datasets have one panel.
    """
    first, source = data == "two_moons", make("data", data)
    methods = PLANE[: 2 if first else 1] if source.modality == "points" else STRUCTURED
    particles = 1000 if first else 500 if source.modality == "points" else 200
    return [Experiment(source, make("method", m), particles=particles, repeats=1) for m in methods]


def ship(data: str) -> None:
    """Write the thumbnails and the scene of one dataset."""
    dataset = make("data", data).make(Rng(0).child("data"))
    still(dataset).quantize(48).save(FOLDER / "thumbnails" / f"{data}.png", optimize=True)
    runs = [run(e, "cpu") for e in experiments(data)]
    (FOLDER / "thumbnails" / f"{data}.webp").write_bytes(moving(runs[0], dataset))
    (FOLDER / "scenes" / f"{data}.rkscene").write_bytes(pack(scene_of(runs), 80 if data == "two_moons" else 60))


def race(data: str) -> list[Experiment]:
    """The runs behind a race that ships; fewer particles than a person's, so that three panels stay small."""
    source = make("data", data)
    particles = 400 if source.modality == "points" else 150
    return [Experiment(source, make("method", m), particles=particles, repeats=1) for m in RACERS]


def ship_race(data: str) -> None:
    """Write the race of one dataset, with the slices of its flow."""
    scene = scene_of([run(e, "cpu") for e in race(data)], slices=True)
    (FOLDER / "scenes" / f"transport_{data}.rkscene").write_bytes(pack(scene, 60))


def moving(made: Run, data: Dataset) -> bytes:
    """The moving thumbnail of a run: the cloud itself, or what its first particles are decoded to."""
    if data.modality == "points":
        return animate(cloud_frames(made.picture()))
    values = noised(made.experiment) if data.modality == "strings" else made.arrays["objects.values"]
    look = look_of(data.modality, np.concatenate([values[-1], data.train]), data.meta.get("columns", ()))
    return animate(frames(values, look, made.arrays.get("objects.layout")))


def noised(e: Experiment, count: int = 4) -> np.ndarray:
    """Real objects (MOMENTS, count, ...) behind falling noise, decoded at every level from noise of its own.

    Along a flow the direction of x, and with it a decoded string, changes at few moments; independent noise changes it at every one:

        y = (z + nu eps) / sqrt(1 + nu^2)        (nu falls from NOISIEST to QUIETEST and ends at 0)
    """
    p = prepare(e, "cpu")
    z = p.problem.x[[(7 * k + 3) % len(p.problem.x) for k in range(count)]]
    levels = [*np.geomspace(NOISIEST, QUIETEST, MOMENTS - 1), 0.0]
    rng = p.rng.child("thumbnail")
    states = [(z + nu * rng.numpy(f"noise {k}").normal(size=z.shape)) / np.hypot(1, nu) for k, nu in enumerate(levels)]
    return np.stack([p.space.decode(y, rng.child(f"decode {k}")) for k, y in enumerate(states)])


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
    """Ship the named datasets, or all of them; `races` the races instead, `film` photographs the README's picture."""
    if names == ["film"]:
        film()
        return
    if names == ["races"]:
        for name in RACES:
            ship_race(name)
        return
    for folder in ("thumbnails", "scenes"):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    icon()
    todo, began = names or list(choices("data")), time.process_time()
    for k, name in enumerate(todo, 1):
        start = time.process_time()
        ship(name)
        spent = f"{time.process_time() - start:.1f} CPU seconds, {time.process_time() - began:.0f} in all"
        print(f"{k:2d} of {len(todo)}: {name} ({spent})", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])

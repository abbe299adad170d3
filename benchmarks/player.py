"""Bytes over the wire, main-thread time and frames a second of the player, in headless Chromium.

Scenes of 2 panels x 2000 points x 100 frames (and a few others) play as stand-alone pages. "draw ms" is the time inside the player's own
drawing, by performance.now() around it; "cpu ms" is the processor time of the page's main thread for each drawn frame, everything the
browser does there included; "task ms" and "script ms" are the same work on the wall clock, all and JavaScript alone, from the browser's
own counters. They are medians or means while the scene plays; "frames / s" is what was drawn. A busy machine makes the wall clock
worse, so the seeds repeat the measurement. Options: `seconds` to measure for (4), `scale`
device pixels for each CSS pixel (1).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Row
from rkdiff.core.records import Density, Field, Panel, Scene, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.player import pack, standalone

SEEDS = 3
VIEW = (-3.0, 3.0, -2.5, 2.5)
#: Name of a scene: panels, points in each, layers that are on, classes.
SCENES: dict[str, tuple[int, int, tuple[str, ...], int]] = {
    "2 x 2000": (2, 2000, ("trails", "density"), 0),
    "2 x 2000, classes": (2, 2000, ("trails", "density"), 4),
    "2 x 2000, arrows": (2, 2000, ("trails", "density", "arrows"), 0),
    "2 x 2000, bare": (2, 2000, (), 0),
    "6 x 1000": (6, 1000, ("trails", "density"), 0),
    "1 x 10000": (1, 10000, ("trails", "density"), 0),
}
_ARGS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_WATCH = """(seconds) => new Promise((done) => {
  const player = window.__rk[0], times = [], begin = performance.now();
  let seen = player.draws;
  const look = (now) => {
    if (player.t > 0.9) player.state.t = 0.05;  // always in motion, never in the hold at the end
    if (player.draws !== seen) { times.push(player.lastDrawMs); seen = player.draws; }
    if (now - begin < 1000 * seconds) requestAnimationFrame(look);
    else done({ times, seconds: (now - begin) / 1000 });
  };
  requestAnimationFrame(look);
})"""


def scene(panels: int, n: int, classes: int, seed: int) -> Scene:
    """Swirls of normal points into a ring: every particle moves in every frame."""
    hues = ("exact", "model", "second", "third", "data", "model")
    y, x = np.mgrid[-2.5:2.5:96j, -3:3:96j]
    ring = Density(np.exp(-8 * (np.hypot(x, y) - 1.5) ** 2), VIEW)
    at = np.stack(np.meshgrid(np.linspace(-2.8, 2.8, 20), np.linspace(-2.3, 2.3, 17)), -1).reshape(-1, 2)
    arrows = Field(np.array([0.0, 1.0]), at, np.stack([-at, np.stack([-at[:, 1], at[:, 0]], 1)]))
    made = []
    for k in range(panels):
        rng = Rng(seed).child(str(k)).numpy("particles")
        z, angle = rng.normal(size=(n, 2)), rng.uniform(0, 2 * np.pi, n)
        end = 1.5 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.08 * rng.normal(size=(n, 2))
        u = np.linspace(0, 1, 41)
        turn = 2.0 * (1 - u)
        mixed = (1 - u)[:, None, None] * z + u[:, None, None] * end
        spin = np.stack([np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], -2)
        labels = rng.integers(0, classes, n) if classes else None
        path = Trajectory(u, np.einsum("tij,tnj->tni", spin, mixed), labels, {"t": 1 - u, "sigma": 80 * (1 - u) ** 3}, 40)
        made.append(Panel(f"Panel {k + 1}", path, hues[k], ring, arrows))
    return Scene(tuple(made), VIEW)


def rows(seeds: int, seconds: str = "4", scale: str = "1", device: str = "cpu") -> Iterator[Row]:
    """Measure every scene in one browser; `device` is ignored, the browser draws in software or with what it finds."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise SystemExit("benchmarks player needs playwright: pip install -r requirements-dev.txt") from error

    names = ("chromium", "chromium-browser", "google-chrome")
    browser_path = os.environ.get("RKDIFF_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not browser_path:
        raise SystemExit("benchmarks player needs a Chromium on the PATH, or its path in RKDIFF_CHROMIUM")
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=browser_path, args=list(_ARGS))
        for seed in range(seeds):
            for name, (panels, n, show, classes) in SCENES.items():
                data = pack(scene(panels, n, classes, seed), 100, show=show)
                yield Row(name, "player", seed, "MB", len(data) / 1e6)
                file = Path(folder, "scene.html")
                file.write_text(standalone(data), encoding="utf-8")
                page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=float(scale))
                for metric, value in _measure(page, file.as_uri(), float(seconds)).items():
                    yield Row(name, "player", seed, metric, value)
                page.close()
        browser.close()


def _measure(page: Any, url: str, seconds: float) -> dict[str, float]:
    page.goto(url)
    page.wait_for_function("() => window.__rk?.[0]?.draws > 30")  # warm
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def counters() -> dict[str, float]:
        return {m["name"]: m["value"] for m in client.send("Performance.getMetrics")["metrics"]}

    before = counters()
    seen = page.evaluate(_WATCH, seconds)
    after = counters()
    frames = max(1, len(seen["times"]))
    return {
        "draw ms": float(np.median(seen["times"])),
        "draw p95 ms": float(np.percentile(seen["times"], 95)),
        "cpu ms": 1000 * (after["ThreadTime"] - before["ThreadTime"]) / frames,
        "task ms": 1000 * (after["TaskDuration"] - before["TaskDuration"]) / frames,
        "script ms": 1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / frames,
        "frames / s": frames / seen["seconds"],
    }

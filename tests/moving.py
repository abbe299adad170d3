"""Small scenes whose every position is known, for the tests of the player."""

from __future__ import annotations

import numpy as np

from rkdiff.core.records import Density, Field, Objects, Panel, Scene, Trajectory

HUES = ("exact", "model", "second", "third", "data", "model")
VIEW = (-2.0, 2.0, -1.5, 1.5)


def straight(n: int = 40, steps: int = 30, labels: bool = False, seed: int = 0) -> Trajectory:
    """Particles go straight from a ring of radius 1.2 (noise) to the segment y = -0.5, |x| < 1 (data), evenly in u."""
    angle = 2 * np.pi * (np.arange(n) + 0.1 * seed) / n
    start = 1.2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    end = np.stack([np.linspace(-1, 1, n), np.full(n, -0.5)], 1)
    u = np.linspace(0, 1, steps) if steps > 1 else np.ones(1)
    x = (1 - u)[:, None, None] * start + u[:, None, None] * end
    sigma = 80 * (1 - u)
    with np.errstate(divide="ignore"):
        curves = {"t": 1 - u, "sigma": sigma, "logsnr": -2 * np.log(sigma)}
    return Trajectory(u, x, np.arange(n) % 3 if labels else None, curves, calls=steps)


def density() -> Density:
    y, x = np.mgrid[-1.5:1.5:30j, -2:2:40j]
    return Density(np.exp(-8 * (y + 0.5) ** 2) * (np.abs(x) < 1), VIEW)


def arrows() -> Field:
    at = np.stack(np.meshgrid(np.linspace(-1.8, 1.8, 8), np.linspace(-1.3, 1.3, 6)), -1).reshape(-1, 2)
    return Field(np.array([0.0, 0.5, 1.0]), at, np.stack([at, -at, 0.2 * at]))


def objects(kind: str, k: int = 4) -> Objects:
    rng = np.random.default_rng(1)
    u = np.linspace(0, 1, 5)
    if kind == "graphs":
        upper = np.triu(rng.uniform(size=(5, k, 6, 6)) < 0.4, 1)
        values = (upper | upper.swapaxes(2, 3) | np.eye(6, dtype=bool)).astype(np.uint8)
    else:
        values = rng.uniform(size=(5, k, 20) if kind == "curves" else (5, k, 8, 8))
    return Objects(kind, np.arange(k) * 3, u, values, nearest=values[0])


def scene(panels: int = 2, direction: str = "backward", kind: str = "", title: str = "", **kwargs: object) -> Scene:
    """One to six panels with everything a panel can carry; `kwargs` go to `straight`."""
    made = tuple(
        Panel(
            f"Method {i + 1}", straight(seed=i, **kwargs), HUES[i], density(), arrows(),  # type: ignore[arg-type]
            objects(kind) if kind else None, straight(12).end, (f"sliced W2 1.{i} × floor",),
        )
        for i in range(panels)
    )  # fmt: skip
    forward = tuple(straight(n=24, seed=i) for i in range(panels)) if direction == "both" else ()
    return Scene(made, VIEW, title, ("x", "y"), direction, forward)

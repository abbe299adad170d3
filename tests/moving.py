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


COLUMNS = (
    {"name": "age", "type": "integer", "low": 18, "high": 90},
    {"name": "island", "type": "category", "levels": ["Biscoe", "Dream", "Torgersen"]},
    {"name": "bill length", "type": "number", "low": 32.0, "high": 60.0},
    {"name": "body mass", "type": "integer", "low": 2700, "high": 6300},
    {"name": "sex", "type": "category", "levels": ["female", "male"]},
    {"name": "a column with a long name", "type": "number", "low": -1e-3, "high": 1e-3},
    {"name": "constant", "type": "number", "low": 3.0, "high": 3.0},
    {"name": "year", "type": "integer", "low": 2007, "high": 2009},
)


def values(kind: str, k: int = 4, moments: int = 5) -> np.ndarray:
    """Objects of a kind at some moments, (moments, k, ...): noise that settles."""
    rng = np.random.default_rng(1)
    if kind == "graphs":
        upper = np.triu(rng.uniform(size=(moments, k, 6, 6)) < 0.4, 1)
        return np.asarray((upper | upper.swapaxes(2, 3) | np.eye(6, dtype=bool)).astype(np.uint8))
    if kind == "strings":
        end = np.frombuffer(b"ab(cd)+ef(gh)*ij", np.uint8).repeat(2)[:26]
        keep = rng.uniform(size=(moments, k, 26)) < np.linspace(0.2, 1, moments)[:, None, None]
        codes = np.where(keep, end, rng.integers(97, 110, (moments, k, 26)))
        return np.asarray(np.where(np.arange(26) < 18 + 2 * np.arange(k)[:, None], codes, 0).astype(np.uint8))
    if kind == "clouds":
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        ring = np.stack([3 + 2 * np.cos(angle), np.sin(angle) - 5], 1)
        away = np.linspace(1, 0, moments)[:, None, None, None]
        return np.asarray(ring + away * rng.normal(size=(moments, k, 40, 2)))
    if kind == "tables":
        low, high = (np.array([c.get(end, e) for c in COLUMNS], float) for end, e in (("low", 0), ("high", 1)))
        rows = low + (high - low) * rng.uniform(size=(moments, k, len(COLUMNS)))
        whole = [c["type"] != "number" for c in COLUMNS]
        return np.asarray(np.where(whole, np.round(rows), rows))
    return np.asarray(rng.uniform(size=(moments, k, 20) if kind == "curves" else (moments, k, 8, 8)))


def objects(kind: str, k: int = 4, targets: int = 0) -> Objects:
    """Objects of some particles; with `targets`, the first moment and the second object are not valid and training points pull."""
    u, given = np.linspace(0, 1, 5), values(kind, k)
    columns = COLUMNS if kind == "tables" else ()
    if not targets:
        return Objects(kind, np.arange(k) * 3, u, given, nearest=given[0], columns=columns)
    valid = np.ones((5, k), bool)
    valid[0] = False
    valid[:, 1] = False
    rng = np.random.default_rng(2)
    pull = np.argsort(rng.uniform(size=(5, k, targets)), axis=-1)[..., :5]
    weights = np.sort(rng.dirichlet(np.full(6, 0.6), (5, k)), axis=-1)[..., :0:-1]
    return Objects(kind, np.arange(k) * 3, u, given, None, given[-1], valid, pull, weights, columns)


def scene(
    panels: int = 2, direction: str = "backward", kind: str = "", title: str = "", pulled: bool = False, **kwargs: object
) -> Scene:
    """One to six panels with everything a panel can carry; `kwargs` go to `straight`."""
    made = tuple(
        Panel(
            f"Method {i + 1}", straight(seed=i, **kwargs), HUES[i], density(), arrows(),  # type: ignore[arg-type]
            objects(kind, targets=12 if pulled else 0) if kind else None, straight(12).end, (f"sliced W2 1.{i} × floor",),
        )
        for i in range(panels)
    )  # fmt: skip
    forward = tuple(straight(n=24, seed=i) for i in range(panels)) if direction == "both" else ()
    return Scene(made, VIEW, title, ("x", "y"), direction, forward)

"""Refusals: what a scene must be before anything of it is packed.

Each message says which panel, what was given and what is possible. A picture with a single NaN would be drawn wrong in silence by a canvas,
so every array is looked at, also the ones that are off at first.
"""

from __future__ import annotations

import numpy as np

from rkdiff.core.records import Panel, Scene, Trajectory
from rkdiff.player.check_objects import check_objects, finite
from rkdiff.player.slices import check_slices

HUES = ("data", "model", "exact", "second", "third")
#: Most characters of an end of the clock: both stand on one line of a phone.
LONGEST = 24
DIRECTIONS = ("backward", "forward", "both")


def check(scene: Scene) -> None:
    """Raise ValueError for a scene that cannot be drawn."""
    if not 1 <= len(scene.panels) <= 6:
        raise ValueError(f"a scene has {len(scene.panels)} panels; give 1 to 6")
    if scene.direction not in DIRECTIONS:
        raise ValueError(f"direction is {scene.direction!r}; choose one of {', '.join(DIRECTIONS)}")
    x0, x1, y0, y1 = scene.view
    if not (np.isfinite(scene.view).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"the view is {scene.view}; give finite x0 < x1, y0 < y1")
    if len(scene.forward) not in ((len(scene.panels),) if scene.direction == "both" else (0, len(scene.panels))):
        given = f"direction {scene.direction!r} with {len(scene.panels)} panels and {len(scene.forward)} forward trajectories"
        raise ValueError(f"{given}; give one forward trajectory a panel")
    if len(scene.ends) != 2 or not all(isinstance(end, str) and 0 < len(end) <= LONGEST for end in scene.ends):
        raise ValueError(f"the ends of the clock are {scene.ends!r}; give two names of 1 to {LONGEST} characters")
    for i, panel in enumerate(scene.panels):
        _panel(f"panel {i + 1} ({panel.title})", panel)
    for i, leg in enumerate(scene.forward):
        _leg(f"forward trajectory {i + 1}", leg)


def _leg(where: str, t: Trajectory) -> None:
    if t.x.ndim != 3 or t.x.shape[2] != 2:
        raise ValueError(f"{where}: positions have shape {t.x.shape}; a panel draws (frames, particles, 2)")
    finite(where, "positions", t.x)
    if t.labels is not None:
        if t.labels.shape != (t.x.shape[1],):
            raise ValueError(
                f"{where}: {t.x.shape[1]} particles have labels of shape {t.labels.shape}; give one label a particle"
            )
        if t.labels.size and t.labels.max() > 254:
            raise ValueError(f"{where}: a label is {t.labels.max()}; the player draws classes 0 to 254")
    for name, curve in t.curves.items():
        if np.shape(curve) != np.shape(t.u):
            raise ValueError(
                f"{where}: curve {name!r} has shape {np.shape(curve)}; give one value for each of {len(t.u)} times"
            )
        if np.isnan(curve).any():
            raise ValueError(f"{where}: curve {name!r} has undefined values; an infinite value may be shown, NaN may not")


def _panel(where: str, p: Panel) -> None:
    if p.hue not in HUES:
        raise ValueError(f"{where}: hue is {p.hue!r}; choose one of {', '.join(HUES)}")
    _leg(where, p.trajectory)
    if p.target is not None:
        finite(where, "target points", p.target)
    if p.density is not None:
        finite(where, "density values", p.density.values)
        if (p.density.values < 0).any():
            raise ValueError(f"{where}: a density has negative values")
        x0, x1, y0, y1 = p.density.extent
        if not (np.isfinite(p.density.extent).all() and x0 < x1 and y0 < y1):
            raise ValueError(f"{where}: the extent of the density is {p.density.extent}; give finite x0 < x1, y0 < y1")
    if p.arrows is not None:
        finite(where, "arrows", p.arrows.v)
        finite(where, "places of arrows", p.arrows.at)
        finite(where, "times of arrows", p.arrows.u)
    if p.objects is not None:
        check_objects(where, p.objects, p.trajectory.x.shape[1])
    if p.slices is not None:
        check_slices(where, p.slices)

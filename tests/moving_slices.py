"""A small scene of a sliced flow whose directions and matchings are known, for the tests of the player."""

from __future__ import annotations

from dataclasses import replace

import moving
import numpy as np

from rkdiff.core.records import Scene, Slices

LINES, LEVELS = 6, 9


def slices(moments: int = 5) -> Slices:
    """Six directions, turned a little at each moment; the cloud is twice as wide as the target and comes half of the way."""
    u = np.arange(moments) / moments
    angle = np.pi * (np.arange(LINES) + 0.5 * (np.arange(moments) % 2)[:, None]) / LINES
    theta = np.stack([np.cos(angle), np.sin(angle)], -1)
    target = np.broadcast_to(np.linspace(-0.5, 0.5, LEVELS), (moments, LINES, LEVELS)).copy()
    source, later = ((2 - v)[:, None, None] * target for v in (u, u + 1 / moments))
    return Slices(u, theta, source, later, target)


def sliced(panels: int = 1, shown: bool = True, **kwargs: object) -> Scene:
    """Panels of which the last one has slices; shown at once or not."""
    scene = moving.scene(panels, **kwargs)  # type: ignore[arg-type]
    last = replace(scene.panels[-1], slices=slices())
    return replace(scene, panels=(*scene.panels[:-1], last), slices=shown)

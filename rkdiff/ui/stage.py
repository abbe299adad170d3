"""The stage: the player on a page.

    stage(pack(scene, run=run.key), key="playground")

A stage is known by its key. A rerun that brings the same bytes changes nothing, also while it plays; new bytes of the same run keep the
clock, the speed and the followed particle; a new run starts from the beginning. The browser reports where it stands when it is paused, when
the slider is let go or a particle is chosen, and never while it moves; a drawn cloud comes when the pointer is let go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from rkdiff.player import assets

_player = st.components.v2.component("rkdiff_player", **assets()._asdict())


#: Most points of a drawn cloud, here and in the browser.
MOST_DRAWN = 1500
#: No place of a panel is as far away as this; NaN and the infinities are not nearer.
MOST_AWAY = 1e6


@dataclass(frozen=True)
class Drawn:
    """A cloud that a person drew on a panel.

    Attributes:
        points: (k, 2) places in the coordinates of the panel, 1 to 1500 of them, all finite.
        t: the play clock at which the last stroke was drawn, 0 at the beginning and 1 at the end.
        panel: which panel it was drawn on, 0 the first.
    """

    points: Float[np.ndarray, "k 2"]
    t: float
    panel: int


@dataclass(frozen=True)
class StageState:
    """Where the person stopped.

    Attributes:
        t: the play clock, 0 at the beginning and 1 at the end.
        follow: the followed particle, or None.
        drawn: the cloud drawn on a scene that allows it; None where there is none, or where what came is no cloud.
    """

    t: float = 0.0
    follow: int | None = None
    drawn: Drawn | None = None


def stage(scene: bytes | None, key: str, height: int | None = None) -> StageState:
    """Show a packed scene, playing by itself; returns where the person last stopped.

    Args:
        scene: what `rkdiff.player.pack` wrote; None shows an empty stage.
        key: identity of the stage on the page.
        height: a fixed height in pixels (taller content scrolls); left out, the stage is as tall as its content.
    """
    result: Any = _player(
        data=scene,
        key=key,
        default={"view": {"t": 0.0, "follow": None}, "drawn": None},
        height="content" if height is None else height,
        on_view_change=_noted,
        on_drawn_change=_noted,
    )
    view = result.view if isinstance(result.view, dict) else {}
    t, follow = view.get("t"), view.get("follow")
    return StageState(
        float(t) if isinstance(t, (int, float)) and 0 <= t <= 1 else 0.0,
        int(follow) if isinstance(follow, (int, float)) and follow >= 0 else None,
        drawn_of(result.drawn),
    )


def drawn_of(value: Any) -> Drawn | None:
    """The cloud in what a browser sent; None for anything that is no cloud of finite points on a panel at a moment of the clock."""
    if not isinstance(value, dict):
        return None
    points, t, panel = value.get("points"), value.get("t"), value.get("panel")
    if not isinstance(points, list) or not 0 < len(points) <= MOST_DRAWN or not all(_is_place(p) for p in points):
        return None
    if not isinstance(t, (int, float)) or not 0 <= t <= 1 or type(panel) is not int or not 0 <= panel < 6:
        return None
    return Drawn(np.array(points, dtype=float), float(t), panel)


def _is_place(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(v) for v in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MOST_AWAY


def _noted() -> None:
    """A change of the view needs no answer of its own: the rerun carries it."""

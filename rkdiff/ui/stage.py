"""The stage: the player on a page.

    stage(pack(scene, run=run.key), key="playground")

A stage is known by its key. A rerun that brings the same bytes changes nothing, also while it plays; new bytes of the same run keep the
clock, the speed and the followed particle; a new run starts from the beginning. The browser reports where it stands when it is paused, when
the slider is let go or a particle is chosen, and never while it moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from rkdiff.player import assets

_player = st.components.v2.component("rkdiff_player", **assets()._asdict())


@dataclass(frozen=True)
class StageState:
    """Where the person stopped.

    Attributes:
        t: the play clock, 0 at the beginning and 1 at the end.
        follow: the followed particle, or None.
    """

    t: float = 0.0
    follow: int | None = None


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
        default={"view": {"t": 0.0, "follow": None}},
        height="content" if height is None else height,
        on_view_change=_noted,
    )
    view = result.view if isinstance(result.view, dict) else {}
    t, follow = view.get("t"), view.get("follow")
    return StageState(
        float(t) if isinstance(t, (int, float)) and 0 <= t <= 1 else 0.0,
        int(follow) if isinstance(follow, (int, float)) and follow >= 0 else None,
    )


def _noted() -> None:
    """A change of the view needs no answer of its own: the rerun carries it."""

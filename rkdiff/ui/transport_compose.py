"""The tab on composition: a cloud that a person drew, carried on by the learned flow from the moment at which it was drawn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.core.records import Panel, Scene
from rkdiff.experiment import Run
from rkdiff.lab.play import unpack_walk
from rkdiff.player.scene import pack
from rkdiff.scenes import panel_hues
from rkdiff.ui.live import backdrop, live
from rkdiff.ui.reading import shown_runs
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.session import Desk
from rkdiff.ui.stage import Drawn, stage

LEARNED = "learned_sliced_flow"
#: A moment this late is still a moment before the end.
LATEST = 0.98
FRAMES = 48
HELP = """
The learned flow is a map from any time to any later one, so it carries on whatever stands there. A cloud far from where the flow's own
particles stand at that moment gets the network's guess.
"""


def compose_tab(desk: Desk, data: str, direction: str) -> None:
    """How to draw, and what came of it."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.markdown("**Draw a cloud; the learned flow carries it on**", help=HELP)
    if choices("data")[data].modality != "points":  # type: ignore[attr-defined]
        st.caption("A cloud is drawn in the plane: pick a dataset under Plane.")
        return
    run = None if live(desk) else next((r for r in shown_runs(desk) if r.experiment.method.name == LEARNED), None)
    if run is None:
        st.caption(
            "Press Run with the learned sliced flow among the racers; then draw on the stage and the result appears here."
        )
        return
    drawn: Drawn | None = desk.get("drawn")
    if drawn is None:
        st.caption(
            "Stop the clock where you like, press **Draw** under the stage and drag on a panel. The result appears here."
        )
        return
    at = moment(drawn.t, direction)
    calls = int(right.select_slider("Calls from there to the data", (1, 2, 4, 8, 12), 4, key=desk.key("push_calls")))
    payload = {
        "run": run.experiment.key, "cloud": np.round(drawn.points, 4).tolist(), "at": at, "frames": FRAMES, "calls": calls,
    }  # fmt: skip
    found = measured(desk, "push", payload, "Carry it on", icon="draw", at_once=True)
    if found is None:
        st.caption("The drawing is on its way.")
        return
    _shown(desk, run, found, at, calls)


def moment(t: float, direction: str) -> float:
    """The share of the flow's clock at which the stage stood, from 0 at the noise to just before the data."""
    u = {"forward": 1 - t, "both": abs(2 * t - 1)}.get(direction, t)
    return round(min(max(u, 0.0), LATEST), 4)


def _shown(desk: Desk, run: Run, found: dict[str, Any], at: float, calls: int) -> None:
    """The drawing on its way, on a stage of its own."""
    behind = backdrop(json.dumps(run.experiment.data.to_dict()), run.experiment.seed)
    target, truth = behind or (None, None)
    walk = unpack_walk(found)
    note = f"from {100 * at:.0f} % of the clock · {calls} call{'s' * (calls != 1)} · {walk.x.shape[1]} points"
    panel = Panel("Your cloud", walk, hue=panel_hues([run.experiment])[0], density=truth, target=target, notes=(note,))
    extent = truth.extent if truth else (-2.8, 2.8, -2.8, 2.8)
    scene = Scene((panel,), extent, title=type(run.experiment.data).title())
    left, _ = st.columns([3, 2])
    with left:
        stage(pack(scene, FRAMES, run=f"push {run.experiment.key} {hash(walk.x.tobytes())}"), key=desk.key("pushed"))

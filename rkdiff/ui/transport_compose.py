"""The tab on composition: a cloud that a person drew, carried on by the learned flow from the moment at which it was drawn."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.core.records import Panel, Scene
from rkdiff.experiment import Run
from rkdiff.lab.play import unpack_walk
from rkdiff.player.scene import pack
from rkdiff.scenes import panel_hues, panel_titles
from rkdiff.ui import transport_terminal as terminal
from rkdiff.ui.live import backdrop, carries, live
from rkdiff.ui.plain import plain
from rkdiff.ui.reading import shown_runs
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.session import Desk
from rkdiff.ui.stage import Drawn, stage

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
    runs = [] if live(desk) else shown_runs(desk)
    flows = [i for i, r in enumerate(runs) if carries(r)]
    if not flows:
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
    which = drawn.panel if drawn.panel in flows else flows[0]
    run = runs[which]
    tau = tau_of(run, at)
    if drawn.panel != which:
        titles = panel_titles(runs)
        on = titles[drawn.panel] if drawn.panel < len(titles) else "another panel"
        st.caption(f":material/info: Drawn on {plain(on)}; carried by {plain(titles[which])}, from its τ = {tau:.3g}.")
    calls = int(right.select_slider("Calls from there to the data", (1, 2, 4, 8, 12), 4, key=desk.key("push_calls")))
    payload = {
        "run": run.experiment.key, "cloud": np.round(drawn.points, 4).tolist(), "at": at, "frames": FRAMES, "calls": calls,
    }  # fmt: skip
    rows = "".join(f"{x:.4f},{y:.4f}\n" for x, y in payload["cloud"])
    files, command = {"cloud.csv": rows}, terminal.push(payload)
    found = measured(desk, "push", payload, "Carry it on", icon="draw", at_once=True, command=command, files=files)
    if found is None:
        st.caption("The drawing is on its way.")
        return
    hue = panel_hues([r.experiment for r in runs])[which]
    _shown(desk, run, found, hue, f"from τ = {tau:.3g} · {calls} call{'s' * (calls != 1)}")


def moment(t: float, direction: str) -> float:
    """The share of the flow's clock at which the stage stood, from 0 at the noise to just before the data."""
    u = {"forward": 1 - t, "both": abs(2 * t - 1)}.get(direction, t)
    return round(min(max(u, 0.0), LATEST), 4)


def tau_of(run: Run, at: float) -> float:
    """The flow's time at a share of its clock, which is even in log(1 + tau)."""
    return math.expm1(at * math.log1p(float(run.experiment.method.tau_max)))  # type: ignore[attr-defined]


def _shown(desk: Desk, run: Run, found: dict[str, Any], hue: str, note: str) -> None:
    """The drawing on its way, on a stage of its own whose clock begins where it was drawn."""
    behind = backdrop(json.dumps(run.experiment.data.to_dict()), run.experiment.seed)
    target, truth = behind or (None, None)
    walk = unpack_walk(found)
    walk = replace(walk, u=(walk.u - walk.u[0]) / (walk.u[-1] - walk.u[0]))
    notes = (f"{note} · {walk.x.shape[1]} points",)
    panel = Panel("Your cloud", walk, hue=hue, density=truth, target=target, notes=notes)
    extent = truth.extent if truth else (-2.8, 2.8, -2.8, 2.8)
    scene = Scene((panel,), extent, title=type(run.experiment.data).title(), ends=("your cloud", "data"))
    left, _ = st.columns([3, 2])
    with left:
        stage(pack(scene, FRAMES, run=f"push {run.experiment.key} {hash(walk.x.tobytes())}"), key=desk.key("pushed"))

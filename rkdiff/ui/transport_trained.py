"""Bridges trained on the page's own data, under the exact picture: fewer steps, at the price of several trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui import transport_terminal as terminal
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.schedule_tabs import chart
from rkdiff.ui.session import Desk

#: Numbers of steps that are offered, those chosen at first, and rounds of fitting by turns.
STEPS, FIRST, FITS = (3, 5, 10, 20, 50, 100), (5, 10, 20), 3
HELP = """
The noising chain stops after N steps of 0.05. **Diffusion** is reversed with the data's exact score; a **bridge** is fitted by turns with
small networks, so its errors are those of its training too. It approximates the Schrödinger bridge.
"""


def trained(desk: Desk, data: str, shared: Mapping[str, Any]) -> None:
    """The button and what came of it."""
    st.markdown("**The same on this data**: diffusion against trained bridges", help=HELP)
    if choices("data")[data].modality != "points":  # type: ignore[attr-defined]
        st.caption("Bridges are trained on points of the plane: pick a dataset under Plane.")
        return
    left, right = st.columns([4, 1], gap="medium", vertical_alignment="bottom")
    steps = left.pills(
        "Steps N",
        STEPS,
        selection_mode="multi",
        default=list(FIRST),
        key=desk.key("bridge_lengths"),
        help="each is trained on its own",
    )
    seeds = int(right.select_slider("Seeds", (1, 2, 3), 1, key=desk.key("bridge_seeds"), help="each trains every bridge anew"))
    if not steps:
        st.caption("Choose at least one number of steps.")
        return
    payload = {
        "data": shared["data"], "steps": sorted(int(n) for n in steps), "fits": FITS, "particles": 1000,
        "seed": int(shared["seed"]), "seeds": seeds,
    }  # fmt: skip
    command = terminal.bridges(payload)
    found = measured(desk, "bridges", payload, "Train on this data", icon="model_training", command=command)
    if found is None:
        st.caption("Terminal clouds, sliced W2 beside its floor and training seconds appear here when the bridges are trained.")
        return
    _trained(desk, found)


def titled(rounds: int) -> str:
    """A way as the page calls it."""
    return "diffusion, exact score" if rounds == 0 else f"bridge, {rounds} round{'s' * (rounds != 1)}"


def _trained(desk: Desk, found: Mapping[str, Any]) -> None:
    from rkdiff.plots.transport_bridges import cloud_figure, steps_figure

    ways = found["ways"]
    rounds, lengths = sorted({w["rounds"] for w in ways}), sorted({w["steps"] for w in ways})
    hues = dict(zip(rounds, ("model", "second", "third", "data"), strict=False))
    lines: list[Any] = []
    for r in rounds:
        mine = sorted((w for w in ways if w["rounds"] == r), key=lambda w: w["steps"])
        columns = [np.array([w["distance"][k][0] for w in mine], dtype=float) for k in ("mean", "low", "high")]
        lines.append((titled(r), hues[r], np.array([float(w["steps"]) for w in mine]), *columns))
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = steps_figure(lines, found["floor"], found["floor_sd"])
        chart(desk, "trained", figure, "sliced W2 against the number of steps, with its floor")
    with right:
        st.table(
            [
                {
                    "way": titled(w["rounds"]),
                    "N": str(w["steps"]),
                    "sliced W2": f"{w['distance']['mean'][0]:.3g}",
                    "trained in": f"{w['seconds']:.3g} CPU s" if w["rounds"] else "nothing learned",
                }
                for w in sorted(ways, key=lambda w: (w["steps"], w["rounds"]))
            ],
            hide_index=True,
        )
    n = lengths[0]
    if len(lengths) > 1:
        n = int(st.segmented_control("Clouds after N steps", lengths, default=n, required=True, key=desk.key("bridge_clouds")))
    truth = np.array(found["truth"], dtype=float)
    low, high = truth.min(axis=0), truth.max(axis=0)
    room = 0.25 * (high - low)
    span = (float((low - room)[0]), float((high + room)[0]), float((low - room)[1]), float((high + room)[1]))
    shown = [w for w in ways if w["steps"] == n]
    for column, w in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        with column:
            st.markdown(f"**{titled(w['rounds'])}**: sliced W2 {w['distance']['mean'][0]:.3g}")
            figure = cloud_figure(np.array(w["cloud"], dtype=float), truth, hues[w["rounds"]], span)
            chart(desk, f"cloud{w['rounds']}", figure, f"where particles end, {titled(w['rounds'])}")
    seeds = found["seeds"]
    st.caption(
        f"Floor {found['floor']:.3g} ± {found['floor_sd']:.1g}; {seeds} seed{'s' * (seeds != 1)} of {found['particles']} particles. "
        "What a bridge saves in steps it pays in trainings."
    )

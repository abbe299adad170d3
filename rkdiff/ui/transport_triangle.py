"""Three laws at once: particles walk from noise to any mixture of noise, this data and another, with one network for every mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.core.records import Panel, Scene
from rkdiff.lab.play import unpack_walk
from rkdiff.player.scene import pack
from rkdiff.ui import transport_terminal as terminal
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.session import Desk
from rkdiff.ui.stage import stage

FRAMES = 40
NOISE = "noise"
HELP = """
A mixture is a weighted sum of independent draws, Σ wₖ xₖ, not a mixture of densities: half-way between two clouds stands their sum at half
size. One network learns what each law contributes to every mixture; the walk starts at noise and ends at the weights you set.
"""


def triangle(desk: Desk, data: str, shared: Mapping[str, Any]) -> None:
    """Another dataset, three weights, and the walk."""
    st.markdown("**Three laws, one network**: walk to any mixture of them", help=HELP)
    listed = [n for n, c in choices("data").items() if c.modality == "points" and n != data]  # type: ignore[attr-defined]
    other, *columns = st.columns([3, 2, 2, 2], gap="medium", vertical_alignment="bottom")
    name = other.selectbox("Third law", listed, format_func=lambda n: choices("data")[n].title(), key=desk.key(f"law.{data}"))
    laws: list[Any] = [NOISE, shared["data"], {"name": name}]
    names = [NOISE, *(choices("data")[n].title().lower() for n in (data, name))]
    shares = [
        column.slider(f"Weight of {law}", 0, 10, begin, key=desk.key(f"weight{i}"))
        for i, (column, law, begin) in enumerate(zip(columns, names, (0, 5, 5), strict=True))
    ]
    if not sum(shares):
        st.caption("Give at least one law a weight.")
        return
    end = (np.array(shares) / sum(shares)).tolist()
    payload = {"data": laws, "path": [[1.0, 0.0, 0.0], end], "particles": 600, "seed": int(shared["seed"])}
    command = terminal.simplex(payload)
    found = measured(desk, "simplex", payload, "Walk there", icon="change_history", command=command)
    if found is None:
        st.caption("Trains the network and appears here: the walk, and how far its end is from fresh draws of that mixture.")
        return
    walk = unpack_walk(found)
    mixture = " + ".join(f"{100 * w:.0f} % {n}" for w, n in zip(end, names, strict=True) if w)
    over = f"sliced W2 {found['error']:.3g}, floor {found['floor']:.3g} ± {found['floor_sd']:.1g}, 1 seed"
    target = np.array(found["target"], dtype=float)
    walk = replace(walk, curves={n: walk.curves[f"weight {k}"] for k, n in enumerate(names)})
    panel = Panel("From noise to the mixture", walk, hue="third", target=target, notes=(over,))
    reach = 1.08 * max(float(np.abs(walk.x).max()), float(np.abs(target).max()))
    left, _ = st.columns([3, 2])
    with left:
        scene = Scene((panel,), (-reach, reach, -reach, reach), title=mixture, ends=(NOISE, "the mixture"))
        stage(pack(scene, FRAMES, run=f"simplex {mixture} {laws}"), key=desk.key("triangle"))

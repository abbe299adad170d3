"""A page with one stage and a few widgets, for the tests of the stage."""

from dataclasses import replace

import moving
import streamlit as st

from rkdiff.player import pack
from rkdiff.ui.stage import stage

st.set_page_config(layout="wide")
run = st.radio("run", ["a", "b"], horizontal=True)
panels = st.radio("panels", [2, 3], horizontal=True)
where = stage(pack(replace(moving.scene(panels, title=f"Run {run}"), drawing=True), run=run), key="one")
st.text(f"t={where.t:.3f} follow={where.follow}")
drawn = where.drawn
st.markdown("nothing drawn" if drawn is None else f"drawn {len(drawn.points)} on {drawn.panel} at {drawn.t:.2f}")
st.button("nothing")


@st.fragment(run_every=0.5)
def live() -> None:
    """A fragment that beats, as a training does."""
    st.session_state.beat = st.session_state.get("beat", 0) + 1
    st.caption(f"beat {st.session_state.beat}")
    scene = moving.scene(1, steps=1)
    moved = replace(scene.panels[0].trajectory, x=scene.panels[0].trajectory.x + [0.1 * (st.session_state.beat % 5), 0.0])
    stage(pack(replace(scene, panels=(replace(scene.panels[0], trajectory=moved),)), run="live"), key="two")


live()

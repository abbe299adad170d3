"""Playground: any dataset, any method, side by side."""

import streamlit as st

from rkdiff.ui.gallery import gallery
from rkdiff.ui.live import live, stage_area, start, stop
from rkdiff.ui.panels import MOST, panel_form, shared_form
from rkdiff.ui.reading import readings, save_menu
from rkdiff.ui.session import STYLE, badge, first_data, first_panels, first_shown, remember


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop()
    st.session_state.update(data=name, shown=[], tickets=[])


st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="center", key="head"):
    st.title("Playground", anchor=False, width="content")
    st.markdown("Any dataset, any method, side by side, on the same noise.", width="stretch")
    slot = st.empty()
remember("shown", first_shown)
data = remember("data", first_data)
gallery(data, pick)

bar = st.container(horizontal=True, vertical_alignment="center", key="bar")
with bar:
    train = st.button("Train", type="primary", icon=":material/play_arrow:", disabled=live(), key="train")
    direction = st.segmented_control(
        "Direction", ["backward", "forward", "both"], default="backward", required=True, key="direction", bind="query-params",
        label_visibility="collapsed", format_func={"backward": "Generate", "forward": "Noise", "both": "Both"}.get,
        help="**Generate**: from noise to data. **Noise**: the process that turns data into noise. **Both**: there and back.",
    )  # fmt: skip
    with st.popover("Data and sampling", icon=":material/settings:"):
        shared = shared_form(data)
    save_menu(direction or "backward")

for problem in st.session_state.pop("problems", []):
    st.error(problem)
if st.session_state.pop("stopped", False):
    st.toast("Stopped. Nothing of the stopped panels was kept.")

stage_area(data, direction or "backward")

count = remember("panels", first_panels)
columns = st.columns(MOST, gap="medium")
setups = []
for i in range(count):
    with columns[i]:
        setups.append(panel_form(i, shared))
        if setups[-1].problem:
            st.error(setups[-1].problem)
with columns[min(count, MOST - 1)].container(key="panel_buttons", horizontal=True):
    if count < MOST and st.button("Add a panel", icon=":material/add:", key="add"):
        st.session_state.panels = count + 1
        st.rerun()
    if count > 1 and st.button("Remove", icon=":material/remove:", key="remove"):
        st.session_state.panels = count - 1
        st.rerun()

asked = [s.experiment.key for s in setups if s.experiment]
if st.session_state.shown and not live() and asked != st.session_state.shown:
    st.caption(":material/info: The settings have changed since: press Train to see what they do.")

if st.session_state.shown:
    st.query_params["runs"] = ",".join(st.session_state.shown)
else:
    st.query_params.pop("runs", None)
st.query_params.update(data=data, panels=str(count))

if train:
    good = [(s.title, s.experiment) for s in setups if s.experiment is not None]
    if good:
        start(good)
    else:
        st.session_state.problems = [f"{s.title}: {s.problem}" for s in setups]
    st.rerun()

readings()
badge(slot)

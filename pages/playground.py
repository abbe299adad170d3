"""Playground: any dataset, any method, side by side."""

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.gallery import gallery
from rkdiff.ui.live import live, messages, stage_area, start, stop
from rkdiff.ui.panels import MOST, panel_form, shared_form
from rkdiff.ui.reading import readings, save_menu
from rkdiff.ui.session import STYLE, Desk, badge, first_data, first_panels, first_shown, through_app, write_address

through_app()
desk = Desk("playground")


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop(desk)
    desk.put(data=name, shown=[], tickets=[])


st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="center", key="head"):
    st.title("Playground", anchor=False, width="content")
    st.markdown("Any dataset, any method, side by side, on the same noise.", width="stretch")
    slot = st.empty()
desk.remember("shown", first_shown)
data = desk.remember("data", lambda: first_data(list(choices("data")), "two_moons"))
gallery(data, pick)

bar = st.container(horizontal=True, vertical_alignment="center", key="bar")
with bar:
    train = st.button("Train", type="primary", icon=":material/play_arrow:", disabled=live(desk), key="train")
    direction = st.segmented_control(
        "Direction", ["backward", "forward", "both"], default="backward", required=True, key="direction", bind="query-params",
        label_visibility="collapsed", format_func={"backward": "Generate", "forward": "Noise", "both": "Both"}.get,
        help="**Generate**: from noise to data. **Noise**: the process that turns data into noise. **Both**: there and back.",
    )  # fmt: skip
    with st.popover("Data and sampling", icon=":material/settings:"):
        shared = shared_form(data)
    save_menu(desk, direction or "backward")

messages(desk)
stage_area(desk, data, direction or "backward")

count = desk.remember("panels", first_panels)
columns = st.columns(MOST, gap="medium")
setups = []
for i in range(count):
    with columns[i]:
        setups.append(panel_form(i, shared))
        if setups[-1].problem:
            st.error(setups[-1].problem)
with columns[min(count, MOST - 1)].container(key="panel_buttons", horizontal=True):
    if count < MOST and st.button("Add a panel", icon=":material/add:", key="add"):
        desk.put(panels=count + 1)
        st.rerun()
    if count > 1 and st.button("Remove", icon=":material/remove:", key="remove"):
        desk.put(panels=count - 1)
        st.rerun()

asked = [s.experiment.key for s in setups if s.experiment]
if desk.shown and not live(desk) and asked != desk.shown:
    st.caption(":material/info: The settings have changed since: press Train to see what they do.")

write_address(desk, data=data, panels=str(count))

if train:
    good = [(s.title, s.experiment) for s in setups if s.experiment is not None]
    if good:
        start(desk, good)
    else:
        desk.put(problems=[f"{s.title}: {s.problem}" for s in setups])
    st.rerun()

readings(desk)
badge(slot)

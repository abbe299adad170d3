"""Structured: objects in a Hilbert space. Embed, diffuse, decode."""

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.decoders import decoders
from rkdiff.ui.gallery import gallery
from rkdiff.ui.insight import IN_SIGHT, method_form, setups, space_form
from rkdiff.ui.live import live, messages, stage_area, start, stop
from rkdiff.ui.panels import shared_form
from rkdiff.ui.place import noise_in_h, place_in_h, validity
from rkdiff.ui.reading import readings, save_menu, shown_runs
from rkdiff.ui.session import STYLE, Desk, badge, first_data, first_shown, through_app, write_address

through_app()
desk = Desk("structured")
NAMES = [n for n, c in choices("data").items() if c.modality != "points"]
KINDS = sorted({choices("data")[n].modality for n in NAMES})


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop(desk)
    desk.put(data=name, shown=[], tickets=[], decoders_job="", decoders_table=None, decoders_problem="")


st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="center", key="head"):
    st.title("Structured", anchor=False, width="content")
    st.markdown("Objects in a Hilbert space: embed, diffuse, decode.", width="stretch")
    slot = st.empty()
desk.remember("shown", first_shown)
data = desk.remember("data", lambda: first_data(NAMES, "communities"))
gallery(data, pick, key=desk.key("gallery"), kinds=KINDS)

bar = st.container(horizontal=True, vertical_alignment="center", key="bar")
with bar:
    train = st.button("Train", type="primary", icon=":material/play_arrow:", disabled=live(desk), key=desk.key("train"))
    direction = st.segmented_control(
        "Direction", ["backward", "forward", "both"], default="backward", required=True, key=desk.key("direction"),
        label_visibility="collapsed", format_func={"backward": "Generate", "forward": "Noise", "both": "Both"}.get,
        help="**Generate**: from noise to data. **Noise**: the process that turns data into noise. **Both**: there and back.",
    )  # fmt: skip
    settings = st.popover("Settings", icon=":material/settings:")
    save_menu(desk, direction or "backward")

messages(desk)
picture, controls = st.columns([3.4, 1], gap="medium")
with controls:
    space = space_form(desk, data)
    method, beside = method_form(desk, data)
with settings, st.container(width=520, height=460, border=False):
    shared = shared_form(data, prefix=desk.key(""))
    asked = setups(desk, shared, space, method, beside)
with picture:
    stage_area(desk, data, direction or "backward")

good = [(s.title, s.experiment) for s in asked if s.experiment is not None]
for s in asked:
    if s.problem:
        st.error(s.problem)
if desk.shown and not live(desk) and [e.key for _, e in good] != desk.shown:
    st.caption(":material/info: The settings have changed since: press Train to see what they do.")

write_address(
    desk, data=data, method=method, beside=beside, space=space["name"],
    **{name: f"{space[name]}" if name in space else None for name in IN_SIGHT},
)  # fmt: skip

if train:
    if good:
        start(desk, good)
    st.rerun()

names = ["Its place in H", "Validity along time", "Quality", "Decoders", "Noise in H"]
place, along, quality, table, noise = st.tabs(names, key=desk.key("tab"), on_change="rerun")
runs = [] if live(desk) else shown_runs(desk)
with place:
    if place.open:
        place_in_h(desk, runs)
with along:
    if along.open:
        validity(desk, runs)
with quality:
    if quality.open:
        readings(desk)
with table:
    if table.open:
        decoders(desk, good[0][1] if good else None)
with noise:
    if noise.open:
        noise_in_h(desk, runs, space)
badge(slot)

"""Structured: objects in a Hilbert space. Embed, diffuse, decode."""

from functools import partial

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.decoders import decoders
from rkdiff.ui.gallery import gallery
from rkdiff.ui.insight import IN_SIGHT, METHOD, controls, from_runs, from_words, setups, usual
from rkdiff.ui.link import direction_of, opened, told, write_address
from rkdiff.ui.live import changed, live, messages, stage_area, start, stop
from rkdiff.ui.panels import shared_form, untouched
from rkdiff.ui.place import noise_in_h, place_in_h, validity, waiting
from rkdiff.ui.reading import readings, save_menu, shown_runs
from rkdiff.ui.session import STYLE, Desk, badge, through_app

through_app()
desk = Desk("structured")
WORDS = "Objects in a Hilbert space: embed, diffuse, decode."
NAMES = [n for n, c in choices("data").items() if c.modality != "points"]
KINDS = sorted({choices("data")[n].modality for n in NAMES})


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop(desk)
    desk.put(data=name, shown=[], tickets=[], notes=[], decoders_job="", decoders_table=None, decoders_problem="")


st.html(STYLE)
data = opened(desk, NAMES, "communities", partial(from_runs, desk), partial(from_words, desk))
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title("Structured", anchor=False, width="content")
    train = st.button("Train", type="primary", icon=":material/play_arrow:", disabled=live(desk), key=desk.key("train"))
    direction = direction_of(desk)
    settings = st.popover("Settings", icon=":material/settings:")
    save_menu(desk, direction)
    hint = st.empty()
    slot = st.empty()
gallery(data, pick, key=desk.key("gallery"), kinds=KINDS)

told(desk)
messages(desk)
with st.container(key="desk"):
    with st.container(key="controls"):
        space, method, beside = controls(desk, data)
    with settings, st.container(width=520, height=460, border=False):
        shared = shared_form(data, prefix=desk.key(""))
        asked = setups(desk, shared, space, method, beside)
    stage_area(desk, data, direction)

good = [(s.title, s.experiment) for s in asked if s.experiment is not None]
for s in asked:
    if s.problem:
        st.error(s.problem)
changed(desk, hint, WORDS, [e.key for _, e in good], untouched(data, (METHOD, usual())))
write_address(
    desk, direction, data=data, method=method, beside=beside, space=space["name"],
    **{name: f"{space[name]}" for name in IN_SIGHT if name in space},
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
        if not runs:
            waiting(desk, "quality")
with table:
    if table.open:
        decoders(desk, good[0][1] if good else None)
with noise:
    if noise.open:
        noise_in_h(desk, runs, space)
badge(slot)

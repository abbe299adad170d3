"""Playground: any dataset, any method, side by side."""

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.forms import first
from rkdiff.ui.gallery import gallery
from rkdiff.ui.link import direction_of, opened, told, write_address
from rkdiff.ui.live import changed, live, messages, stage_area, start, stop
from rkdiff.ui.panels import FIRST, MOST, from_runs, from_words, panel_form, shared_form, untouched
from rkdiff.ui.reading import readings, save_menu
from rkdiff.ui.session import STYLE, Desk, badge, through_app

through_app()
desk = Desk("playground")
WORDS = "Any dataset, any method, side by side, on the same noise."


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop(desk)
    desk.put(data=name, shown=[], tickets=[], notes=[])


st.html(STYLE)
data = opened(desk, list(choices("data")), "two_moons", from_runs, lambda _, words: from_words(words))
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title("Playground", anchor=False, width="content")
    train = st.button("Train", type="primary", icon=":material/play_arrow:", disabled=live(desk), key="train")
    direction = direction_of(desk)
    with st.popover("Data and sampling", icon=":material/settings:"):
        shared = shared_form(data)
    save_menu(desk, direction)
    hint = st.empty()
    slot = st.empty()
gallery(data, pick)

told(desk)
messages(desk)
stage_area(desk, data, direction)

count = desk.remember("panels", lambda: first("panels", 2))
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

changed(desk, hint, WORDS, [s.experiment.key for s in setups if s.experiment], untouched(data, FIRST[:2]))
methods = {f"method{i}": st.session_state[f"method{i}"] for i in range(count)}
write_address(desk, direction, data=data, panels=str(count), **methods)

if train:
    good = [(s.title, s.experiment) for s in setups if s.experiment is not None]
    if good:
        start(desk, good)
    else:
        desk.put(problems=[f"{s.title}: {s.problem}" for s in setups])
    st.rerun()

readings(desk)
badge(slot)

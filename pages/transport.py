"""Transport: flows, bridges and diffusions race from the same noise; what entropy, few steps and short bridges do."""

from functools import partial

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.ui.gallery import gallery
from rkdiff.ui.link import direction_of, opened, told, write_address
from rkdiff.ui.live import changed, live, messages, stage_area, start, stop
from rkdiff.ui.reading import save_menu
from rkdiff.ui.session import STYLE, TRANSPORT, Desk, badge, through_app
from rkdiff.ui.transport_racers import from_runs, from_words, racers, shared_settings, untouched
from rkdiff.ui.transport_tabs import FIRST, open_tab, read_tab, tabs, word_of
from rkdiff.ui.transport_words import WORDS, first_paint

through_app()
desk = Desk("transport")


def pick(name: str) -> None:
    """Another dataset: what runs is stopped, and its shipped scene is on the stage."""
    stop(desk)
    desk.put(data=name, shown=[], tickets=[], notes=[], drawn=None)


st.html(STYLE + TRANSPORT)
data = opened(desk, list(choices("data")), "two_moons", partial(from_runs, desk), lambda _, words: from_words(desk, words))
read_tab(desk)
with st.container(horizontal=True, vertical_alignment="center", key="bar"):
    st.title("Transport", anchor=False, width="content")
    go = st.button("Run", type="primary", icon=":material/play_arrow:", disabled=live(desk), key=desk.key("run"))
    direction = direction_of(desk)
    with st.popover("Data and sampling", icon=":material/settings:"):
        shared = shared_settings(desk, data)
    save_menu(desk, direction)
    hint = st.empty()
    slot = st.empty()
gallery(data, pick, key=desk.key("gallery"))

told(desk)
messages(desk)
above = st.empty()
stage_area(desk, data, direction)
asked = racers(desk, shared)
good = [(s.title, s.experiment) for s in asked if s.experiment is not None]

keys = [e.key for _, e in good]
now = (data, keys, desk.shown)
if desk.remember("begun", lambda: now) == now:  # nobody has touched anything, whatever a link has brought
    hint.caption(WORDS, width="stretch")
else:
    changed(desk, hint, WORDS, keys, untouched(data), "Run")
first_paint(desk, above, data, untouched(data) == keys)
named = {f"racer{i}": st.session_state[desk.key(f"racer{i}")] for i in range(len(asked))}
tab = open_tab(desk)
write_address(desk, direction, data=data, tab=None if tab == FIRST else word_of(tab), racers=str(len(asked)), **named)

if go:
    if good:
        start(desk, good)
    else:
        desk.put(problems=[f"{s.title}: {s.problem}" for s in asked])
    st.rerun()

tabs(desk, data, direction, shared, [e for _, e in good])
badge(slot)

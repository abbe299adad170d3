"""The tabs under the race; only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.experiment import Experiment
from rkdiff.ui.live import live
from rkdiff.ui.reading import readings, shown_runs
from rkdiff.ui.session import Desk
from rkdiff.ui.transport_compose import compose_tab
from rkdiff.ui.transport_entropy import entropy_tab
from rkdiff.ui.transport_exact import bridge_picture, counter_examples
from rkdiff.ui.transport_measured import learned_tab, straightness_tab
from rkdiff.ui.transport_trained import trained
from rkdiff.ui.transport_triangle import triangle

#: What is open on a first visit: a picture that needs nothing.
FIRST = "Short bridges"


#: Flows that go down the sliced Wasserstein distance, by which the race is judged too.
SLICED = ("sliced_wasserstein_flow", "learned_sliced_flow")
NAMES = (
    "Race", "Short bridges", "Straightness and calls", "Entropy", "Learned flow", "Compose", "Not optimal transport",
)  # fmt: skip


def word_of(tab: str) -> str:
    """A tab as an address names it."""
    return tab.lower().replace(" ", "-")


def read_tab(desk: Desk) -> None:
    """Take the tab that the address names, on the first run of a session; one that there is not is told with the others."""
    if desk.get("tab_read"):
        return
    desk.put(tab_read=True)
    word = st.query_params.get("tab")
    found = next((n for n in NAMES if word_of(n) == word), None)
    if found is not None:
        desk.put(open_tab=found)
    elif word is not None:
        desk.put(notes=[*desk.get("notes", []), f"tab={word[:40]}"])


def open_tab(desk: Desk) -> str:
    """The tab that is open in this run of the page, the one of the last visit where the page was left between."""
    now = st.session_state.get(desk.key("tab"))
    if now is None:  # its widget is new
        desk.put(first_tab=desk.get("open_tab", FIRST))
        now = desk.get("first_tab")
    desk.put(open_tab=now)
    return str(now)


def tabs(desk: Desk, data: str, direction: str, shared: dict[str, Any], racers: Sequence[Experiment]) -> None:
    """Draw the tabs, and what is in the open one."""
    drawn: tuple[Callable[[], None], ...] = (
        lambda: race(desk),
        lambda: bridges(desk, data, shared),
        lambda: straightness_tab(desk, data, shared, racers),
        lambda: st.fragment(entropy_tab)(desk, shared),
        lambda: learned_tab(desk, data, racers),
        lambda: compose(desk, data, direction, shared),
        lambda: st.fragment(counter_examples)(desk),
    )
    open_tab(desk)
    begin = desk.get("first_tab", FIRST)  # the same as long as the widget lives
    for tab, draw in zip(st.tabs(list(NAMES), default=begin, key=desk.key("tab"), on_change="rerun"), drawn, strict=True):
        with tab:
            if tab.open:
                draw()


def bridges(desk: Desk, data: str, shared: dict[str, Any]) -> None:
    """The exact picture, and the same with training."""
    st.fragment(bridge_picture)(desk)
    trained(desk, data, shared)


def compose(desk: Desk, data: str, direction: str, shared: dict[str, Any]) -> None:
    """A drawn cloud through one map, and, in the plane, three laws through one network."""
    compose_tab(desk, data, direction)
    if choices("data")[data].modality == "points":  # type: ignore[attr-defined]
        triangle(desk, data, shared)


def race(desk: Desk) -> None:
    """Who came how close, and what it took."""
    if not desk.shown or live(desk):
        st.caption(
            "Appears when the race is over: quality over its floor, losses, calls." if live(desk)
            else "Press Run: quality over its floor, losses and calls of every racer appear here."
        )  # fmt: skip
        return
    readings(desk)
    if any(r.experiment.method.name in SLICED for r in shown_runs(desk)):
        st.caption(
            ":material/info: Sliced flows go down sliced W2 itself, so it sees little of their stray particles: judge them by spill and "
            "memorisation too."
        )

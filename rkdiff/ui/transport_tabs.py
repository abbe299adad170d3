"""The tabs under the race; only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.experiment import Experiment
from rkdiff.ui.live import live
from rkdiff.ui.reading import readings
from rkdiff.ui.session import Desk
from rkdiff.ui.transport_compose import compose_tab
from rkdiff.ui.transport_entropy import entropy_tab
from rkdiff.ui.transport_exact import bridge_picture, counter_examples
from rkdiff.ui.transport_measured import learned_tab, straightness_tab
from rkdiff.ui.transport_trained import trained
from rkdiff.ui.transport_triangle import triangle

#: What is open on a first visit: a picture that needs nothing.
FIRST = "Short bridges"


def tabs(desk: Desk, data: str, direction: str, shared: dict[str, Any], racers: Sequence[Experiment]) -> None:
    """Draw the tabs, and what is in the open one."""
    drawn: dict[str, Callable[[], None]] = {
        "Race": lambda: race(desk),
        "Short bridges": lambda: bridges(desk, data, shared),
        "Straightness and calls": lambda: straightness_tab(desk, data, shared, racers),
        "Entropy": lambda: st.fragment(entropy_tab)(desk, shared),
        "Learned flow": lambda: learned_tab(desk, data, racers),
        "Compose": lambda: compose(desk, data, direction, shared),
        "Not optimal transport": lambda: st.fragment(counter_examples)(desk),
    }
    for tab, draw in zip(
        st.tabs(list(drawn), default=FIRST, key=desk.key("tab"), on_change="rerun"), drawn.values(), strict=True
    ):
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

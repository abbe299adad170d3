"""What the Transport page says of itself."""

from __future__ import annotations

import streamlit as st

from rkdiff.ui.live import live
from rkdiff.ui.session import ASSETS, Desk

WORDS = "Flows, bridges and diffusions from the same start, under one clock."


def first_paint(desk: Desk, data: str) -> None:
    """Say what is on the stage where no race ships for a dataset."""
    if desk.shown or live(desk) or (ASSETS / "scenes" / f"transport_{data}.rkscene").exists():
        return
    st.caption("On the stage: kernel diffusion on this data. Press Run to see the racers below.")

"""What the Transport page says of itself."""

from __future__ import annotations

from typing import Any

from rkdiff.ui.live import live
from rkdiff.ui.session import ASSETS, Desk

WORDS = "Flows, bridges and diffusions from the same start, under one clock."


def first_paint(desk: Desk, above: Any, data: str, usual: bool) -> None:
    """Say above the stage what is on it before any run, where that is not the racers below.

    `usual`: whether the racers are those of a first visit, whose race ships for some datasets.
    """
    ships = (ASSETS / "scenes" / f"transport_{data}.rkscene").exists()
    if desk.shown or live(desk) or (ships and usual):
        return
    seen = "the usual race" if ships else "kernel diffusion"
    above.caption(f":material/info: On the stage: {seen} on this data, not yet the racers below. Press Run to see them.")

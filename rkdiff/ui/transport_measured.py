"""Tabs of the Transport page that ask the worker: the learned flow against its particles, straightness against calls, trained bridges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices, make
from rkdiff.experiment import Experiment
from rkdiff.ui.plain import plain
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.schedule_tabs import chart
from rkdiff.ui.session import Desk

LEARNED = "learned_sliced_flow"
REPORT_HELP = """
A network learns where the sliced flow takes a point from any time to any later one, so one call jumps as far as one likes. **Floor**: two
fresh systems of particles against each other. Distances are √d · sliced W2.
"""


def of_racers(desk: Desk, racers: Sequence[Experiment], data: str, method: str) -> Experiment | None:
    """The experiment of the first racer of this method; where none races, the method as it is on this data."""
    found = next((e for e in racers if e.method.name == method), None)
    if found is not None or not racers:
        return found
    e = racers[0]
    return Experiment(e.data, make("method", method), space=e.space, particles=e.particles, seed=e.seed)


def learned_tab(desk: Desk, data: str, racers: Sequence[Experiment]) -> None:
    """Error of the learned flow along its time, memorisation, memory."""
    if LEARNED not in choices("method"):
        st.caption("This program has no learned sliced flow.")
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.markdown("**The learned flow against the particles it learned from**, time by time", help=REPORT_HELP)
    seeds = int(
        right.select_slider("Seeds", (1, 2, 3, 5), 1, key=desk.key("report_seeds"), help="each is a training of its own")
    )
    e = of_racers(desk, racers, data, LEARNED)
    if e is None:
        st.caption("No racer can be made of these settings; see the message above.")
        return
    asked = replace(e, particles=1000, steps=12, repeats=1)  # only data, space, method and seed are asked about
    found = measured(
        desk, "report", {"experiment": asked.to_dict(), "seeds": seeds}, "Measure the learned flow", icon="query_stats"
    )
    if found is None:
        st.caption("Trains the flow and appears here: its error at every time for 1, 4 and 12 calls, memorisation, bytes.")
        return
    _report(desk, found)


def _report(desk: Desk, found: Mapping[str, Any]) -> None:
    from rkdiff.plots.transport_learned import error_figure, ratio_figure

    figures, calls = found["figures"], found["calls"]

    def column(name: str) -> np.ndarray:
        return np.array([[f[name] for f in seed] for seed in figures], dtype=float)

    tau = column("tau")[0]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Law**: distance to the law of the particles")
        chart(desk, "learned", error_figure(tau, calls, column("law"), column("floor")), "error along the flow's time")
    with right:
        st.markdown("**Memorisation**: stop early for a smoother law, late to come closer to the training points")
        lines = [
            (f"learned, {calls[-1]} calls", "model", column("memorised")),
            ("particles", "exact", column("memorised_particles")),
        ]
        chart(desk, "memorised", ratio_figure(tau, lines), "memorisation along the flow's time")
    last = {n: column(n)[:, -1].mean(axis=0) for n in ("law", "held_out", "paired")}
    ends = {n: float(column(n)[:, -1].mean()) for n in ("floor", "held_out_particles", "held_out_floor")}
    st.table(
        [
            {
                "at the end": f"learned, {c} call{'s' * (c != 1)}",
                "to fresh particles": f"{last['law'][i]:.3g}",
                "to held-out data": f"{last['held_out'][i]:.3g}",
                "same start, RMS": f"{last['paired'][i]:.3g}",
            }
            for i, c in enumerate(calls)
        ]
        + [
            {
                "at the end": "particles",
                "to fresh particles": f"{ends['floor']:.3g} (floor)",
                "to held-out data": f"{ends['held_out_particles']:.3g}",
                "same start, RMS": "",
            },
            {"at the end": "training points", "to fresh particles": "", "to held-out data": f"{ends['held_out_floor']:.3g} (floor)",
             "same start, RMS": ""},
        ],
        hide_index=True,
    )  # fmt: skip
    seconds, seeds = found["train_seconds"], len(figures)
    st.caption(
        f"{plain(found['memory']['honest'])} Particles at inference: {found['memory']['particles']:,} bytes. Training: "
        f"{sum(seconds) / seeds:.3g} CPU s, over {seeds} seed{'s' * (seeds != 1)}; {found['sizes'][0]} and {found['sizes'][1]} points."
    )

"""Tabs of the Transport page that ask the worker: the learned flow against its particles, straightness against calls, trained bridges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices, from_dict, make
from rkdiff.experiment import Experiment
from rkdiff.ui import transport_terminal as terminal
from rkdiff.ui.plain import plain
from rkdiff.ui.schedule_jobs import measured
from rkdiff.ui.schedule_tabs import chart
from rkdiff.ui.session import Desk

LEARNED = "learned_sliced_flow"
#: Ways to match a flow that the table offers beside the racers.
MATCHINGS: dict[str, dict[str, Any]] = {
    "Flow matching": {"name": "flow_matching"},
    "Batches coupled optimally": {"name": "flow_matching", "coupling": "ot"},
    "Batches coupled with entropy": {"name": "flow_matching", "coupling": "sinkhorn"},
    "Reflow, once": {"name": "flow_matching", "reflow": 1},
}
USUAL = ("Flow matching", "Batches coupled optimally", "Reflow, once")
HUES = ("model", "second", "third", "data", "exact", "#E69F00", "#56B4E9", "#999933")
MOST_METHODS = 6
STRAIGHT_HELP = """
**Bent**: S / E‖Z₁ − Z₀‖², 0 where every particle goes straight at even speed. **Length**: of a path over the distance of its ends. **One
step**: how far a single Euler step misses the end of many. **Over optimal**: cost of the map over the best assignment of the same ends.
Coupling batches is not optimal transport of the laws; reflow straightens and need not come closer to it. Data that is symmetric around the
noise hides the difference between straight and optimal: there paths that are bent can end close to the optimal map too.
"""
REPORT_HELP = """
A network learns where the sliced flow takes a point from any time to any later one, so one call jumps as far as one likes. Distances are
√d · sliced W2 to fresh systems of particles, which start at independent normals. **Evenly spread starts** show the law that was learned;
their floor, two such systems against each other, is an easy bar: they can fall below it. **Independent starts** keep their sampling noise
to the end, which particles that move together lose; their floor is independent draws of the flow's own law.
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
    if getattr(e.method, "entropy", 0.0):
        st.caption(
            f"This measures a map. With entropy {e.method.entropy:g} only the drift is learned"  # type: ignore[attr-defined]
            ": set the racer's entropy to 0 and its figures appear here."
        )
        return
    asked = replace(e, particles=1000, steps=12, repeats=1)  # only data, space, method and seed are asked about
    found = measured(
        desk, "report", {"experiment": asked.to_dict(), "seeds": seeds}, "Measure the learned flow", icon="query_stats",
        command=terminal.report(asked, seeds),
    )  # fmt: skip
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
    spread, alone = (column("law"), column("floor")), (column("independent")[:, :, None], column("independent_floor"))
    span = [float(v) for values in (*spread, *alone) for v in values.ravel()]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Law**: evenly spread starts against the particles")
        chart(
            desk, "learned", error_figure(tau, calls, *spread, span=span), "error along the flow's time, evenly spread starts"
        )
    with right:
        st.markdown("**Independent starts** against the particles")
        figure = error_figure(tau, calls[-1:], *alone, floor_of="independent draws of the flow's law", shown=calls, span=span)
        chart(desk, "independent", figure, "error along the flow's time, independent starts")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Memorisation**: stop early for a smoother law, late to come closer to the training points")
        lines = [
            (f"learned, {calls[-1]} calls", "model", column("memorised")),
            ("particles", "exact", column("memorised_particles")),
        ]
        chart(desk, "memorised", ratio_figure(tau, lines), "memorisation along the flow's time")
    with right:
        st.markdown("**At the end** of the flow")
        st.table(ends(calls, column), hide_index=True)
    seconds, seeds = found["train_seconds"], len(figures)
    st.caption(
        f"{plain(found['memory']['honest'])} Particles at inference: {found['memory']['particles']:,} bytes. Training: "
        f"{sum(seconds) / seeds:.3g} CPU s, over {seeds} seed{'s' * (seeds != 1)}; {found['sizes'][0]} and {found['sizes'][1]} points."
    )


def ends(calls: Sequence[int], column: Callable[[str], np.ndarray]) -> list[dict[str, str]]:
    """The last time's figures, means over seeds: learned at even starts, at independent ones, particles, training points."""

    def last(name: str) -> Any:
        return column(name)[:, -1].mean(axis=0)

    def row(title: str, particles: str = "", held_out: str = "", paired: str = "") -> dict[str, str]:
        return {
            "at the end": title,
            "to fresh particles, √d · sliced W2": particles,
            "to held-out data, √d · sliced W2": held_out,
            "same start, RMS": paired,
        }

    law, held_out, paired = last("law"), last("held_out"), last("paired")
    return [
        *(
            row(f"learned, {c} call{'s' * (c != 1)}, even starts", f"{law[i]:.3g}", f"{held_out[i]:.3g}", f"{paired[i]:.3g}")
            for i, c in enumerate(calls)
        ),
        row("particles, independent starts", f"{last('floor'):.3g} (floor)", f"{last('held_out_particles'):.3g}"),
        row(f"learned, {calls[-1]} calls, independent starts", f"{last('independent'):.3g}"),
        row("independent draws of the flow's law", f"{last('independent_floor'):.3g} (floor)"),
        row("training points", "", f"{last('held_out_floor'):.3g} (floor)"),
    ]


def offered(racers: Sequence[Experiment]) -> dict[str, dict[str, Any]]:
    """What the table can compare, by name: the racers as they are set up, and ways to match a flow."""
    known = choices("method")
    out = {n: from_dict("method", m).to_dict() for n, m in MATCHINGS.items() if m["name"] in known}
    for e in racers:
        described = e.method.to_dict()
        if described in out.values():
            continue
        title = type(e.method).title()
        out[title if title not in out else f"{title} (racer {sum(k.startswith(title) for k in out) + 1})"] = described
    return out


def straightness_tab(desk: Desk, data: str, shared: Mapping[str, Any], racers: Sequence[Experiment]) -> None:
    """How straight methods go, how far from optimal, and what few calls cost them."""
    left, right = st.columns([4, 1], gap="medium", vertical_alignment="bottom")
    left.markdown("**Straight paths need few calls**; straight is not optimal", help=STRAIGHT_HELP)
    seeds = int(
        right.select_slider("Seeds", (1, 2, 3, 5), 1, key=desk.key("straight_seeds"), help="each trains every method anew")
    )
    listed = offered(racers)
    first = [n for n in USUAL if n in listed] or list(listed)[:2]
    chosen = st.pills(
        "Methods", list(listed), selection_mode="multi", default=first, key=desk.key("straight_methods"),
        label_visibility="collapsed",
    )  # fmt: skip
    if not chosen or len(chosen) > MOST_METHODS:
        st.caption(f"Choose 1 to {MOST_METHODS} methods.")
        return
    payload = {
        "data": shared["data"], "methods": [listed[n] for n in chosen], "seeds": seeds, "particles": 600, "seed": int(shared["seed"]),
        **({"space": shared["space"]} if choices("data")[data].modality != "points" else {}),  # type: ignore[attr-defined]
    }  # fmt: skip
    command = terminal.straightness(payload)
    found = measured(desk, "straightness", payload, "Measure straightness", icon="straighten", command=command)
    if found is None:
        st.caption("Trains the chosen methods and appears here: quality at 1 to 16 calls, straightness, cost over optimal.")
        return
    _straightness(desk, chosen, found)


def _straightness(desk: Desk, names: Sequence[str], found: Mapping[str, Any]) -> None:
    from rkdiff.plots.transport_straightness import calls_figure, straight_figure

    methods = list(zip(names, HUES, found["methods"], strict=False))
    lines: list[Any] = []
    for name, hue, m in methods:
        there = [b for b in m["budgets"] if b["sliced"] is not None]
        values = [np.array(b["sliced"]["values"], dtype=float) for b in there]
        columns = [np.array([f(v) for v in values]) for f in (np.mean, np.min, np.max)]
        lines.append((name, hue, np.array([float(b["calls"]) for b in there]), *columns))
    seeds, particles = found["seeds"], found["particles"]
    left, right = st.columns(2, gap="large")
    with left:
        figure = calls_figure(lines, found["floor"], found["floor"] + 2 * found["floor_sd"], f"{particles} fresh samples")
        chart(desk, "calls", figure, "quality against model calls, with the floor")
    with right:
        points = [
            (name, hue, m["figures"]["share"]["mean"], m["figures"]["ratio"]["mean"])
            for name, hue, m in methods
            if m["figures"]["share"] and m["figures"]["ratio"]
        ]
        chart(desk, "straight", straight_figure(points), "how bent paths are against the cost of the map")
    st.table(
        [
            {
                "method": name,
                "bent": _said(m["figures"]["share"]),
                "length": _said(m["figures"]["stretch"]),
                "one step": _said(m["figures"]["one_step"]),
                "cost": _said(m["figures"]["cost"]),
                "over optimal": excess(m["figures"]["ratio"]),
            }
            for name, _, m in methods
        ],
        hide_index=True,
    )
    spread = "bands: their range" if seeds > 1 else "one seed: no spread"
    st.caption(
        f"{seeds} seed{'s' * (seeds != 1)} of {particles} particles; {spread}. The floor falls with the number of particles."
    )
    for name, _, m in methods:
        if m["note"]:
            st.caption(f":material/info: **{plain(name)}**: {plain(m['note'])}.")


def _said(figure: Mapping[str, Any] | None) -> str:
    """Mean and spread of a figure over the seeds; a dash where it means nothing."""
    if figure is None:
        return "–"
    spread = f" ± {figure['sd']:.1g}" if figure.get("sd") is not None else ""
    return f"{figure['mean']:.4g}{spread}"


def excess(figure: Mapping[str, Any] | None) -> str:
    """A ratio as what it is over 1, in per cent, with its spread over the seeds; a dash where it means nothing."""
    if figure is None:
        return "–"
    spread = f" ± {100 * figure['sd']:.1g}" if figure.get("sd") is not None else ""
    over = 100 * (figure["mean"] - 1)
    return f"{over:+.2g}{spread} %" if over >= 1e-4 or spread else "0 %"

"""Tabs of the Transport page that are exact pictures: closed formulas, drawn at once, without the worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.lab.transport.maps import LinearMap, maps
from rkdiff.ui.schedule_tabs import chart
from rkdiff.ui.session import Desk
from rkdiff.ui.transport_counter import TAU, Line, ellipse, laws, on_the_line, quantile

#: Hues of the four maps.
MAP_HUES = ("exact", "model", "second", "third")
#: The bridge on the line: data N(3, 0.5^2), noise of one step, IPF half-steps that are drawn.
GAMMA, MEAN, SD = 0.025, 3.0, 0.5
HALF_STEPS = (1, 3, 5, 7, 9, 11)
LENGTHS = (2, 4, 6, 8, 10, 14, 20, 30, 40, 60, 80, 120, 160)
PATHS = 24


@st.cache_data(show_spinner=False, max_entries=64)
def _maps(turn: float) -> tuple[LinearMap, ...]:
    return maps(*laws(turn), tau=TAU)


@st.cache_data(show_spinner=False, max_entries=1)
def _line() -> Line:
    return on_the_line()


@st.cache_data(show_spinner=False, max_entries=64)
def _bridge(steps: tuple[int, ...]) -> Any:
    from rkdiff.lab.transport.short_bridge import short_bridge

    return short_bridge(MEAN, SD, GAMMA, steps, HALF_STEPS)


@st.cache_data(show_spinner=False, max_entries=64)
def _paths(steps: int, half_steps: int) -> Any:
    from rkdiff.lab.transport.short_bridge import exact_paths

    return exact_paths(Rng(0), mean=MEAN, sd=SD, gamma=GAMMA, steps=steps, half_steps=half_steps, n=PATHS)


BRIDGE_HELP = """
Data N(3, 0.5²) on the line, an Ornstein-Uhlenbeck process of N steps of length 0.025, the prior N(0, 1), the perfect score: everything by
closed formulas. A **half-step** of IPF learns the process anew in one direction, so each costs a training where nothing is closed.
"""


def bridge_picture(desk: Desk) -> None:
    """What a process that is too short gets wrong, and what half-steps of IPF make of it."""
    from rkdiff.plots import transport_bridges as plots

    left, middle, right = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
    left.markdown("**Too few steps to reach the noise?** A bridge mends it: fewer steps, several trainings.", help=BRIDGE_HELP)
    steps = int(middle.select_slider("Steps N, at a fixed length of each", LENGTHS, 10, key=desk.key("bridge_steps")))
    iterate = int(
        right.select_slider("Half-steps of IPF", HALF_STEPS, 5, key=desk.key("half_steps"), help="1 is plain diffusion")
    )
    found, mine = _bridge(LENGTHS), _bridge((steps,))
    time = float(mine.times[0])
    at = HALF_STEPS.index(iterate)
    left, right = st.columns(2, gap="large")
    with left:
        figure = plots.distance_figure(found.times, found.half_steps, found.distances, time)
        chart(desk, "short", figure, "W2 to the data against the length of the process, a curve for each iterate")
    with right:
        share, plain = _paths(steps, 1)
        drawn = [("diffusion", "model", plain)]
        if iterate > 1:
            drawn.append((f"bridge, {iterate} half-steps", "data", _paths(steps, iterate)[1]))
        chart(desk, "paths", plots.paths_figure(share, drawn, MEAN, SD), "sampled paths before and after")
    one, two, three = st.columns(3, gap="medium")
    with one:
        st.markdown("**Noise end**: where the diffusion stops")
        mean, var = (float(v) for v in mine.terminal[0])
        laws_drawn = [("prior", "exact", 0.0, 1.0, "dot"), (f"after N = {steps}", "model", mean, var, "solid")]
        chart(desk, "noise_end", plots.laws_figure(laws_drawn), "law at the noise end against the prior")
    with two:
        st.markdown("**Data end**: what is generated")
        shown = [("data", "exact", MEAN, SD**2, "dot"), ("diffusion", "model", *_law(mine, 0), "solid")]
        if iterate > 1:
            shown.append(("bridge", "data", *_law(mine, at), "solid"))
        chart(desk, "data_end", plots.laws_figure(shown), "generated laws against the data")
    with three:
        st.markdown("**Both ends**, half-step by half-step")
        chart(desk, "ends", plots.ends_figure(mine.errors[0]), "distance at both ends after each half-step")
    st.caption(
        f"T = {time:.3g}. W2 to the data: diffusion {mine.distances[0, 0]:.3g}, after {iterate} half-steps "
        f"{mine.distances[0, at]:.3g}. Every half-step makes one end right and disturbs the other."
    )


def _law(found: Any, at: int) -> tuple[float, float]:
    mean, var = found.generated[0, at]
    return float(mean), float(var)


MAPS_HELP = """
Four ways from one Gaussian to another, without training. All arrive; only one moves points as little as possible. **Reflow** trains flow
matching again on its own pairs: paths become straight; here the map stays, in general the law stays and the map may change. Where both laws
have the same axes (at 0 and ±90 degrees), all four agree.
"""
#: Costs and maps closer than this, relatively, are the same: the flows are integrated to about eight digits.
SAME = 1e-6


def counter_examples(desk: Desk) -> None:
    """Flows that arrive without being optimal; and the line, where those that keep ranks are."""
    from rkdiff.plots.transport_maps import maps_figure, monotone_figure, quantiles_figure

    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    left.markdown("**Arriving is not optimal transport**: the same points under four maps", help=MAPS_HELP)
    turn = float(
        right.slider(
            "Turn the target (degrees)",
            -90,
            90,
            65,
            5,
            key=desk.key("turn"),
            help="at 0 and ±90 both share their axes, and all maps agree",
        )
    )
    found, (a, b) = _maps(turn), laws(turn)
    points = ellipse(a, 12)
    left, right = st.columns([3, 2], gap="large")
    with left:
        images = [(m.name, hue, points @ m.matrix.T) for m, hue in zip(found, MAP_HUES, strict=True)]
        figure = maps_figure(ellipse(a, 90), ellipse(b, 90), points, images)
        chart(desk, "maps", figure, "points of the source joined to where four maps take them")
    with right:
        st.table(
            [
                {
                    "map": m.name,
                    "cost": f"{m.cost:.5f}",
                    "over optimal": excess(m, found[0]),
                    "asymmetry": f"{m.asymmetry:.4f}" if m.asymmetry > SAME else "0",
                    "bent": "" if m.straightness is None else f"{m.straightness:.3g}" if m.straightness > 1e-9 else "0",
                }
                for m in found
            ],
            hide_index=True,
        )
        st.caption(
            "Cost: mean squared distance moved. An optimal map is symmetric. Bent: ∫ E‖(Z₁ − Z₀) − v‖² dt, 0 for straight paths. "
            + apart(found, points)
        )
    line = _line()
    st.markdown("**On the line every flow that arrives and whose paths do not cross is one map**: ranks are kept")
    x = float(st.slider("A particle begins at", -2.0, 2.0, -0.8, 0.1, key=desk.key("begins")))
    level = float(np.interp(x, line.grid, line.f0))
    left, right = st.columns(2, gap="large")
    with left:
        to = float(quantile(np.array([level]))[0])
        chart(desk, "ranks", quantiles_figure(line.grid, line.f0, line.f1, x, to, level), "from F0 to Q1")
    with right:
        flows = [(t, h, y) for (t, y), h in zip(line.flows, ("model", "second", "third"), strict=True)]
        chart(desk, "monotone", monotone_figure(line.x, line.monotone, flows), "three flows against the monotone map")
    st.caption(f"Three different flows end within {line.gap:.1g} of Q₁(F₀(x)), which on the line is optimal transport.")


def apart(found: Sequence[LinearMap], points: Float[np.ndarray, "n 2"]) -> str:
    """What a turn shows: that all maps agree, or how far the flows that arrive end from the optimal points."""
    best, others = found[0], found[1:]
    gaps = [float(np.linalg.norm(points @ (m.matrix - best.matrix).T, axis=1).max()) for m in others]
    if max(gaps) < SAME:
        return "Both laws have the same axes here: all maps agree."
    sliced, matched = others[-1], others[0]
    return (
        f"Reflow straightens; here it leaves the map as far from optimal as it was, up to {gaps[0]:.2g} for these points "
        f"({excess(matched, best)} in cost). The sliced flow ends closer, and is not optimal either: up to {gaps[-1]:.2g} "
        f"({excess(sliced, best)})."
    )


def excess(m: LinearMap, best: LinearMap) -> str:
    """What a map costs over the optimal one, in per cent."""
    return f"+{100 * (m.cost / best.cost - 1):.3g} %" if m.cost > best.cost * (1 + SAME) else "0 %"

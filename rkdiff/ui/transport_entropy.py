"""The tab on entropy: the plan between noise and data, from optimal transport to independence, solved here in milliseconds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from rkdiff.core.parts import choices
from rkdiff.core.rng import Rng
from rkdiff.ui.live import backdrop
from rkdiff.ui.reading import shown_runs
from rkdiff.ui.schedule_tabs import chart
from rkdiff.ui.session import Desk

#: Points of each cloud: as many as lines can be told apart.
POINTS = 120
#: eps from none, which is optimal transport, to infinite, which joins everything to everything.
EPS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, math.inf)
TOLERANCE, ROUNDS = 1e-4, 2000

HELP = """
The plan that moves noise to data at the least mean of ‖x − y‖²/2 plus ε times how far it is from independent pairs. ε = σ², the variance of
the Brownian bridge with the same ends. **0** is optimal transport: one partner each. **∞** pairs everything with everything.
"""


@dataclass(frozen=True, eq=False)
class Picture:
    """A plan as the tab shows it.

    Attributes:
        rounds, error: of Sinkhorn's algorithm; 0 rounds where the plan is known otherwise.
        cost: the mean of |x - y|^2 under the plan; the plan is the best for half of it, as eps = sigma^2 wants.
        partners: the exponential of the mean entropy of a row: how many points share the mass of one.
    """

    plan: Float[np.ndarray, "n m"]
    rounds: int
    error: float
    cost: float
    partners: float


def solved(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], eps: float) -> Picture:
    """The plan at this eps; its two limits are solved as what they are."""
    n, m = len(x), len(y)
    squared = ((x[:, None] - y[None]) ** 2).sum(axis=2)
    rounds, error = 0, 0.0
    if eps == 0:
        from rkdiff.transport import exact

        plan = exact.plan(x, y)
    elif math.isinf(eps):
        plan = np.full((n, m), 1 / (n * m))
    else:
        from rkdiff.transport.sinkhorn import sinkhorn

        found = sinkhorn(x, y, eps, tolerance=TOLERANCE, most=ROUNDS, annealed=True)
        plan, rounds, error = found.plan, found.iterations, found.error
    rows = plan * n
    entropy = -np.sum(rows * np.log(np.maximum(rows, 1e-300)), axis=1).mean()
    return Picture(plan, rounds, error, float((plan * squared).sum()), float(np.exp(entropy)))


@st.cache_resource(show_spinner="Solving for the plan …", max_entries=64)  # the first exact one waits for SciPy's solvers
def _solved(name: str, eps: float, _x: np.ndarray, _y: np.ndarray) -> Picture:
    return solved(_x, _y, eps)


def clouds(desk: Desk, shared: dict[str, Any]) -> tuple[str, np.ndarray, np.ndarray] | None:
    """A name, and as much noise as data, of at most this many points: one partner each is possible, and no other solver needed.

    For structured data those of the run on the stage, in the two coordinates that are drawn; None without a run.
    """
    seed = int(shared.get("seed", 0))
    text = json.dumps([shared["data"], seed], sort_keys=True)
    behind = backdrop(json.dumps(shared["data"]), seed)
    if behind is not None:
        y = behind[0]
        count = min(POINTS, len(y))
        return text, Rng(seed).numpy("entropy").standard_normal((count, 2)), y[_some(len(y), count, seed)]
    run = next((r for r in shown_runs(desk) if r.experiment.data.name == shared["data"]["name"]), None)
    if run is None:
        return None
    x, y = run.arrays["plane"][0].astype(float), run.arrays["target"].astype(float)
    count = min(POINTS, len(x), len(y))
    return run.experiment.key, x[_some(len(x), count, seed)], y[_some(len(y), count, seed)]


def _some(among: int, count: int, seed: int) -> np.ndarray:
    return Rng(seed).numpy("entropy points").permutation(among)[:count]


def said(eps: float) -> str:
    """An eps as its slider says it."""
    return "0: optimal" if eps == 0 else "∞: independent" if math.isinf(eps) else f"{eps:g}"


def entropy_tab(desk: Desk, shared: dict[str, Any]) -> None:
    """The plan and its barycentric map, with what it took to find."""
    from rkdiff.plots.transport_plan import average_figure, plan_figure

    found = clouds(desk, shared)
    if found is None:
        st.caption("Press Run: the plan between noise and data, in the two coordinates that are drawn, appears here.")
        return
    name, x, y = found
    left, middle, right = st.columns([3, 2, 2], gap="medium", vertical_alignment="bottom")
    left.markdown("**Who goes where**: the plan between noise and data", help=HELP)
    eps = float(middle.select_slider("Entropy ε", EPS, 0.03, format_func=said, key=desk.key("eps")))
    t = float(right.slider("Time t of the interpolation", 0.0, 1.0, 0.5, 0.05, key=desk.key("along")))
    try:
        p = _solved(name, eps, x, y)
    except ValueError as problem:
        st.error(str(problem))
        return
    left, right = st.columns(2, gap="large")
    with left:
        chart(desk, "plan", plan_figure(x, y, p.plan, t), "the plan as lines between noise and data, and the cloud at time t")
    with right:
        to = p.plan @ y / p.plan.sum(axis=1, keepdims=True)
        chart(desk, "average", average_figure(x, y, to), "the mean of the partners of every point")
    how = f"{p.rounds} rounds of Sinkhorn, marginal error {p.error:.1g}" if p.rounds else "solved exactly"
    short = f" (stopped at {ROUNDS} rounds, above the tolerance of {TOLERANCE:g})" if p.rounds and p.error >= TOLERANCE else ""
    structured = choices("data")[shared["data"]["name"]].modality != "points"  # type: ignore[attr-defined]
    where = ", of the run on the stage in the two coordinates that are drawn" if structured else ""
    st.caption(
        f"{len(x)} points of noise and {len(y)} of data{where}. Mean squared distance {p.cost:.4g}; the mass of a point is shared by "
        f"{p.partners:.3g} of {len(y)}; {how}{short}. Left: at t every line carries its mass along. Right: the barycentric map; with "
        "much entropy all points go to the mean of the data."
    )

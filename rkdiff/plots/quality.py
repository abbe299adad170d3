"""The quality bar: every figure as a multiple of what the truth itself would score, with its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rkdiff.plots.style import HUES, layout

#: How each figure is named, and whether it is divided by its floor (the others are ratios already, 1 for the truth).
ROWS = {
    "sliced_wasserstein": ("sliced W2 / floor", True),
    "energy_distance": ("energy distance / floor", True),
    "memorisation": ("memorisation (0 = copies)", False),
    "spill": ("spill (far from the data)", False),
}


def ratio(name: str, q: Mapping[str, Any]) -> tuple[float, float | None] | None:
    """A figure and its spread on the common scale where the truth scores 1; None where there is no floor."""
    divided = ROWS.get(name, ("", True))[1]
    scale = q.get("floor") if divided else 1.0
    if not scale:
        return None
    return q["value"] / scale, None if q.get("sd") is None else q["sd"] / scale


def quality_figure(panels: Sequence[tuple[str, str, Mapping[str, Any]]], over: str = "") -> go.Figure:
    """Dots with error bars on a logarithmic axis; the line at 1 is the truth, the grey band the spread of two fresh true samples.

    Args:
        panels: (title, hue, quality of the run) of each panel.
        over: what the figures are means over, such as "5 seeds".
    """
    fig = go.Figure()
    names = [n for n in ROWS if any(n in q for _, _, q in panels)]
    for title, hue, quality in panels:
        found = [(ROWS[n][0], ratio(n, quality[n])) for n in names if n in quality]
        xs = [(label, r) for label, r in found if r is not None]
        fig.add_scatter(
            y=[label for label, _ in xs], x=[max(r[0], 1e-3) for _, r in xs], mode="markers", name=title,
            marker={"color": HUES.get(hue, "#888"), "size": 12, "line": {"width": 1, "color": "rgba(255,255,255,.7)"}},
            error_x={"type": "data", "array": [r[1] or 0 for _, r in xs], "thickness": 2, "width": 5},
            hovertemplate="%{y}: %{x:.2f}<extra>" + title + "</extra>",
        )  # fmt: skip
    for n in names:
        q = next(q[n] for _, _, q in panels if n in q)
        if q.get("floor_sd") and q.get("floor"):
            share = min(q["floor_sd"] / q["floor"], 0.9)
            fig.add_scatter(
                y=[ROWS[n][0]] * 2, x=[1 - share, 1 + share], mode="lines", line={"color": "rgba(130,140,150,.35)", "width": 16},
                showlegend=False, hovertemplate=f"two fresh true samples: 1 ± {share:.2f}<extra></extra>",
            )  # fmt: skip
    fig.add_vline(x=1, line={"color": "rgba(130,140,150,.8)", "dash": "dot", "width": 1})
    fig.update_layout(layout(height=114 + 44 * max(len(names), 1)))
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    words = "1 = what fresh true samples score<br>logarithmic" + (f", {over}" if over else "")  # two lines fit a phone
    fig.update_xaxes(type="log", title=words, tickvals=ticks, ticktext=[f"{t:g}" for t in ticks])
    fig.update_yaxes(autorange="reversed")
    fig.data = tuple(sorted(fig.data, key=lambda trace: trace.mode != "lines"))
    return fig

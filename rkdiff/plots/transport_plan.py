"""A plan between two clouds: its lines with their mass, the cloud on its way, and where each point goes on average."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots.style import HUES, layout
from rkdiff.plots.transport_maps import segments

#: Shares of a point's mass at which lines become fainter, and lines that are drawn at most.
SHARES, MOST_LINES = (0.5, 0.2, 0.06, 0.015, 0.004), 1500
#: How strong the lines of each share are.
STRENGTH = (0.9, 0.55, 0.3, 0.14, 0.07)


def plan_figure(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    plan: Float[np.ndarray, "n m"],
    t: float = 0.0,
    source: str = "noise",
    target: str = "data",
) -> go.Figure:
    """Points joined by lines that are the stronger, the more of a point's mass goes there; where the mass is at time t.

    Args:
        x, y: the clouds; their first two coordinates are drawn.
        plan: mass from each point to each point.
        t: time of the displacement interpolation, 0 at the source and 1 at the target.
        source, target: names of the clouds.
    """
    fig = go.Figure()
    rows = plan / np.maximum(plan.sum(axis=1, keepdims=True), 1e-300)
    i, j = np.nonzero(rows >= SHARES[-1])
    anywhere = (7919 * i + 104729 * j) % 65521  # of many equal ones some of every point
    order = np.lexsort((anywhere, -np.round(rows[i, j], 6)))[:MOST_LINES]
    i, j = i[order], j[order]
    share = rows[i, j]
    above = np.inf
    for least, strength in zip(SHARES, STRENGTH, strict=True):
        mine = (share >= least) & (share < above)
        above = least
        if mine.any():
            a, b = segments(x[i[mine], :2], y[j[mine], :2])
            fig.add_scatter(
                x=a,
                y=b,
                mode="lines",
                line={"color": f"rgba(130,140,150,{strength})", "width": 1},
                showlegend=False,
                hoverinfo="skip",
            )
    for cloud, name, hue in ((x, source, "exact"), (y, target, "data")):
        fig.add_scatter(
            x=cloud[:, 0], y=cloud[:, 1], mode="markers", name=name, marker={"color": HUES[hue], "size": 5},
            hovertemplate="%{x:.2f}, %{y:.2f}<extra>" + name + "</extra>",
        )  # fmt: skip
    at, size = (1 - t) * x[i, :2] + t * y[j, :2], 9 * np.sqrt(share / share.max(initial=1e-300))
    fig.add_scatter(
        x=at[:, 0], y=at[:, 1], mode="markers", name=f"at t = {t:.2f}", hoverinfo="skip",
        marker={"color": HUES["model"], "size": np.maximum(size, 1.5), "opacity": 0.8, "line": {"width": 0}},
    )  # fmt: skip
    return _square(fig)


def average_figure(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    to: Float[np.ndarray, "n d"],
    source: str = "noise",
    target: str = "data",
) -> go.Figure:
    """The barycentric map: each point of the source joined to the mean of where its mass goes."""
    fig = go.Figure()
    a, b = segments(x[:, :2], to[:, :2])
    fig.add_scatter(
        x=a, y=b, mode="lines", line={"color": "rgba(130,140,150,.45)", "width": 1}, showlegend=False, hoverinfo="skip"
    )
    for cloud, name, hue, size in ((x, source, "exact", 5), (y, target, "data", 5), (to, "mean of its partners", "model", 7)):
        fig.add_scatter(
            x=cloud[:, 0], y=cloud[:, 1], mode="markers", name=name, marker={"color": HUES[hue], "size": size},
            hovertemplate="%{x:.2f}, %{y:.2f}<extra>" + name + "</extra>",
        )  # fmt: skip
    return _square(fig)


def _square(fig: go.Figure) -> go.Figure:
    fig.update_layout(layout(height=440))
    fig.update_xaxes(zeroline=False, title=None)
    fig.update_yaxes(zeroline=False, title=None, scaleanchor="x")
    return fig

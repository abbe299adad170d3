"""Loss curves: one line a panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rkdiff.plots.style import HUES, layout


def loss_figure(curves: Sequence[tuple[str, str, np.ndarray]]) -> go.Figure:
    """Training loss against the share of training done.

    Args:
        curves: (title, hue, (k, 2) array of fraction and loss) of each panel; empty and non-positive ones are left out.
    """
    fig = go.Figure()
    for title, hue, points in curves:
        good = points[np.isfinite(points).all(axis=1) & (points[:, 1] > 0)] if len(points) else points
        if not len(good):
            continue
        fig.add_scatter(
            x=100 * good[:, 0], y=good[:, 1], mode="lines", name=title, line={"color": HUES.get(hue, "#888"), "width": 2},
            hovertemplate="%{x:.0f} % done: %{y:.4g}<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=260, showlegend=True))
    fig.update_xaxes(title="training done (%)", range=[0, 100])
    fig.update_yaxes(title="loss", type="log", exponentformat="power", nticks=6, minor={"ticks": ""})
    return fig

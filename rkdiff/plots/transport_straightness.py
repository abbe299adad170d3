"""Straight and optimal are two things: how bent the paths of a method are against what its map costs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from rkdiff.plots.style import HUES, layout

GREY = "rgba(130,140,150,.8)"


def straight_figure(methods: Sequence[tuple[str, str, float, float]]) -> go.Figure:
    """Each method at how bent its paths are (0: straight) and what its map costs over the best with the same ends (1: optimal).

    Args:
        methods: (title, hue, S / E|Z_1 - Z_0|^2, cost over optimal) of each; those without a meaning are left out by the caller.
    """
    fig = go.Figure()
    for title, hue, bent, ratio in methods:
        fig.add_scatter(
            x=[bent], y=[ratio], mode="markers", name=title,
            marker={"color": HUES.get(hue, hue), "size": 13, "line": {"width": 1, "color": "rgba(255,255,255,.7)"}},
            hovertemplate="bent %{x:.3g}, cost %{y:.4g} × optimal<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.add_hline(y=1, line={"color": GREY, "dash": "dot", "width": 1})
    fig.add_vline(x=0, line={"color": GREY, "dash": "dot", "width": 1})
    fig.update_layout(layout(height=400, showlegend=True))
    widest = max((bent for _, _, bent, _ in methods), default=1.0) or 1.0
    most = max((ratio - 1 for _, _, _, ratio in methods), default=0.0)
    fig.update_xaxes(title="bent paths: S / E‖Z₁ − Z₀‖², 0 is straight", range=[-0.06 * widest, 1.1 * widest], zeroline=False)
    fig.update_yaxes(
        title="cost over optimal, 1 is optimal", range=[1 - 0.1 * max(most, 1e-3), 1 + 1.15 * max(most, 1e-3)], zeroline=False
    )
    return fig

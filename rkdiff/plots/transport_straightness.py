"""Straight and optimal are two things: how bent the paths of a method are against what its map costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots.schedules import quality_figure
from rkdiff.plots.style import HUES, layout
from rkdiff.plots.transport_bridges import named_floor

GREY = "rgba(130,140,150,.8)"
#: The least that the axis of costs spans above optimal: a smaller excess is nothing that one should see.
LEAST_SPAN = 0.05


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
    most = max([LEAST_SPAN, *(ratio - 1 for _, _, _, ratio in methods)])
    fig.update_xaxes(title="bent paths: S / E‖Z₁ − Z₀‖², 0 is straight", range=[-0.06 * widest, 1.1 * widest], zeroline=False)
    fig.update_yaxes(title="cost over optimal, 1 is optimal", range=[1 - 0.1 * most, 1 + 1.15 * most], zeroline=False)
    return fig


def calls_figure(
    lines: Sequence[
        tuple[str, str, Float[np.ndarray, " _"], Float[np.ndarray, " _"], Float[np.ndarray, " _"], Float[np.ndarray, " _"]]
    ],
    floor: float,
    floor_high: float,
    floor_of: str,
) -> go.Figure:
    """Quality against calls; the floor is named in the legend, since at few calls curves run through any place beside its line.

    Args:
        lines: (title, hue, calls, mean, low end, high end) of each.
        floor, floor_high: what two sets of fresh samples score against each other, and its high end.
        floor_of: what the floor was measured with.
    """
    fig = quality_figure(lines, floor, floor_high, floor_of=floor_of)
    fig.layout.annotations = ()
    return named_floor(fig, f"floor: {floor_of}")

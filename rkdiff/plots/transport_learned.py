"""A learned flow against the flow it learned: its error along the flow's time, for few and many calls, beside the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots._schedules_axes import log_axis
from rkdiff.plots.style import HUES, layout

GREY = "rgba(130,140,150,.9)"
BAND = "rgba(130,140,150,.25)"


def error_figure(
    tau: Float[np.ndarray, " k"],
    calls: Sequence[int],
    errors: Float[np.ndarray, "s k c"],
    floor: Float[np.ndarray, "s k"],
    what: str = "√d · sliced W2 to fresh particles",
    floor_of: str = "two particle systems",
    shown: Sequence[int] | None = None,
    span: Sequence[float] = (),
) -> go.Figure:
    """Error at each time of the flow, a curve for each number of calls, mean and range over seeds; the floor in grey.

    Args:
        tau: times of the flow, rising.
        calls: how many calls of the model each curve took.
        errors: of each seed, time and number of calls.
        floor: of each seed and time.
        what: the distance, as the axis names it.
        floor_of: what the floor is the distance of.
        shown: the numbers of calls of another figure beside this one, so that curves of the same calls have the same hue.
        span: further distances that the axis shall show, so that two figures have one scale.
    """
    fig = go.Figure()
    _curve(fig, tau, floor, f"floor: {floor_of}", GREY, BAND, dash="dot")
    hues = (("model", "213,94,0"), ("third", "170,68,153"), ("data", "0,114,178"))
    for j, count in enumerate(calls):
        hue, rgb = hues[list(shown or calls).index(count) % len(hues)]
        name = f"{count} call{'s' * (count != 1)}"
        _curve(fig, tau, errors[:, :, j], name, HUES[hue], f"rgba({rgb},.15)")
    fig.update_layout(layout(height=340))
    fig.update_xaxes(title="time τ of the flow", **log_axis(tau, 0.02, 0.02))
    fig.update_yaxes(title=what, **log_axis([*errors.ravel().tolist(), *floor.ravel().tolist(), *span]))
    return fig


def ratio_figure(tau: Float[np.ndarray, " k"], lines: Sequence[tuple[str, str, Float[np.ndarray, "s k"]]]) -> go.Figure:
    """Memorisation along the flow's time: distance to the nearest training point over what held-out points have; 1 is no copying.

    Args:
        tau: times of the flow, rising.
        lines: (title, hue, ratio of each seed and time).
    """
    fig = go.Figure()
    for title, hue, values in lines:
        _curve(fig, tau, values, title, HUES.get(hue, hue), BAND)
    fig.add_hline(y=1, line={"color": GREY, "dash": "dot", "width": 1})
    fig.update_layout(layout(height=340))
    fig.update_xaxes(title="time τ of the flow", **log_axis(tau, 0.02, 0.02))
    fig.update_yaxes(title="memorisation, 1 = as new data", rangemode="tozero")
    return fig


def _curve(fig: go.Figure, x: np.ndarray, values: np.ndarray, name: str, colour: str, band: str, dash: str = "solid") -> None:
    """Mean over seeds, and their range behind it where there are several."""
    low, mean, high = values.min(axis=0), values.mean(axis=0), values.max(axis=0)
    if len(values) > 1:
        fig.add_scatter(
            x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself", fillcolor=band, mode="lines",
            line={"width": 0}, showlegend=False, hoverinfo="skip", legendgroup=name,
        )  # fmt: skip
    fig.add_scatter(
        x=x, y=mean, mode="lines+markers", name=name, legendgroup=name, line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 7}, hovertemplate="τ = %{x:.3g}: %{y:.3g}<extra>" + name + "</extra>",
    )  # fmt: skip

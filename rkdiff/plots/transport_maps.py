"""Maps that arrive and are not optimal: the same points under several maps, and one map of the line under several flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots.style import HUES, layout

GREY = "rgba(130,140,150,.8)"
FAINT = "rgba(130,140,150,.35)"
SYMBOLS = ("circle", "diamond", "x-thin-open", "circle-open")


def maps_figure(
    source: Float[np.ndarray, "k 2"],
    target: Float[np.ndarray, "k 2"],
    points: Float[np.ndarray, "n 2"],
    images: Sequence[tuple[str, str, Float[np.ndarray, "n 2"]]],
) -> go.Figure:
    """Points of the source joined to where each map takes them.

    Args:
        source, target: closed curves, one standard deviation of either law.
        points: places in the source.
        images: (title, hue, where they go) of each map.
    """
    fig = go.Figure()
    for curve, name, dash in ((source, "source", "dot"), (target, "target", "solid")):
        closed = np.concatenate([curve, curve[:1]])
        fig.add_scatter(
            x=closed[:, 0],
            y=closed[:, 1],
            mode="lines",
            name=name,
            line={"color": GREY, "width": 2, "dash": dash},
            hoverinfo="skip",
        )
    for i, (title, hue, to) in enumerate(images):
        colour = HUES.get(hue, hue)
        x, y = segments(points, to)
        fig.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "width": 1.5}, legendgroup=title, showlegend=False, hoverinfo="skip"
        )
        symbol = SYMBOLS[i % len(SYMBOLS)]
        hollow = "open" in symbol
        fig.add_scatter(
            x=to[:, 0], y=to[:, 1], mode="markers", name=title, legendgroup=title,
            marker={"color": colour, "size": 12 if hollow else 9, "symbol": symbol, "line": {"width": 1 + hollow, "color": colour}},
            hovertemplate="%{x:.2f}, %{y:.2f}<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.add_scatter(
        x=points[:, 0], y=points[:, 1], mode="markers", showlegend=False, hoverinfo="skip", marker={"color": GREY, "size": 5}
    )
    fig.update_layout(layout(height=430))
    fig.update_xaxes(zeroline=False, title="x")
    fig.update_yaxes(zeroline=False, title="y", scaleanchor="x")
    return fig


def segments(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "n 2"]) -> tuple[list[float | None], list[float | None]]:
    """Each point joined to its partner, as one trace with gaps."""
    out: tuple[list[float | None], list[float | None]] = ([], [])
    for p, q in zip(a.tolist(), b.tolist(), strict=True):
        for axis, column in enumerate(out):
            column += [p[axis], q[axis], None]
    return out


def quantiles_figure(
    grid: Float[np.ndarray, " g"], f0: Float[np.ndarray, " g"], f1: Float[np.ndarray, " g"], x: float, to: float, level: float
) -> go.Figure:
    """Both distribution functions, and the way of one particle: up to its rank u = F_0(x), across, and down to Q_1(u).

    Args:
        grid: places on the line.
        f0, f1: distribution functions of source and target there.
        x, to, level: the particle, where it arrives, and its rank.
    """
    fig = go.Figure()
    for f, name, hue in ((f0, "source F₀", "exact"), (f1, "target F₁", "data")):
        fig.add_scatter(
            x=grid, y=f, mode="lines", name=name, line={"color": HUES[hue], "width": 2},
            hovertemplate="%{x:.2f}: %{y:.2f}<extra>" + name + "</extra>",
        )  # fmt: skip
    fig.add_scatter(
        x=[x, x, to, to], y=[0, level, level, 0], mode="lines+markers", name="one particle",
        line={"color": HUES["model"], "width": 2, "dash": "dot"}, marker={"size": [8, 5, 5, 10], "color": HUES["model"]},
        hovertemplate="%{x:.2f}, rank %{y:.2f}<extra></extra>",
    )  # fmt: skip
    fig.update_layout(layout(height=320))
    fig.update_xaxes(title="place on the line", range=[-3.2, 3.2], zeroline=False)
    fig.update_yaxes(title="rank u", range=[-0.04, 1.04], zeroline=False)
    return fig


def monotone_figure(
    x: Float[np.ndarray, " n"], monotone: Float[np.ndarray, " n"], flows: Sequence[tuple[str, str, Float[np.ndarray, " n"]]]
) -> go.Figure:
    """Where particles of the line end: the monotone map as a line, flows as marks upon it.

    Args:
        x: where they begin.
        monotone: Q_1(F_0(x)).
        flows: (title, hue, where they end) of each.
    """
    fig = go.Figure()
    fig.add_scatter(
        x=x, y=monotone, mode="lines", name="Q₁(F₀(x))", line={"color": FAINT, "width": 9},
        hovertemplate="%{x:.2f} → %{y:.3f}<extra>Q₁(F₀(x))</extra>",
    )  # fmt: skip
    for i, (title, hue, y) in enumerate(flows):
        every = slice(i, None, len(flows))  # each flow marks other particles, so none hides another
        fig.add_scatter(
            x=x[every], y=y[every], mode="markers", name=title,
            marker={"color": HUES.get(hue, hue), "size": 8, "symbol": ("circle", "diamond", "square")[i % 3]},
            hovertemplate="%{x:.2f} → %{y:.3f}<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=320))
    fig.update_xaxes(title="begins at x", zeroline=False)
    fig.update_yaxes(title="ends at", zeroline=False)
    return fig

"""Where structured data stands in its Hilbert space, and how decoding goes along the clock: figures from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, Int

from rkdiff.plots.style import HUES, layout

GREY = "rgba(130,140,150,.8)"
#: From unlike (the page's own ground) to alike.
LIKENESS = [[0.0, "rgba(0,114,178,0)"], [0.5, "rgba(0,114,178,.45)"], [1.0, "#0072B2"]]


def gram_order(
    first: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"] | None = None
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " c"]]:
    """An order of objects by class and, within it, by their first coordinate; and how many there are of each class in turn."""
    if labels is None:
        return np.argsort(first, kind="stable"), np.array([len(first)])
    return np.lexsort((first, labels)), np.unique(labels, return_counts=True)[1]


def gram_figure(gram: Float[np.ndarray, "n n"], sizes: Sequence[int] = (), names: Sequence[str] = ()) -> go.Figure:
    """The kernel between objects as a heat map, the diagonal from the upper left; lines between the classes.

    Args:
        gram: values in the order they are drawn in (see `gram_order`).
        sizes: how many objects each class has, in the same order; `names` of the classes for the axis.
    """
    n = len(gram)
    fig = go.Figure(
        go.Heatmap(
            z=gram, colorscale=LIKENESS, showscale=False,
            hovertemplate="objects %{y} and %{x}: k = %{z:.3g}<extra></extra>",
        )
    )  # fmt: skip
    ends = np.cumsum(sizes) if len(sizes) > 1 else np.zeros(0, int)
    for end in ends[:-1]:
        for line in (fig.add_hline, fig.add_vline):
            line(**{"y" if line == fig.add_hline else "x": float(end) - 0.5}, line={"color": GREY, "width": 1})
    fig.update_layout(layout(height=340))
    fig.update_xaxes(
        showgrid=False,
        zeroline=False,
        range=[-0.5, n - 0.5],
        constrain="domain",
        constraintoward="left",
        title="training objects",
    )
    fig.update_yaxes(showgrid=False, zeroline=False, range=[n - 0.5, -0.5], scaleanchor="x", constrain="domain")
    if len(ends):
        middle = [float(e) - s / 2 - 0.5 for e, s in zip(ends, sizes, strict=True)]
        words = list(names) if len(names) == len(sizes) else [str(i) for i in range(len(sizes))]
        fig.update_xaxes(tickvals=middle, ticktext=words, title="")
        fig.update_yaxes(tickvals=middle, ticktext=words)
    return fig


def validity_figure(panels: Sequence[tuple[str, str, Float[np.ndarray, " A"], Bool[np.ndarray, "A k"]]]) -> go.Figure:
    """Share of valid objects among those decoded at each moment of the clock, one line a panel.

    Args:
        panels: (title, hue, moments of the clock, whether each object is valid at each moment).
    """
    fig = go.Figure()
    for title, hue, u, valid in panels:
        k = valid.shape[1]
        fig.add_scatter(
            x=u, y=100 * valid.mean(axis=1), mode="lines+markers", name=title, line={"color": HUES.get(hue, "#888"), "width": 2},
            customdata=valid.sum(axis=1), hovertemplate=f"%{{customdata}} of {k} valid at u = %{{x:.2f}}<extra>{title}</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=300, showlegend=True))
    fig.update_xaxes(title="clock: noise → data", range=[-0.02, 1.02], zeroline=False)
    fig.update_yaxes(title="valid objects (%)", range=[-4, 104])
    return fig


def shares_figure(panels: Sequence[tuple[str, str, Mapping[str, float], int]]) -> go.Figure:
    """Valid, novel and unique among the objects decoded at the end, one bar a panel, with the counts.

    Args:
        panels: (title, hue, shares by name, how many objects there are).
    """
    fig = go.Figure()
    for title, hue, shares, n in panels:
        shares = {name: shares[name] for name in ("valid", "novel", "unique") if name in shares}
        counts = [f"{round(n * v)} of {n}" for v in shares.values()]
        fig.add_bar(
            x=list(shares), y=[100 * v for v in shares.values()], name=title, marker={"color": HUES.get(hue, "#888")}, text=counts,
            textposition="auto", hovertemplate="%{x}: %{y:.0f} % (%{text})<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=300, showlegend=True, barmode="group"))
    fig.update_yaxes(title="objects at the end (%)", range=[0, 104])
    return fig

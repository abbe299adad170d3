r"""White and trace-class noise as functions: what a finer grid does to each.

White noise has independent values of variance 1 at the grid points, so its total variation over G points is exactly
(G - 1) 2 / sqrt(pi) on average and its picture a band that fills with ink. Matern noise sum_j sqrt(q_j) eps_j e_j is one function that
every grid samples; sqrt(2 / pi) sum_i sd(xi(x_{i+1}) - xi(x_i)) is its mean total variation, which stays where the q_j fall fast enough
(smoothness above 1). Both have variance 1 at a point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from rkdiff.plots.style import HUES, layout
from rkdiff.processes.covariance import basis, matern_variances, noise_fields

#: Components of the trace-class noise: more than the coarser grids can tell apart.
COMPONENTS = 256
GREY = "rgba(130,140,150,.8)"


def noise_figure(
    *, points: Sequence[int] = (64, 256, 1024), sigma: float = 0.5, smoothness: float = 1.0, seed: int = 0
) -> go.Figure:
    """One curve noised at the same level on finer and finer grids: white noise above, trace-class noise below.

    Args:
        points: sizes of the grids, each drawn in a column of its own.
        sigma: deviation of the noise at a point; the curve is sin(2 pi x).
        smoothness: of the Matern noise.
    """
    g = np.random.default_rng(seed)
    white, eps, q = g.standard_normal(max(points)), g.standard_normal((1, COMPONENTS)), matern_variances(smoothness, COMPONENTS)
    titles = [f"{n} points" for n in points]
    fig = make_subplots(
        2,
        len(points),
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.06,
        column_titles=titles,
    )
    for k, n in enumerate(points):
        x = np.linspace(0, 1, n)
        curve = np.sin(2 * np.pi * x)
        rows = (("white", HUES["model"], white[:n]), ("trace class", HUES["data"], noise_fields(eps, q, x)[0]))
        for row, (name, hue, noise) in enumerate(rows, start=1):
            fig.add_scatter(
                x=x, y=curve + sigma * noise, mode="lines", name=name, legendgroup=name, showlegend=k == 0,
                line={"color": hue, "width": 1.3}, hovertemplate="%{y:.2f}<extra>" + f"{name}, {n} points</extra>",
                row=row, col=k + 1,
            )  # fmt: skip
            fig.add_scatter(
                x=x, y=curve, mode="lines", line={"color": GREY, "width": 1.5}, showlegend=False, hoverinfo="skip",
                name="curve", row=row, col=k + 1,
            )  # fmt: skip
    fig.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    fig.update_yaxes(showticklabels=False, showgrid=False, zeroline=False)
    fig.update_layout(layout(height=320, margin={"l": 8, "r": 8, "t": 56, "b": 8}))
    fig.update_layout(legend={"y": 1.1})
    return fig


def total_variation(smoothness: float, points: int) -> float:
    """Mean total variation of Matern noise of variance 1 with one component a grid point."""
    e, q = basis("cosine", np.linspace(0, 1, points), points), matern_variances(smoothness, points)
    variance = (q @ e**2).mean()
    return float(np.sqrt(2 / np.pi * (q @ np.diff(e, axis=1) ** 2) / variance).sum())


def white_variation(points: Float[np.ndarray, " G"]) -> Float[np.ndarray, " G"]:
    """Mean total variation of independent standard normals."""
    return (points - 1) * 2 / np.sqrt(np.pi)


def variation_figure(
    *, points: Sequence[int] = (16, 32, 64, 128, 256, 512), smoothness: Sequence[float] = (1.0, 2.0)
) -> go.Figure:
    """Mean total variation of the noise against the size of the grid, both axes logarithmic: slope 1 for white noise, flat for smooth."""
    sizes = np.asarray(points)
    lines = [("white", HUES["model"], white_variation(sizes.astype(float)))]
    hues = (HUES["data"], HUES["second"], HUES["third"], HUES["exact"])
    for k, s in enumerate(smoothness):
        lines.append((f"Matérn, smoothness {s:g}", hues[k % 4], np.array([total_variation(s, int(n)) for n in sizes])))
    fig = go.Figure()
    for name, hue, y in lines:
        fig.add_scatter(
            x=sizes, y=y, mode="lines+markers", name=name, line={"color": hue, "width": 2},
            hovertemplate="%{x} points: %{y:.3g}<extra>" + name + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=320))
    fig.update_xaxes(type="log", title="points of the grid", tickvals=sizes, ticktext=[str(n) for n in sizes])
    fig.update_yaxes(type="log", title="total variation", exponentformat="none", dtick=1)
    return fig

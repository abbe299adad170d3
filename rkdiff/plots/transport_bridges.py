"""Short bridges: how far plain diffusion and each iterate of IPF are from the data, at both ends, and the paths between."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots._schedules_axes import log_axis
from rkdiff.plots.style import HUES, layout

GREY = "rgba(130,140,150,.8)"
#: Foot of the axes: below it distances are nothing that one sees.
LEAST = 1e-4


def shades(count: int) -> list[str]:
    """Plain diffusion in its own hue; the iterates after it in blues that deepen."""
    steps = [f"rgba(0,114,178,{0.35 + 0.65 * k / max(count - 2, 1):.2f})" for k in range(count - 1)]
    return [HUES["model"], *steps][:count]


def distance_figure(
    times: Float[np.ndarray, " l"], half_steps: Sequence[int], distances: Float[np.ndarray, "l h"], now: float | None = None
) -> go.Figure:
    """W2 of the generated law to the data against the length of the process, one curve for each number of half-steps.

    Args:
        times: lengths T, rising.
        half_steps: half-steps of IPF; the first is plain diffusion.
        distances: what each reaches.
        now: the length that the person has chosen, marked.
    """
    fig = go.Figure()
    for j, (count, colour) in enumerate(zip(half_steps, shades(len(half_steps)), strict=True)):
        name = "diffusion" if count == 1 else f"bridge, {count} half-steps"
        fig.add_scatter(
            x=times, y=np.where(distances[:, j] > 1e-15, distances[:, j], np.nan), mode="lines", name=name,
            line={"color": colour, "width": 3 if count == 1 else 2},
            hovertemplate="T = %{x:.3g}: W2 %{y:.3g}<extra>" + name + "</extra>",
        )  # fmt: skip
    if now is not None:
        fig.add_vline(x=now, line={"color": GREY, "dash": "dash", "width": 1})
    fig.update_layout(layout(height=340))
    fig.update_xaxes(title="length T", **log_axis(times, 0.0, 0.0))
    fig.update_yaxes(title="W2 to the data", **log_axis([LEAST, float(distances.max())], 0.05, 0.1))
    return fig


def laws_figure(laws: Sequence[tuple[str, str, float, float, str]], span: tuple[float, float] = (-3.5, 5.5)) -> go.Figure:
    """Densities of normal laws on the line.

    Args:
        laws: (title, hue, mean, variance, dash) of each.
        span: the stretch of the line that is shown.
    """
    x = np.linspace(*span, 400)
    fig = go.Figure()
    for title, hue, mean, var, dash in laws:
        y = np.exp(-((x - mean) ** 2) / (2 * var)) / math.sqrt(2 * math.pi * var)
        fig.add_scatter(
            x=x, y=y, mode="lines", name=title, line={"color": HUES.get(hue, hue), "width": 2, "dash": dash},
            hovertemplate="%{x:.2f}: %{y:.3f}<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=250))
    fig.update_xaxes(title=None, zeroline=False)
    fig.update_yaxes(title="density", rangemode="tozero", zeroline=False)
    return fig


def ends_figure(errors: Float[np.ndarray, "m 2"]) -> go.Figure:
    """The distance at both ends after every half-step: each half-step makes one of them 0 and moves the other.

    Args:
        errors: of the process to the data at the data's end, to the prior at the other.
    """
    fig = go.Figure()
    step = np.arange(1, len(errors) + 1)
    for k, (name, hue) in enumerate((("at the data", "data"), ("at the noise", "exact"))):
        free = errors[:, k] > 1e-12  # the end that a half-step pins is right but for rounding
        fig.add_scatter(
            x=step[free], y=errors[free, k], mode="lines+markers", name=name,
            line={"color": HUES[hue], "width": 1.5}, marker={"size": 8},
            hovertemplate="after %{x} half-steps: W2 %{y:.3g}<extra>" + name + "</extra>",
        )  # fmt: skip
    positive = errors[errors > LEAST]
    fig.update_layout(layout(height=250))
    fig.update_xaxes(title="half-steps of IPF", dtick=2)
    fig.update_yaxes(title="W2 to what it should be", **log_axis([LEAST, *positive.tolist()], 0.05, 0.1))
    return fig


def paths_figure(
    share: Float[np.ndarray, " T"], paths: Sequence[tuple[str, str, Float[np.ndarray, "T n"]]], mean: float, sd: float
) -> go.Figure:
    """Paths from the prior to the data; the data's two standard deviations stand at the end as a bar.

    Args:
        share: of the way, 0 at the prior.
        paths: (title, hue, positions) of each process.
        mean, sd: of the data.
    """
    fig = go.Figure()
    for title, hue, x in paths:
        gaps = np.concatenate([x, np.full((1, x.shape[1]), np.nan)]).T.ravel()
        along = np.tile(np.append(share, np.nan), x.shape[1])
        fig.add_scatter(
            x=_spaced(along), y=_spaced(gaps), mode="lines", name=title, opacity=0.55,
            line={"color": HUES.get(hue, hue), "width": 1.2}, hoverinfo="skip",
        )  # fmt: skip
    fig.add_scatter(
        x=[1.02, 1.02], y=[mean - 2 * sd, mean + 2 * sd], mode="lines", name="data, ± 2 sd", line={"color": HUES["exact"], "width": 6},
        hovertemplate="data<extra></extra>",
    )  # fmt: skip
    fig.update_layout(layout(height=340))
    fig.update_xaxes(title="way from prior to data", range=[0, 1.05], zeroline=False)
    fig.update_yaxes(title="place on the line", zeroline=False)
    return fig


def _spaced(values: np.ndarray) -> list[float | None]:
    """Plotly's gap is None."""
    return [None if math.isnan(v) else v for v in values.tolist()]


def steps_figure(
    ways: Sequence[
        tuple[str, str, Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]
    ],
    floor: float,
    floor_sd: float,
) -> go.Figure:
    """Sliced W2 to fresh data against the number of steps, with the floor of fresh samples; of one number of steps, a place for each way.

    Args:
        ways: (title, hue, steps, mean, low end, high end) of each.
        floor, floor_sd: what two samples of the truth are apart, and its deviation.
    """
    fig = go.Figure()
    lengths = sorted({float(v) for way in ways for v in way[2]})
    alone = len(lengths) == 1  # on an axis of steps all would stand on one spot
    for title, hue, steps, mean, low, high in ways:
        colour = HUES.get(hue, hue)
        fig.add_scatter(
            x=[title] * len(steps) if alone else steps, y=mean, customdata=steps, mode="markers" if alone else "lines+markers",
            name=title, line={"color": colour, "width": 2}, marker={"size": 11 if alone else 8, "color": colour},
            error_y={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low, "thickness": 1.5, "width": 4},
            hovertemplate="%{customdata} steps: %{y:.3g}<extra>" + title + "</extra>",
        )  # fmt: skip
    fig.add_hrect(
        max(floor - floor_sd, floor / 10), floor + floor_sd, fillcolor="rgba(130,140,150,.2)", line_width=0, layer="below"
    )
    fig.add_hline(y=floor, line={"color": GREY, "dash": "dash", "width": 1.5})
    named_floor(fig, "floor: two fresh samples")
    fig.update_layout(layout(height=340, showlegend=True))
    every = [float(v) for way in ways for v in way[3]]
    if alone:
        fig.update_xaxes(title=f"N = {lengths[0]:g} steps", type="category", showticklabels=False)  # the legend names the ways
    else:
        fig.update_xaxes(title="steps N", **log_axis(lengths))
    fig.update_yaxes(title="sliced W2 to fresh data", **log_axis([*every, floor]))
    return fig


def named_floor(fig: go.Figure, name: str) -> go.Figure:
    """Give the dashed line of a floor its entry in the legend."""
    line = {"color": GREY, "dash": "dash", "width": 1.5}
    fig.add_scatter(x=[None], y=[None], mode="lines", name=name, line=line, hoverinfo="skip")
    return fig


def cloud_figure(
    cloud: Float[np.ndarray, "n 2"], truth: Float[np.ndarray, "m 2"], hue: str, span: tuple[float, float, float, float]
) -> go.Figure:
    """Where particles end, over points of the data.

    Args:
        span: x from and to, y from and to: the same for every cloud that is compared.
    """
    fig = go.Figure()
    for points, name, colour, size, opacity in (
        (truth, "data", HUES["exact"], 3, 0.35),
        (cloud, "ends", HUES.get(hue, hue), 4, 0.7),
    ):
        fig.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=name, hoverinfo="skip",
            marker={"color": colour, "size": size, "opacity": opacity},
        )  # fmt: skip
    fig.update_layout(layout(height=250, showlegend=False))
    fig.update_xaxes(range=list(span[:2]), zeroline=False, showticklabels=False)
    fig.update_yaxes(range=list(span[2:]), zeroline=False, showticklabels=False, scaleanchor="x")
    return fig

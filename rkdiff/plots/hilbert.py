"""What happens in a Hilbert space as its truncation, its grid or its sample grows, as figures made of closed forms.

Each function takes plain numbers and returns a figure that computes in well under a second, the same every time: `dimension_figure` (what a
sampler gets wrong as modes are added), `noise_figure` and `variation_figure` (noise on finer grids), `snr_figure` (which mode can be read
when), `collapse_figure` (when the exact score becomes one training point), `spectrum_figure` (data and noise, mode by mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from rkdiff.plots._noise_fields import GREY, noise_figure, variation_figure
from rkdiff.plots.style import HUES, layout
from rkdiff.processes._gaussian_samplers import euler_maruyama_variances
from rkdiff.processes.collapse import collapse_level, effective_points
from rkdiff.processes.gaussian_oracle import Modes, w2_squared

__all__ = ["collapse_figure", "dimension_figure", "noise_figure", "snr_figure", "spectrum_figure", "variation_figure"]

#: From rough to smooth.
RAMP = ("#D55E00", "#E69F00", "#AA4499", "#0072B2", "#009E73", "#56B4E9", "#6B7480")
LEVEL = "noise level σ/α"


@lru_cache(maxsize=64)
def sampler_error(r: int, noise_decay: float, data_decay: float, steps: int, t_min: float) -> float:
    """Squared W2 between data of variances j^(-a) and what Euler-Maruyama makes with the exact score and noise j^(-b), r modes."""
    j = np.arange(1.0, r + 1)
    modes = Modes(j**-data_decay, j**-noise_decay)
    return w2_squared(euler_maruyama_variances(modes, steps, t_min=t_min), modes.variances)


def dimension_figure(
    *,
    decays: Sequence[float] = (0.0, 0.5, 1.0, 2.0, 4.0),
    data_decay: float = 4.0,
    dims: Sequence[int] = (8, 32, 128, 512, 2048),
    steps: int = 200,
    t_min: float = 1e-3,
) -> go.Figure:
    """What a sampler gets wrong against the number of modes, one line for each noise q_j = j^(-b): white grows, trace class stays.

    The score is exact; only steps of Euler-Maruyama and the stop at `t_min` err (variance-preserving rate from 0.1 to 20).
    """
    fig = go.Figure()
    for k, b in enumerate(decays):
        name = "white" if b == 0 else f"b = {b:g}" + (", matched" if b == data_decay else "")
        fig.add_scatter(
            x=list(dims), y=[sampler_error(int(r), float(b), float(data_decay), steps, t_min) for r in dims],
            mode="lines+markers", name=name, line={"color": RAMP[k % len(RAMP)], "width": 2},
            hovertemplate="%{x} modes: W2² = %{y:.3g}<extra>" + name + "</extra>",
        )  # fmt: skip
    fig.update_layout(layout(height=360))
    fig.update_xaxes(type="log", title="modes r", tickvals=list(dims), ticktext=[str(r) for r in dims])
    fig.update_yaxes(type="log", title="error of the samples, W2²", exponentformat="power", nticks=7)
    return fig


def snr_figure(
    variances: Float[np.ndarray, " r"],
    noise: Float[np.ndarray, " r"],
    *,
    levels: tuple[float, float] = (20.0, 0.02),
    columns: int = 60,
) -> go.Figure:
    """Signal to noise of each mode (log10) from the noise to the data: a wedge for white noise, bands for matched noise.

    Args:
        variances: (r,) of the data.
        noise: (r,) of the noise at level 1.
        levels: the noise levels at the left and the right end, in the units of `noise`.
    """
    modes, at = Modes(np.asarray(variances, float), np.asarray(noise, float)), np.geomspace(*levels, columns)
    with np.errstate(divide="ignore"):
        z = np.log10(np.array([modes.snr(1.0, s) for s in at]).T)
    z = np.clip(z, -6.0, 6.0)
    j = np.arange(1, len(z) + 1)
    fig = go.Figure(
        go.Heatmap(
            x=at, y=j, z=z, colorscale="RdBu", zmid=0, zmin=-4, zmax=4,
            colorbar={"title": {"text": "log₁₀ SNR"}, "thickness": 12, "tickvals": [-4, -2, 0, 2, 4]},
            hovertemplate="mode %{y} at σ/α = %{x:.3g}: log₁₀ SNR = %{z:.2f}<extra></extra>",
        )
    )  # fmt: skip
    if len(j) > 1:
        fig.add_contour(
            x=at, y=j, z=z, contours={"start": 0, "end": 0, "size": 1, "coloring": "none"}, showscale=False, hoverinfo="skip",
            line={"color": GREY, "width": 2}, name="SNR = 1",
        )  # fmt: skip
    fig.update_layout(layout(height=320))
    fig.update_xaxes(type="log", autorange="reversed", title=f"{LEVEL}: noise → data", exponentformat="none", dtick=1)
    fig.update_yaxes(title="mode", autorange="reversed")
    return fig


def collapse_figure(
    variances: Float[np.ndarray, " r"],
    noise: Float[np.ndarray, " r"],
    n: int,
    *,
    points: Float[np.ndarray, "n r"] | None = None,
    draws: int = 60,
    seed: int = 0,
) -> go.Figure:
    """How many training points the exact score averages over at each noise level, and the level where information = log n.

    Args:
        n: number of training points.
        points: (n, r) the training points' own coordinates; without them, at most 1000 Gaussian draws of the same variances.
        draws: noisy points to average over.
    """
    modes, rng = Modes(np.asarray(variances, float), np.asarray(noise, float)), np.random.default_rng(seed)
    here = collapse_level(modes, n)
    at = np.geomspace(30 * here, here / 30, 36)
    if points is None:
        count = min(n, 1000)
        points = rng.standard_normal((count, len(modes.noise))) * np.sqrt(modes.variances)
    found = effective_points(points, modes.noise, at, rng, draws=draws) * n / len(points)
    expected = np.array([max(1.0, n * np.exp(-modes.information(1.0, s))) for s in at])
    fig = go.Figure()
    fig.add_scatter(
        x=at, y=np.maximum(found, 1.0), mode="lines+markers", name="points behind a sample",
        line={"color": HUES["model"], "width": 2}, marker={"size": 4}, hovertemplate="σ/α = %{x:.3g}: %{y:.3g} points<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=at, y=expected, mode="lines", name="n / exp(information)", line={"color": HUES["exact"], "width": 2, "dash": "dash"},
        hovertemplate="σ/α = %{x:.3g}: %{y:.3g}<extra></extra>",
    )  # fmt: skip
    fig.add_vline(x=here, line={"color": GREY, "dash": "dot", "width": 2})
    fig.add_annotation(
        x=np.log10(here), y=1, xref="x", yref="paper", text=f"information = log {n}<br>at {here:.2g}", showarrow=False, yanchor="top",
        xanchor="left", align="left", xshift=6,
    )  # fmt: skip
    fig.update_layout(layout(height=320))
    fig.update_xaxes(type="log", autorange="reversed", title=f"{LEVEL}: noise → data", exponentformat="none", dtick=1)
    fig.update_yaxes(type="log", title="training points", exponentformat="none", dtick=1)
    return fig


def spectrum_figure(
    variances: Float[np.ndarray, " r"],
    noise: Float[np.ndarray, " r"] | None = None,
    explained: Float[np.ndarray, " r"] | None = None,
    *,
    chosen: int | None = None,
    log_modes: bool | None = None,
) -> go.Figure:
    """Variances of data and noise, mode by mode, with the share of variance explained and the chosen number of modes.

    Args:
        explained: (r,) share of the whole in the first 1, 2, ... modes; without it, of the modes given.
        chosen: r, marked; all of them without it.
        log_modes: whether the modes' axis is logarithmic; from 100 modes on without a choice.
    """
    lam = np.asarray(variances, float)
    j, share = np.arange(1, len(lam) + 1), np.cumsum(lam) / lam.sum() if explained is None else np.asarray(explained, float)
    fig = go.Figure()
    lines = [("data", HUES["data"], lam)]
    if noise is not None:
        q = np.asarray(noise, float)
        lines.append(("noise, same total", HUES["model"], q * lam.sum() / q.sum()))
    for name, hue, y in lines:
        fig.add_scatter(
            x=j, y=np.where(y > 0, y, np.nan), mode="lines+markers", name=name, line={"color": hue, "width": 2}, marker={"size": 5},
            hovertemplate="mode %{x}: %{y:.3g}<extra>" + name + "</extra>",
        )  # fmt: skip
    fig.add_scatter(
        x=j, y=100 * share, mode="lines", name="explained", yaxis="y2", line={"color": HUES["second"], "width": 2, "dash": "dot"},
        hovertemplate="first %{x} modes: %{y:.1f} %<extra></extra>",
    )  # fmt: skip
    r = min(chosen or len(lam), len(lam))
    fig.add_vline(x=r, line={"color": GREY, "dash": "dot", "width": 2})
    fig.update_layout(layout(height=320))
    fig.update_layout(
        yaxis={"type": "log", "title": "variance", "exponentformat": "power", "nticks": 6},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 102],
            "showgrid": False,
            "tickmode": "array",
            "tickvals": list(range(0, 101, 20)),
            "ticktext": [f"{p} %" for p in range(0, 101, 20)],
        },
    )
    logarithmic = len(lam) >= 100 if log_modes is None else log_modes
    fig.update_xaxes(title=f"mode (r = {r} kept, {100 * share[r - 1]:.1f} %)", type="log" if logarithmic else "linear")
    return fig

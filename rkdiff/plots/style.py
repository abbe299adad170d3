"""One look for every figure: hues shared with the player, thin grids, no ornament."""

from __future__ import annotations

from typing import Any

#: Okabe-Ito hues by role, the same as the player's.
HUES = {"data": "#0072B2", "model": "#D55E00", "exact": "#6B7480", "second": "#009E73", "third": "#AA4499"}


def layout(**more: Any) -> dict[str, Any]:
    """Layout that every figure starts from; `more` adds to it."""
    return {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 13},
        "hoverlabel": {"font": {"size": 13}},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
        **more,
    }


#: Configuration of every chart: no cloud, no logo, a download that is sharp.
CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"scale": 3},
}

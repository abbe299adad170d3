"""The directions of a sliced flow on their way to the browser: refused where they cannot be drawn, then packed as int16."""

from __future__ import annotations

from typing import Any

import numpy as np

from rkdiff.core.records import Slices
from rkdiff.player.blob import Blob
from rkdiff.player.check_objects import finite

#: Most directions a panel shows.
MOST = 16


def check_slices(where: str, s: Slices) -> None:
    """Raise ValueError for slices that cannot be drawn; `where` begins the message."""
    moments, lines = len(s.u), s.theta.shape[1] if s.theta.ndim == 3 else 0
    if s.theta.shape != (moments, lines, 2) or not moments or not 1 <= lines <= MOST:
        given = f"directions of shape {s.theta.shape} for {moments} times"
        raise ValueError(f"{where}: {given}; give (times, 1 to {MOST} directions, 2)")
    named = (("projections", s.source), ("later projections", s.later), ("projections of the target", s.target))
    for what, values in named:
        if values.ndim != 3 or values.shape[:2] != (moments, lines) or values.shape != s.source.shape or values.shape[2] < 2:
            raise ValueError(
                f"{where}: {what} have shape {values.shape}; give {(moments, lines)} and 2 quantiles or more for all"
            )
    for what, values in (("times of directions", s.u), ("directions", s.theta), *named):
        finite(where, what, values)
    if s.u[0] < 0 or s.u[-1] > 1 or (np.diff(s.u) <= 0).any():
        raise ValueError(f"{where}: directions stand at the times {s.u.tolist()}; give times from 0 to 1 that increase")
    if (long := float(np.hypot(s.theta[..., 0], s.theta[..., 1]).max())) > 1 + 1e-5:
        raise ValueError(f"{where}: a direction is {long:.3g} long in the plane; give parts of unit vectors")
    for what, values in named:
        if (np.diff(values, axis=2) < 0).any():
            raise ValueError(f"{where}: {what} are not sorted; give ascending quantiles")


def pack_slices(blob: Blob, s: Slices) -> dict[str, Any]:
    """The entry of a panel's slices."""
    return {
        "u": [float(a) for a in s.u],
        "theta": blob.quantised(s.theta),
        "source": blob.quantised(s.source),
        "later": blob.quantised(s.later),
        "target": blob.quantised(s.target),
    }

"""Progress on its way to the screen: at most ten reports a second, small enough to be drawn at once.

A snapshot of the cloud travels as 16-bit steps between its smallest and largest coordinate, at most `POINTS` particles and the first two
coordinates: exact to 1/65535 of its extent, which is finer than a pixel.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Progress

POINTS = 600
INTERVAL = 0.1


def packed(x: Float[np.ndarray, "n d"]) -> dict[str, Any]:
    """A cloud as a small JSON object (see `unpacked`)."""
    shown = np.nan_to_num(np.asarray(x, dtype=float)[:: max(1, -(-len(x) // POINTS)), :2], posinf=0.0, neginf=0.0)
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
    steps = np.round((shown - low) / ((high - low) or 1.0) * 65535).astype("<u2")
    return {"shape": list(shown.shape), "low": low, "high": high, "data": base64.b64encode(steps.tobytes()).decode()}


class Reporter:
    """Sends progress, not too often: the first and last of every stage always, the others `INTERVAL` seconds apart."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._stage, self._sent = "", 0.0
        self._snapshot: np.ndarray | None = None

    def __call__(self, p: Progress) -> None:
        """Take one report; what comes too soon is dropped, except that its snapshot waits for the next."""
        self._snapshot = p.snapshot if p.snapshot is not None else self._snapshot
        now = time.monotonic()
        ends = p.stage != self._stage or p.done >= p.total
        if not ends and now - self._sent < INTERVAL:
            return
        self._stage, self._sent = p.stage, now
        event = {"event": "progress", "stage": p.stage, "done": int(p.done), "total": int(p.total)}
        event["values"] = {k: float(v) for k, v in p.values.items()}
        if self._snapshot is not None and self._snapshot.size:
            event["snapshot"] = packed(self._snapshot)
        self._snapshot = None
        self._send(event)

"""What can be seen of a job: one frozen record, replaced whole whenever something changes, so that readers need no lock."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

LIVE = ("queued", "running")
STATES = (*LIVE, "done", "failed", "cancelled")


@dataclass(frozen=True)
class JobStatus:
    """A job at one moment.

    Attributes:
        state: "queued" | "running" | "done" | "failed" | "cancelled".
        position: place in the queue, 1 is next; None when not queued.
        stage: what is being done, with `done` of `total` steps; `eta_s` seconds left in this stage, once that can be told.
        values: the latest numbers, by name.
        history: (fraction of the stage done, value) by name, thinned to a few hundred points: the loss curve.
        snapshot: (m, 2) the cloud at this moment, or None.
        message: one line for a person: why it waits, failed or was cancelled.
        key: where the store keeps the run, once done.
        result: what a job hands back itself, once done; empty for a run.
        submitted, started, finished: seconds since 1970.
        pid: the job's process while it runs.
    """

    id: str
    owner: str
    slot: str
    state: str = "queued"
    position: int | None = None
    stage: str = ""
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    snapshot: Float[np.ndarray, "m 2"] | None = None
    message: str = ""
    key: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    submitted: float = 0.0
    started: float | None = None
    finished: float | None = None
    pid: int | None = None

    @property
    def live(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in LIVE

    @property
    def fraction(self) -> float:
        """How much of the stage is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def unpacked(value: Mapping[str, Any]) -> Float[np.ndarray, "m 2"]:
    """The cloud that a worker packed for the screen; one-dimensional clouds get a second coordinate 0."""
    steps = np.frombuffer(base64.b64decode(value["data"]), dtype="<u2").reshape(value["shape"])
    x = value["low"] + steps.astype(float) / 65535 * (value["high"] - value["low"])
    return np.pad(x, ((0, 0), (0, 2 - x.shape[1])))

"""What a job can be: a name and a function from a payload to a result, reporting on the way.

"run" does an experiment and keeps the run. Another kind is one decorated function in a module that the worker is told to import
(`--import`); it gets limits, progress, cancel and a place in the queue from the machinery around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rkdiff.core.records import Progress
from rkdiff.store import Store


@dataclass(frozen=True)
class Job:
    """What the function of a kind is given besides its payload."""

    id: str
    store: Store
    device: str
    report: Callable[[Progress], None]


#: The result is sent with the "done" event; "key" names what was kept.
Work = Callable[[Mapping[str, Any], Job], dict[str, Any]]

KINDS: dict[str, Work] = {}


def kind(name: str) -> Callable[[Work], Work]:
    """Declare the function of a job kind."""

    def add(work: Work) -> Work:
        KINDS[name] = work
        return work

    return add


@kind("run")
def experiment(payload: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Do an experiment and keep its run."""
    from rkdiff.experiment import Experiment, Run
    from rkdiff.stages import stream

    wanted = Experiment.from_dict(payload)
    job.store.check_writable()
    for event in stream(wanted, job.device):
        if isinstance(event, Run):
            return {"key": job.store.save(event)}
        job.report(event)
    raise RuntimeError("the experiment ended without a run")

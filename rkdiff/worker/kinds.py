"""What a job can be: a name and a function from a payload to a result, reporting on the way.

"run" does an experiment and keeps the run; "decoders" compares the ways back of its space; "push" carries a drawn cloud through a kept
run's flow; the laboratory brings its own (`rkdiff.lab.kinds`). Another kind is one decorated function in a module that the worker is told
to import (`--import`); it gets limits, progress, cancel and a place in the queue from the machinery around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rkdiff.core.records import Progress
from rkdiff.lab import kinds as laboratory
from rkdiff.store import Store


@dataclass(frozen=True)
class Job:
    """What the function of a kind is given besides its payload."""

    id: str
    store: Store
    device: str
    report: Callable[[Progress], None]


#: The result is sent with the "done" event; "key" names what was kept, "result" is what the status hands on as it is.
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


@kind("decoders")
def decoders(payload: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Decode the same coordinates with every decoder; payload: "experiment", and "count" objects."""
    from rkdiff.core.parts import PartError, shown
    from rkdiff.decoding import Table, compare
    from rkdiff.experiment import Experiment

    count = payload.get("count", 24)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 500:
        raise PartError(f"count is {shown(count)}; choose a whole number between 1 and 500")
    work = compare(Experiment.from_dict(payload.get("experiment")), job.device, count)
    while True:
        try:
            job.report(next(work))
        except StopIteration as end:
            table: Table = end.value
            return {"result": table.to_dict()}


@kind("push")
def push(payload: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Carry a drawn cloud through the flow of a kept run; payload: "run", its key, and what `rkdiff.lab.transport.push.pushed` reads."""
    from threadpoolctl import threadpool_limits

    from rkdiff.core.parts import PartError, shown
    from rkdiff.core.tensors import pick_device
    from rkdiff.lab.transport.push import pushed, read
    from rkdiff.store import DamagedRun, MissingRun

    read(payload)
    try:
        run = job.store.load(str(payload.get("run")))
    except (MissingRun, DamagedRun, ValueError) as reason:
        raise PartError(f"run {shown(payload.get('run'))} cannot be read: {reason}") from None
    job.report(Progress("pushing", 0, 1))
    with threadpool_limits(1):
        return {"result": pushed(run, payload, pick_device(job.device))}


def _laboratory(name: str) -> None:
    """Declare a kind of the laboratory: its result is handed on as it is."""

    @kind(name)
    def work(payload: Mapping[str, Any], job: Job) -> dict[str, Any]:
        from rkdiff.core.tensors import pick_device

        return {"result": laboratory.KINDS[name](payload, pick_device(job.device), job.report)}


for _name in laboratory.KINDS:
    _laboratory(_name)

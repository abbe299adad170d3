"""The laboratory's work as jobs: a name and a function from a payload to a JSON result, reporting on the way.

    "walk"      data, plan, [space, method, seed, particles, start]           -> the packed trajectory of what is drawn (`play.unpack_walk`)
    "split"     data, plan, [space, method, seed, seeds, particles]           -> `Split.to_dict()`
    "quality"   data, plans, [space, method, seed, seeds, particles, calls]   -> `QualityTable.to_dict()`
    "bound"     data, plan, [space, method, seed, particles]                  -> `Bound.to_dict()`
    "advice"    data, plan, [space, calls, seed, rounds]                      -> `Advice.to_dict()`

Parts are written as their `to_dict` has them. The worker wraps these functions (`rkdiff.worker.kinds`); limits, cancelling and the queue
are its doing. One thread does the sums, so a job gives the bytes that the same call gives in any other process.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rkdiff.core.parts import PartError, checked, from_dict, knob, knobs, shown
from rkdiff.core.records import Progress
from rkdiff.lab._ranges import RANGES, refuse_unknown, whole
from rkdiff.lab._setting import setting
from rkdiff.lab.advice import advise
from rkdiff.lab.bound import bound
from rkdiff.lab.plan import Plan
from rkdiff.lab.play import pack_walk, walking
from rkdiff.lab.quality import CALLS, quality
from rkdiff.lab.split import split
from rkdiff.lab.transport import kinds as transport

#: Most plans and most budgets of one quality table.
PLANS, BUDGETS = 8, 16

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Words:
    """The choices that a payload may hold."""

    start: str = knob(
        "iid", options=("iid", "sobol", "forward"), help="independent, evenly spread, or noised data as the start"
    )


def walked(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
    """The samples of one plan, in the two coordinates that are drawn."""
    given = _read(payload, ("plan", "space", "method"), ("seed", "particles", "start"))
    plan, source = given.pop("plan"), given.pop("data")
    trajectory = _done(walking(plan, source, **given, device=device), report)
    space = setting(source, given.get("space"), given.get("seed", 0)).space
    return pack_walk(replace(trajectory, x=space.plane(trajectory.x)))


def splitted(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
    """The error of one plan, split."""
    given = _read(payload, ("plan", "space", "method"), ("seed", "seeds", "particles"))
    record: dict[str, Any] = _done(split(given.pop("plan"), given.pop("data"), **given, device=device), report).to_dict()
    return record


def bounded(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
    """What theory promises of one plan, term by term."""
    given = _read(payload, ("plan", "space", "method"), ("seed", "particles"))
    record: dict[str, Any] = _done(bound(given.pop("plan"), given.pop("data"), **given, device=device), report).to_dict()
    return record


def measured(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
    """The quality of plans against calls."""
    given = _read(payload, ("plans", "space", "method", "calls"), ("seed", "seeds", "particles"))
    table = _done(quality(given.pop("plans"), given.pop("data"), **given, device=device), report)
    record: dict[str, Any] = table.to_dict()
    return record


def advised(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
    """A better placement of the steps of one plan."""
    given = _read(payload, ("plan", "space"), ("seed", "calls", "rounds"))
    record: dict[str, Any] = _done(advise(given.pop("plan"), given.pop("data"), **given, device=device), report).to_dict()
    return record


#: Job kinds by name.
KINDS: dict[str, Callable[[Mapping[str, Any], str, Report], dict[str, Any]]] = {
    "walk": walked,
    "split": splitted,
    "bound": bounded,
    "quality": measured,
    "advice": advised,
    **transport.KINDS,
}


def _done(work: Generator[Progress, None, Any], report: Report) -> Any:
    """Do the work on one thread, passing its reports on."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        while True:
            try:
                report(next(work))
            except StopIteration as end:
                return end.value


def _read(payload: Mapping[str, Any], parts: tuple[str, ...], numbers: tuple[str, ...]) -> dict[str, Any]:
    """The entries of a payload, read and checked; what is left out is left to the function that is called.

    Raises:
        PartError: an entry that is missing, unknown or wrong, in one line.
    """
    allowed = ("data", *parts, *numbers)
    refuse_unknown(payload, allowed)
    given = {k: v for k, v in payload.items() if v is not None}
    for name in ("data", *(p for p in parts if p in ("plan", "plans"))):
        if name not in given:
            raise PartError(f"this job needs {name!r}")
    words = {k.name: k for k in knobs(Words)}
    readers: dict[str, Callable[[Any], Any]] = {"plan": Plan.from_dict, "plans": _plans, "calls": _budgets}
    out: dict[str, Any] = {}
    for name, value in given.items():
        if name in numbers:
            out[name] = checked("Job", words[name], value) if name in words else whole(name, value)
        else:
            out[name] = readers[name](value) if name in readers else from_dict(name, value)
    return out


def _plans(value: Any) -> list[Plan]:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= PLANS:
        raise PartError(f"plans is {shown(value)}; give a list of 1 to {PLANS} plans")
    return [Plan.from_dict(v) for v in value]


def _budgets(value: Any) -> tuple[int, ...]:
    low, high = RANGES["calls"]
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= BUDGETS:
        raise PartError(
            f"calls is {shown(value)}; give a list of 1 to {BUDGETS} whole numbers between {low} and {high}, as {list(CALLS)}"
        )
    for v in value:
        whole("calls", v)
    return tuple(sorted(set(value)))

"""How straight methods go, how far their maps are from optimal, and what few steps cost them.

    table = outcome(straightness(make("data", "two_moons"), [make("method", "flow_matching"), make("method", "flow_matching", reflow=1)]))

Every method learns the same data and starts at the same standard normals; the seeds are those of training, start and noise. For each there
are the figures of `rkdiff.metrics.straightness` and, at each budget of model calls, the sliced 2-Wasserstein distance to fresh data, beside
the floor: the same distance between two fresh samples. What has no meaning is None:

    a velocity on a clock from 0 to 1           every figure
    a diffusion                                 every figure: its probability flow read on the clock of straight lines; few calls by its own
                                                sampler on the schedule of Karras et al. 2022
    a flow on another clock, or a map of jumps  gap, share and single step are None: they ask about the speed on a clock of length 1
    walks that draw noise                       these and the stretch: such a walk has no path; costs are those of the coupling it makes

The job takes {"data", "methods", ["space", "calls", "seeds", "particles", "seed"]}.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rkdiff.core.model import Denoiser, FlowMap, Model
from rkdiff.core.parts import PartError, choices, from_dict, knobs, make, shown
from rkdiff.core.records import Progress, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.experiment import samplers_for
from rkdiff.lab._advice_aim import within
from rkdiff.lab._judge import judge
from rkdiff.lab._ranges import RANGES, every, refuse_unknown, whole
from rkdiff.lab._setting import Setting, setting
from rkdiff.lab.plan import Plan
from rkdiff.methods import Method, Problem, Transport
from rkdiff.metrics.straightness import StraightClock, Straightness, ends_only, flow_straightness, frames_straightness
from rkdiff.samplers import Sampler
from rkdiff.spaces import Space

#: Budgets of model calls; most methods, budgets and seeds of a table.
CALLS, METHODS, BUDGETS, SEEDS = (1, 2, 4, 8, 16), 8, 12, 20
#: Steps of the walks whose frames are measured where there is no velocity on a clock from 0 to 1.
STEPS = 50
#: The figures of a method beside its calls.
FIGURES = ("gap", "share", "stretch", "one_step", "cost", "optimal", "ratio")


@dataclass(frozen=True)
class Budget:
    """One method of one seed at one budget: calls made, in how many steps (of a map: jumps), the sliced distance; None: unaffordable."""

    budget: int
    calls: int
    steps: int
    sliced: float | None


@dataclass(frozen=True)
class Line:
    """One method of one seed."""

    method: int
    seed: int
    figures: Straightness
    budgets: tuple[Budget, ...]


@dataclass(frozen=True)
class StraightnessTable:
    """Methods, how straight they go, and quality against calls.

    Attributes:
        titles: of the methods; `notes`: why figures are None, a line for each method, empty where none is.
        lines: every method of every seed.
        floor: sliced 2-Wasserstein distance between two fresh samples of the sizes compared, and the deviation of one such pair.
    """

    titles: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    floor: float
    floor_sd: float
    seeds: int
    particles: int

    def of(self, method: int) -> tuple[Line, ...]:
        """The lines of one method."""
        return tuple(line for line in self.lines if line.method == method)

    def figure(self, method: int, name: str) -> tuple[float, float | None] | None:
        """Mean and deviation (None for one seed) over the seeds of one of the `FIGURES`; None where it means nothing."""
        return _over([line.figures.to_dict()[name] for line in self.of(method)])

    def sliced(self, method: int, budget: int) -> tuple[float, float | None] | None:
        """The same of the sliced distance at a budget of calls."""
        return _over([b.sliced for line in self.of(method) for b in line.budgets if b.budget == budget])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: for each method its figures and budgets, each {"mean", "sd", "values"} over the seeds or None."""
        methods = []
        for i, title in enumerate(self.titles):
            lines = self.of(i)
            figures = {name: _told([line.figures.to_dict()[name] for line in lines]) for name in FIGURES}
            budgets = []
            for k, first in enumerate(lines[0].budgets):
                found = _told([line.budgets[k].sliced for line in lines])
                budgets.append({"budget": first.budget, "calls": first.calls, "steps": first.steps, "sliced": found})
            methods.append({"title": title, "note": self.notes[i], "figures": figures, "budgets": budgets})
        counts = {"seeds": self.seeds, "particles": self.particles}
        return {"methods": methods, "floor": self.floor, "floor_sd": self.floor_sd, **counts}


def straightness(
    source: Source,
    methods: Sequence[Method],
    *,
    space: Space | None = None,
    calls: Sequence[int] = CALLS,
    seed: int = 0,
    seeds: int = 2,
    particles: int = 1000,
    device: str = "cpu",
) -> Generator[Progress, None, StraightnessTable]:
    """Train and measure methods.

    Args:
        seed: of the data; training, starts and noise are those of `seeds` seeds from this one on.

    Raises:
        PartError: no method or budget, or numbers out of range.
    """
    if not methods or not calls:
        raise PartError(
            f"{len(methods)} methods and budgets {list(calls)[:5]}; give at least one method and one budget of calls"
        )
    every(seed=seed, seeds=seeds, particles=particles)
    for budget in calls:
        whole("calls", budget)
    s = setting(source, space, seed)
    yield Progress("preparing", 0, 1)
    judged, lines, notes = judge(s, particles), [], [""] * len(methods)
    for i, method in enumerate(methods):
        for k in range(seeds):
            model = yield from _fitted(s, method, seed + k, device)
            yield Progress(f"measuring {method.title()}", i * seeds + k, len(methods) * seeds)
            z = s.normals(seed + k, particles)
            noise = Rng(seed + k).child("noise")
            found, notes[i] = _figures(method, model, z, noise, device)
            walks = []
            for budget in calls:
                trajectory, steps = _walked(method, model, z, budget, noise, device)
                made, sliced = (0, None) if trajectory is None else (trajectory.calls, judged(trajectory.end))
                walks.append(Budget(int(budget), made, steps, sliced))
            lines.append(Line(i, seed + k, found, tuple(walks)))
    yield Progress("measuring", len(methods) * seeds, len(methods) * seeds)
    titles = tuple(titled(m) for m in methods)
    return StraightnessTable(titles, tuple(notes), tuple(lines), judged.floor, judged.floor_sd, seeds, particles)


def job(payload: Mapping[str, Any], device: str) -> Generator[Progress, None, dict[str, Any]]:
    """The table of a payload.

    Raises:
        PartError: an entry that is missing, unknown or wrong, in one line.
    """
    numbers = ("seed", "seeds", "particles")
    allowed = ("data", "methods", "space", "calls", *numbers)
    refuse_unknown(payload, allowed)
    given = {k: v for k, v in payload.items() if v is not None}
    for name in ("data", "methods"):
        if name not in given:
            raise PartError(f"this job needs {name!r}")
    asked = given["methods"]
    if not isinstance(asked, (list, tuple)) or not 1 <= len(asked) <= METHODS:
        raise PartError(f"methods is {shown(asked)}; give a list of 1 to {METHODS} methods")
    more: dict[str, Any] = {name: whole(name, given[name]) for name in numbers if name in given}
    if more.get("seeds", 1) > SEEDS:
        raise PartError(f"seeds is {more['seeds']}; every method is trained for each, so choose between 1 and {SEEDS}")
    if "space" in given:
        more["space"] = from_dict("space", given["space"])
    if "calls" in given:
        more["calls"] = _budgets(given["calls"])
    methods = [from_dict("method", m) for m in asked]
    table = yield from straightness(from_dict("data", given["data"]), methods, **more, device=device)
    return table.to_dict()


def titled(method: Method) -> str:
    """The method's title and the knobs in which it differs from its defaults."""
    changed = [
        f"{k.label.lower()} {getattr(method, k.name)}" for k in knobs(type(method)) if getattr(method, k.name) != k.default
    ]
    return type(method).title() + (f" ({', '.join(changed)})" if changed else "")


def _fitted(s: Setting, method: Method, seed: int, device: str) -> Generator[Progress, None, Model]:
    p = s.problem
    model = yield from method.fit(Problem(p.x, p.weights, p.labels, p.law, device, p.observe), Rng(seed).child("fit"))
    return model


def _figures(method: Method, model: Model, z: np.ndarray, rng: Rng, device: str) -> tuple[Straightness, str]:
    """What can be said of the method's paths, and why not more."""
    if isinstance(model, Denoiser):
        return flow_straightness(StraightClock(model), z, device=device), ""
    assert isinstance(method, Transport)
    grid = method.grid(STEPS)
    drawn = any(model.noise(float(a), float(b)) > 0 for a, b in zip(grid.t[:-1], grid.t[1:], strict=True))
    straight_clock = len(grid.t) == STEPS + 1 and np.allclose(grid.t, np.linspace(0, 1, STEPS + 1))
    if not drawn and straight_clock and not isinstance(model, FlowMap):
        return flow_straightness(model, z, device=device), ""
    sampler = make("sampler", samplers_for(method)[0])
    walked: Trajectory = sampler.run(model, z, grid, rng, device=device)
    if drawn:
        return ends_only(z, walked.end), "walks draw noise: no path is straight or not, and the costs are those of a coupling"
    return frames_straightness(walked.x), "on a clock of its own: gap, share and single step ask about the clock from 0 to 1"


def _walked(method: Method, model: Model, z: np.ndarray, budget: int, rng: Rng, device: str) -> tuple[Trajectory | None, int]:
    """The walk that the budget allows, and its steps; None where one step costs more."""
    if not isinstance(method, Transport):
        try:
            plan = within(Plan(make("schedule", "karras"), make("sampler", samplers_for(type(method))[0])), budget)
        except PartError:
            return None, 0
        return plan.sampler.run(model, z, plan.grid(), rng, device=device), plan.steps  # type: ignore[union-attr]
    fit = samplers_for(method)
    name = "transport_euler" if "transport_euler" in fit and fit[0] == "transport_heun" else fit[0]
    given = next((k for k in knobs(choices("sampler")[name]) if k.name == "calls"), None)
    if given is not None:  # so many calls reach the end, however few the frames
        counted: Sampler = make("sampler", name, calls=min(budget, int(given.high or budget)))
        walked = counted.run(model, z, method.grid(1), rng, device=device)
        return walked, walked.calls
    sampler: Sampler = make("sampler", name)
    one, two = (sampler.run(model, z[:2], method.grid(k), rng, device=device).calls for k in (1, 2))
    if one > budget:
        return None, 0
    steps = 1 + (budget - one) // (two - one) if two > one else budget
    return sampler.run(model, z, method.grid(steps), rng, device=device), steps


def _budgets(value: Any) -> tuple[int, ...]:
    low, high = RANGES["calls"]
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= BUDGETS:
        raise PartError(
            f"calls is {shown(value)}; give a list of 1 to {BUDGETS} whole numbers between {low} and {high}, as {list(CALLS)}"
        )
    return tuple(sorted({whole("calls", v) for v in value}))


def _over(values: Sequence[float | None]) -> tuple[float, float | None] | None:
    known = [v for v in values if v is not None]
    if len(known) < len(values) or not known:
        return None
    return float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None


def _told(values: Sequence[float | None]) -> dict[str, Any] | None:
    found = _over(values)
    return None if found is None else {"mean": found[0], "sd": found[1], "values": list(values)}

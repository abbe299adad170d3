"""The learned sliced flow against the particles it learned from: the law at five times, unseen starts, memory, seconds.

Distances are sqrt(d) SW2 to fresh particle systems over the same distance between two fresh systems of the same sizes
(`rkdiff.lab.transport.report`). "even" starts are scrambled Sobol points, which show the law that was learned; "independent" ones keep the
sampling noise of their starts, and their floor is that of independent draws of the flow's own law. A second training has one system
instead of sixteen, and is otherwise the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benchmarks._bars import Verdict, at_most, values
from benchmarks.table import Row
from rkdiff.core.parts import from_dict, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment
from rkdiff.lab.transport.report import CALLS, TimeFigures, report
from rkdiff.stages import prepare

SETS = ("eight_gaussians", "two_moons", "gun_point")
MANY, ONE = "learned flow, R = 16", "learned flow, R = 1"
#: How many floors the law may be away at every time, by calls; the paired error of sixteen systems over that of one; CPU seconds.
LAW, PAIRED, SECONDS = {1: 3.0, 4: 2.0}, 0.9, 60.0
#: How many floors of independent draws the model at independent starts may be away, in its most calls.
INDEPENDENT = 2.0


def rows(
    seeds: int, device: str = "cpu", sets: str = ",".join(SETS), iterations: str = "", compare: str = "yes"
) -> Iterator[Row]:
    """The figures of every set and seed; `compare=no` leaves the training with one system out."""
    for name in sets.split(","):
        knobs = {"iterations": int(iterations)} if iterations else {}
        e = Experiment(make("data", name), make("method", "learned_sliced_flow", **knobs))
        for seed in range(seeds):
            yield from _many(replace(e, seed=seed), device)
            if compare == "yes":
                one = from_dict("method", e.method.to_dict() | {"systems": 1})
                r = outcome(report(replace(e, method=one, seed=seed), 1, device))
                for f in r.figures[0]:
                    yield from _paired(name, ONE, seed, f, device)


def _many(e: Experiment, device: str) -> Iterator[Row]:
    r, name, seed = outcome(report(e, 1, device)), e.data.name, e.seed
    for f in r.figures[0]:
        at = f"tau {f.tau:.1f}"
        for calls, law in zip(CALLS, f.law, strict=True):
            yield Row(name, MANY, seed, f"law, {at}, {calls} calls", law, f.floor, r.train_seconds[0], device=device)
        yield Row(name, MANY, seed, f"independent starts, {at}", f.independent, f.independent_floor, device=device)
        yield Row(name, MANY, seed, f"memorisation, {at}", f.memorised, f.memorised_particles, device=device)
        yield from _paired(name, MANY, seed, f, device)
    for what in ("network", "data", "particles", "tables", "pool"):
        yield Row(name, MANY, seed, f"kB {what}", getattr(r.memory, what) / 1000, device=device)
    yield Row(name, MANY, seed, "arrays as long as the data", _long(e), device=device)
    yield Row(name, MANY, seed, "training CPU s", r.train_seconds[0], device=device)


def _paired(name: str, line: str, seed: int, f: TimeFigures, device: str) -> Iterator[Row]:
    for calls, error in zip(CALLS, f.paired, strict=True):
        yield Row(name, line, seed, f"paired, tau {f.tau:.1f}, {calls} calls", error, device=device)


def _long(e: Experiment) -> float:
    """How many arrays of a saved model are as long as the data or a system: shapes do not depend on how long it was trained."""
    method = from_dict("method", e.method.to_dict() | {"iterations": 1, "systems": 1})
    p = prepare(replace(e, method=method), "cpu")
    state = outcome(method.fit(p.problem, Rng(0))).state()
    return float(sum(bool(v.shape) and v.shape[0] in (len(p.problem.x), method.particles) for v in state.values()))


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Every bar, for every set that was measured."""
    out: list[Verdict] = []
    for name in dict.fromkeys(r.dataset for r in rows if r.method == MANY):
        for calls, bar in LAW.items():
            worst = _over_times(rows, name, MANY, "law", calls).max(axis=0)
            out.append(at_most(f"{name}: law over its floor at its worst time, {calls} calls", worst, bar, 2))
            out.append(at_most(f"{name}: the same in the worst seed", worst.max(keepdims=True), bar, 2))
        heads = dict.fromkeys(r.metric for r in rows if r.dataset == name and r.metric.startswith("independent starts, tau"))
        apart = np.array([values(rows, name, MANY, head) for head in heads]).max(axis=0)
        out.append(at_most(f"{name}: independent starts over independent draws, worst time", apart, INDEPENDENT, 2))
        many, one = (_over_times(rows, name, line, "paired", 1) for line in (MANY, ONE))
        if one.size:
            out.append(
                at_most(f"{name}: paired error, 16 systems over one, mean over times", (many / one).mean(axis=0), PAIRED)
            )
        out.append(at_most(f"{name}: arrays as long as the data", values(rows, name, MANY, "arrays as long as the data"), 0))
        out.append(at_most(f"{name}: training CPU s", values(rows, name, MANY, "training CPU s"), SECONDS, 1))
    return out


def _over_times(rows: Sequence[Row], name: str, line: str, what: str, calls: int) -> Float[np.ndarray, "t s"]:
    """A figure of every time (rows) and seed (columns), over its floor where it has one."""
    heads = dict.fromkeys(
        r.metric
        for r in rows
        if r.dataset == name and r.metric.startswith(f"{what}, tau") and r.metric.endswith(f", {calls} calls")
    )
    return np.array([values(rows, name, line, head) for head in heads])

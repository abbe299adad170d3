"""How an experiment becomes a run, stage by stage: prepare, train, sample, decode, measure.

Each stage is a small generator of `Progress` that returns what it made; `stream` chains them. Nothing here knows who is watching.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import PartError, make
from rkdiff.core.records import Dataset, Progress, Trajectory, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import device_name, pick_device
from rkdiff.experiment import Experiment, Run
from rkdiff.methods import Problem
from rkdiff.picture import arrows, background, decoded, embedding, nearest
from rkdiff.picture_slices import slices
from rkdiff.processes.process import corrupt, curves, kept
from rkdiff.processes.schedules import Grid
from rkdiff.samplers import start
from rkdiff.spaces import Fitted

#: Fresh points behind the floors, for each of the two halves, where the law can be drawn from.
FRESH = 5000
#: The transport that needs no learning: the way back to the source of those that know none.
SLICED = "sliced_wasserstein_flow"


@dataclass(frozen=True)
class Prepared:
    """Data, its space and its coordinates: what every stage after the first needs."""

    experiment: Experiment
    device: str
    rng: Rng
    data: Dataset
    space: Fitted
    problem: Problem


def stream(experiment: Experiment, device: str = "auto") -> Iterator[Progress | Run]:
    """Yield `Progress` while the experiment is done and, last, the `Run`.

    Raises:
        PartError: data, method and guidance turn out not to fit each other.
        ValueError: the device is not there, or the sampler left the finite numbers.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums over several threads depend on their number: one thread, the same bytes everywhere
        yield from _stages(experiment, device)


def _stages(experiment: Experiment, device: str) -> Iterator[Progress | Run]:
    clock: dict[str, float] = {}
    yield Progress("preparing", 0, 1)
    p = prepare(experiment, device)
    refuse_unguidable(p)
    yield Progress(
        "preparing", 1, 1, snapshot=start("sobol", min(experiment.particles, 500), p.space.dim, p.rng.child("prior"))
    )
    with _timed(clock, "fit"):
        model, losses = yield from train(p)
    guided = p.experiment.guidance.wrap(model, p.problem)  # type: ignore[union-attr]
    with _timed(clock, "sample"):
        trajectory = yield from sample(p, guided, p.rng)
    with _timed(clock, "draw"):
        arrays = {**_cloud("", p.space, trajectory), **_context(p, guided, trajectory), "loss": losses}
        there = forward(p, model)
        arrays |= _cloud("forward.", p.space, there) | _cloud("return.", p.space, way_back(p, guided, there))
    with _timed(clock, "decode"):
        arrays |= yield from decoded(p.space, trajectory, p.problem.x, p.data, experiment, p.rng)
    with _timed(clock, "measure"):
        quality = yield from measure(p, guided, trajectory)
    if (marks := p.experiment.guidance.marks(p.problem)) is not None:  # type: ignore[union-attr]
        arrays["objects.marks"] = marks
    info = {
        "device": p.device,
        "device_name": device_name(p.device),
        "calls": trajectory.calls,
        "seconds": clock,
        "quality": quality,
        "objects": judged(p, arrays.get("samples")) | met(p, trajectory),
        "meta": {k: v for k, v in p.data.meta.items() if isinstance(v, (str, int, float, list))},
        "modality": p.data.modality,
        "advice": list(p.space.advice),
        "classes": p.data.classes,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
    }
    yield Run(experiment, arrays, info, model.state())


class _timed:
    """Adds the CPU seconds of a block to a record, across the yields inside it."""

    def __init__(self, record: dict[str, float], name: str) -> None:
        self.record, self.name = record, name

    def __enter__(self) -> None:
        self.began = time.process_time()

    def __exit__(self, *_: object) -> None:
        self.record[self.name] = round(time.process_time() - self.began, 3)


def prepare(e: Experiment, device: str = "auto") -> Prepared:
    """Make the data and its coordinates."""
    rng = Rng(e.seed)
    where = pick_device(device)
    data = e.data.make(rng.child("data"))
    space = e.space.fit(data, rng.child("space"))  # type: ignore[union-attr]
    x = space.encode(data.train)
    observe = space.observe if space.observe(np.zeros(1)) is not None else None
    problem = Problem(x, space.weights, data.train_labels, e.space.law(data, space), where, observe)  # type: ignore[union-attr]
    return Prepared(e, where, rng, data, space, problem)


def refuse_unguidable(p: Prepared) -> None:
    """Raise `PartError` for guidance that this data cannot follow (no labels, no such class), before anything is trained."""
    guidance = p.experiment.guidance
    if guidance is not None and guidance.needs == "values" and p.problem.observe is None:
        raise PartError(
            f"guidance {guidance.name!r} needs values at places and {p.data.name!r} has none in this space; choose curves "
            "(space 'curves', kernel 'linear' or 'cosine', decoder 'fixed_point') or guidance 'none'"
        )
    if guidance is not None and guidance.needs == "labels" and p.problem.labels is None:
        raise PartError(
            f"guidance {guidance.name!r} needs labelled data and {p.data.name!r} has no labels; choose guidance 'none'"
        )
    wanted_labels(p, 1, p.rng)


def train(p: Prepared) -> Generator[Progress, None, tuple[Model, Float[np.ndarray, "k 2"]]]:
    """Fit the method; returns the model and the loss curve (fraction done, loss)."""
    losses: list[tuple[float, float]] = []
    fit = p.experiment.method.fit(p.problem, p.rng.child("fit"))
    while True:
        try:
            event = next(fit)
        except StopIteration as end:
            return end.value, np.array(losses, dtype=float).reshape(-1, 2)
        if "loss" in event.values:
            losses.append((event.done / max(event.total, 1), float(event.values["loss"])))
        yield event


def time_grid(e: Experiment, model: Model) -> Grid:
    """The grid the sampler walks: the schedule's for a diffusion, the model's own for a transport."""
    if e.method.family == "transport":
        grid: Grid = e.method.grid(e.steps)  # type: ignore[attr-defined]
        return grid
    return e.grid()


def wanted_labels(p: Prepared, n: int, rng: Rng) -> Int[np.ndarray, " n"] | None:
    """Which class each particle is asked for, if the guidance asks."""
    counts = (
        np.bincount(p.problem.labels, minlength=p.problem.classes) if p.problem.labels is not None else np.zeros(0, dtype=int)
    )
    return p.experiment.guidance.labels(n, counts, rng.child("labels"))  # type: ignore[union-attr]


def sample(p: Prepared, model: Model, rng: Rng) -> Generator[Progress, None, Trajectory]:
    """Walk from the noise to the data; the start depends on the seed alone, so every panel begins at the same particles."""
    e, n = p.experiment, p.experiment.particles
    grid = time_grid(e, model)
    if e.start == "forward":
        z = _noised_data(p, grid, n, rng)
    else:
        z = start(e.start, n, p.space.dim, rng.child("prior"))
    labels = wanted_labels(p, n, rng)
    trajectory = yield from e.sampler.stream(model, z, grid, rng.child("noise"), labels=labels, device=p.device)  # type: ignore[union-attr]
    return trajectory


def _picked(p: Prepared, n: int, rng: Rng) -> Int[np.ndarray, " n"]:
    """Indices of n training objects in a random order, again from the first when there are too few."""
    order = rng.numpy("picked").permutation(len(p.problem.x))
    return np.resize(order, n)


def _noised_data(p: Prepared, grid: Grid, n: int, rng: Rng) -> Float[np.ndarray, "n d"]:
    """Training points carried to the end of the noising process, in units of the start: (alpha x_0 + sigma xi) / prior."""
    t = corrupt(p.problem.x[_picked(p, n, rng)], grid, rng.child("forward"))
    return t.x[0] / (grid.alpha[0] * grid.begin)


def forward(p: Prepared, model: Model) -> Trajectory:
    """Data on its way to noise: the schedule's noising process, or the same flow with source and target exchanged."""
    e, n = p.experiment, min(p.experiment.particles, 4000)
    pick = _picked(p, n, p.rng)
    x, labels = p.problem.x[pick], None if p.problem.labels is None else p.problem.labels[pick]
    if e.method.family == "diffusion":
        t = corrupt(x, e.grid(), p.rng.child("forward"))
        return Trajectory(t.u, t.x, labels, t.curves)
    return _transported_back(p, model, x, labels)


def _transported_back(p: Prepared, model: Model, x: Float[np.ndarray, "n d"], labels: np.ndarray | None) -> Trajectory:
    """Data on its way to the source of a transport: the model's own way back, or the sliced flow to fresh standard normals."""
    e, grid = p.experiment, time_grid(p.experiment, model)
    rng, keep = p.rng.child("forward noise"), kept(len(grid.t), *x.shape)
    own = e.method.backward(model, p.problem, x, grid, rng)  # type: ignore[attr-defined]
    if own is not None:
        return Trajectory(grid.u[keep], own[keep], labels, {k: c[keep] for k, c in curves(grid).items()})
    swap: Any = e.method if e.method.name == SLICED else make("method", SLICED)
    noise = p.rng.numpy("forward").standard_normal(p.problem.x.shape)
    fitted = outcome(swap.fit(Problem(noise, p.problem.weights, device=p.device), p.rng.child("forward fit")))
    t = make("sampler", "exponential_euler").run(fitted, x, swap.grid(e.steps), rng, device=p.device)
    return Trajectory(t.u, t.x[::-1].copy(), labels, {k: c[keep] for k, c in curves(grid).items()})


def way_back(p: Prepared, model: Model, there: Trajectory) -> Trajectory:
    """The particles of the noising process on their way back: what "both" plays, without a cut at the noise."""
    e, grid = p.experiment, time_grid(p.experiment, model)
    z = there.x[0] / (grid.alpha[0] * grid.begin if e.method.family == "diffusion" else 1.0)
    asked = there.labels if wanted_labels(p, len(z), p.rng) is not None else None
    t = e.sampler.run(model, z, grid, p.rng.child("return noise"), labels=asked, device=p.device)  # type: ignore[union-attr]
    return Trajectory(t.u, t.x, there.labels, t.curves)


def measure(p: Prepared, model: Model, trajectory: Trajectory) -> Generator[Progress, None, dict[str, Any]]:
    """Quality figures of the generated cloud: mean and spread over independent starts, each beside its floor.

    Objects that were asked to pass marks follow another law than the data: no figure of these would mean anything, and none is made.
    """
    if p.experiment.guidance.marks(p.problem) is not None:  # type: ignore[union-attr]
        return {}
    from rkdiff.metrics.quality import Truth

    e, norm = p.experiment, np.sqrt(p.space.weights)
    yield Progress("measuring", 0, e.repeats)
    fresh = e.data.fresh(FRESH, p.rng.child("fresh"))
    drawn = None if fresh is None else p.space.encode(np.concatenate([fresh.train, fresh.held_out])) * norm
    held_out, train = p.space.encode(p.data.held_out) * norm, p.problem.x * norm
    asked = np.unique(trajectory.labels) if trajectory.labels is not None else np.zeros(0, int)
    own = [y == asked[0] for y in (p.data.held_out_labels, p.problem.labels)] if len(asked) == 1 else []
    if own and min(mine.sum() for mine in own) > 1:  # one class was asked for: that class is the truth
        held_out, train = held_out[own[0]], train[own[1]]
        if fresh is not None and drawn is not None:
            drawn = drawn[np.concatenate([fresh.train_labels, fresh.held_out_labels]) == asked[0]]
    truth = Truth(train, held_out, drawn, e.particles, p.rng.child("quality"))
    per_start = [truth.measure(trajectory.end * norm)]
    for k in range(1, e.repeats):
        yield Progress("measuring", k, e.repeats)
        per_start.append(truth.measure(outcome(sample(p, model, p.rng.child(f"repeat {k}"))).end * norm))
    yield Progress("measuring", e.repeats, e.repeats)
    return {name: _over_starts([q[name] for q in per_start]) for name in per_start[0]}


def judged(p: Prepared, samples: np.ndarray | None) -> dict[str, float]:
    """Shares of the decoded objects that are valid, new (no training object is equal; graphs: isomorphic) and different."""
    if samples is None:
        return {}
    out = {"valid": float(p.space.valid(samples).mean())}
    return out | {"novel": float(p.space.novel(samples).mean()), "unique": float(p.space.unique(samples))}


def met(p: Prepared, trajectory: Trajectory) -> dict[str, float]:
    """Share of the particles that pass the marks of the guidance, where it has any."""
    passed = p.experiment.guidance.met(p.problem, trajectory.end)  # type: ignore[union-attr]
    return {} if passed is None else {"at the pins": float(passed.mean())}


def _over_starts(figures: list[Any]) -> dict[str, Any]:
    """One figure over the starts: mean, spread, floor, the sizes compared."""
    values, first = np.array([f.value for f in figures]), figures[0]
    return {
        "value": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
        "floor": first.floor,
        "floor_sd": first.floor_sd,
        "starts": len(values),
        "sizes": list(first.sizes),
    }


def _cloud(prefix: str, space: Fitted, t: Trajectory) -> dict[str, np.ndarray]:
    out = {f"{prefix}u": t.u, f"{prefix}x": t.x.astype(np.float32), f"{prefix}plane": space.plane(t.x).astype(np.float32)}
    if t.labels is not None:
        out[f"{prefix}labels"] = t.labels.astype(np.int64)
    return out | {f"{prefix}curve.{k}": v for k, v in t.curves.items()}


def _context(p: Prepared, model: Model, t: Trajectory) -> dict[str, np.ndarray]:
    """What is drawn around the cloud: training points, density of the truth, arrows, class of each particle."""
    out: dict[str, np.ndarray] = {"target": p.space.plane(p.problem.x).astype(np.float32)}
    if p.problem.labels is not None:
        out["target_labels"] = p.problem.labels.astype(np.int64)
        if t.labels is None:
            out["labels"] = p.problem.labels[nearest(t.end, p.problem.x)].astype(
                np.int64
            )  # colour only: no class was asked for
    out |= embedding(p.space, p.data)
    out |= background(p.data, p.space, p.experiment, p.rng)
    out |= slices(model, t, time_grid(p.experiment, model), p.problem, p.space, p.rng.child("noise"))
    if p.space.dim == 2:
        out |= arrows(model, t, p.device)
    return out


def run(experiment: Experiment, device: str = "auto") -> Run:
    """Do the whole experiment and return the run."""
    *_, last = stream(experiment, device)
    assert isinstance(last, Run)
    return last

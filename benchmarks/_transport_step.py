"""One step of the sliced flow beside the sorts it cannot do without, and beside automatic differentiation; and a flow kept as tables.

Ten thousand particles, ten thousand points, about 200 directions, double precision, one thread. "ms" is the least CPU time of `repeats`
repeats; steps and sorts take turns, so that what else the machine does meets them alike, and ratios are of these minima. With fresh
directions a step sorts particles and data, with kept ones the particles alone: "x one sort" is over `np.sort` of the projected particles,
"x its sorts" over `np.sort` of all that the step has to sort. POT's gradient is that of `ot.sliced_wasserstein_distance` in torch on the
same directions. On an accelerator the same step is timed there on the wall clock, fenced, "torch step".

Tables: points that the flow never saw follow 100 quantiles a direction of a flow on eight Gaussians; sliced distance to fresh data over
that between two fresh samples, beside the flow's own particles, and the bytes of the tables over those of the data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from benchmarks._bars import Verdict, at_least, at_most, values
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods._sliced import displacement_torch
from rkdiff.processes.sliced_step import displacement, target_lines
from rkdiff.processes.sliced_tables import swf_tables, unseen_error
from rkdiff.processes.slices import directions

SEEDS = 3
FRESH, KEPT, POT = "fresh directions", "kept directions", "POT gradient"
#: Asked of a step: times the sort, and times faster than automatic differentiation.
SORTS, FASTER = 2.0, 30.0
DIMENSIONS = (2, 16)


def rows(
    seeds: int,
    device: str = "cpu",
    n: str = "10000",
    count: str = "200",
    repeats: str = "15",
    slow: str = "3",
    data: str = "eight_gaussians",
) -> Iterator[Row]:
    """Time a step in each dimension, and run the tables; `slow` is the number of repeats of the gradient of POT."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        for seed in range(seeds):
            for d in DIMENSIONS:
                yield from _steps(d, seed, int(n), int(count), int(repeats), int(slow))
                if device != "cpu":
                    yield _accelerated(d, seed, int(n), int(count), int(repeats), device)
            yield from _tables(seed, data)


def least(work: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The least CPU seconds of each, taking turns."""
    out = dict.fromkeys(work, np.inf)
    for _ in range(repeats):
        for name, do in work.items():
            began = time.process_time()
            do()
            out[name] = min(out[name], time.process_time() - began)
    return out


def _clouds(d: int, seed: int, n: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    g = Rng(seed).numpy(f"clouds {d}")
    return g.standard_normal((n, d)), 0.5 * g.standard_normal((n, d)) + 1, directions(d, count, g)


def _steps(d: int, seed: int, n: int, count: int, repeats: int, slow: int) -> Iterator[Row]:
    import ot

    x, y, theta = _clouds(d, seed, n, count)
    lines, particles, points = target_lines(y, theta), theta @ x.T, theta @ y.T
    fast = least(
        {
            "one": lambda: np.sort(particles, axis=1),
            "other": lambda: np.sort(points, axis=1),
            FRESH: lambda: displacement(x, y, theta),
            KEPT: lambda: displacement(x, y, theta, lines=lines),
        },
        repeats,
    )
    turned, target = torch.tensor(theta.T.copy()), torch.tensor(y)

    def gradient() -> None:
        here = torch.tensor(x, requires_grad=True)
        (ot.sliced_wasserstein_distance(here, target, projections=turned) ** 2).backward()

    pot = least({POT: gradient}, slow)[POT]
    name = f"d = {d}"
    for method, sorts in ((FRESH, fast["one"] + fast["other"]), (KEPT, fast["one"])):
        yield Row(name, method, seed, "ms", 1e3 * fast[method])
        yield Row(name, method, seed, "x one sort", fast[method] / fast["one"])
        yield Row(name, method, seed, "x its sorts", fast[method] / sorts)
        yield Row(name, method, seed, "x faster than POT", pot / fast[method])
    yield Row(name, "np.sort of the projected particles", seed, "ms", 1e3 * fast["one"])
    yield Row(name, POT, seed, "ms", 1e3 * pot)


def _accelerated(d: int, seed: int, n: int, count: int, repeats: int, device: str) -> Row:
    x, y, theta = (to_torch(a, device) for a in _clouds(d, seed, n, count))
    wall = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        float(displacement_torch(x, y, theta).sum())  # a number on this side: the device has finished
        wall = min(wall, time.perf_counter() - began)
    return Row(f"d = {d}", "torch step", seed, "ms", 1e3 * wall, device=device)


def _tables(seed: int, data: str) -> Iterator[Row]:
    source, rng = make("data", data), Rng(seed)
    y = source.make(rng).train
    fresh, again = (source.fresh(4000, rng.child(name)).train for name in ("fresh", "again"))
    x, z = (rng.numpy(name).standard_normal((len(y), y.shape[1])) for name in ("particles", "unseen"))
    tau = np.expm1(np.log(21.0) * np.arange(49) / 48)
    path, tables = swf_tables(x, y, tau, lambda t: directions(y.shape[1], 16, rng.numpy(f"directions {t!r}")))
    found = unseen_error(tables, z, path[-1], fresh, again, directions(y.shape[1], 256, rng.numpy("measure")))
    for method, key in (("particles", "particles"), ("tables, unseen points", "unseen")):
        yield Row(data, method, seed, "sliced distance", found[key], found["floor"])
    yield Row(data, "tables, unseen points", seed, "bytes / data", found["bytes"] / (4 * y.size))


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """What is asked of a step."""
    out = []
    for d in DIMENSIONS:
        figure = lambda method, metric, d=d: values(rows, f"d = {d}", method, metric)
        out += [
            at_most(f"step, d = {d}, fresh directions: times the sorts it needs", figure(FRESH, "x its sorts"), SORTS, 2),
            at_most(f"step, d = {d}, kept directions: times the sort it needs", figure(KEPT, "x its sorts"), SORTS, 2),
            at_most(f"step, d = {d}, fresh directions: times one sort alone", figure(FRESH, "x one sort"), SORTS, 2),
            at_least(f"step, d = {d}, fresh directions: times faster than POT", figure(FRESH, "x faster than POT"), FASTER, 1),
        ]
    return out

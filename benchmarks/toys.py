"""Toys in the plane: sliced W2 over its floor, memorisation and spill of the learned methods, beside three controls.

Two moons, eight Gaussians, checkerboard, spiral; 2000 training points; 4096 particles from a Sobol start, walked by Heun on the Karras
clock in 40 steps (`--set schedule=flow_matching`, `steps=24`, `clock=t`, `methods=a,b`, `sets=a,b` choose otherwise). The seed draws data,
start and training. The reference is 40 000 fresh points; the floor of SW2 is its mean over 12 fresh samples *of the training size, 2000*,
against that reference, so the training set itself has ratio 1 on average over seeds, 4096 fresh draws 0.7 to 0.9. Memorisation is the
median distance to the nearest training point, spill the 95 % quantile of the distance to the nearest reference point, each over the same
for fresh points (1 and 1 are perfect). CPU s and wall s are the training alone. On an accelerator each cloud is also compared with the
CPU's, particle by particle.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks.table import Row, align
from rkdiff.core.parts import make
from rkdiff.core.records import Dataset, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import device_name, pick_device, torch
from rkdiff.experiment import Experiment
from rkdiff.metrics.clouds import nearest
from rkdiff.processes.slices import directions, squared_wasserstein
from rkdiff.stages import prepare, sample, train

SEEDS = 5
SETS = "two_moons,eight_gaussians,checkerboard,spiral"
METHODS = "exact,kernel_diffusion,network_diffusion"
TRAINING, GENERATED, REFERENCE, PAIRS, DIRECTIONS = 2000, 4096, 40_000, 12, 64
CONTROLS = ("training set", "fresh draws")


class Judge:
    """The figures of clouds for one dataset and seed; everything that does not depend on the cloud is done once."""

    def __init__(self, train: Float[np.ndarray, "n 2"], fresh: Float[np.ndarray, "m 2"], rng: Rng) -> None:
        self.train, self.reference, pool = train, fresh[:REFERENCE], fresh[REFERENCE:]
        self.theta = directions(2, DIRECTIONS, rng.numpy("directions"))
        self.sorted = np.sort(self.theta @ self.reference.T, axis=1)
        draws = pool[: PAIRS * TRAINING].reshape(PAIRS, TRAINING, 2)
        values = [self.distance(x) for x in draws]
        self.floor, self.floor_sd = float(np.mean(values)), float(np.std(values, ddof=1))
        self.more = pool[PAIRS * TRAINING :][:GENERATED]
        self.near_train = float(np.median(nearest(self.more, train)))
        self.near_truth = float(np.quantile(nearest(self.more, self.reference), 0.95))

    def distance(self, x: Float[np.ndarray, "k 2"]) -> float:
        """Sliced 2-Wasserstein distance to the reference."""
        return math.sqrt(float(squared_wasserstein(np.sort(self.theta @ x.T, axis=1), self.sorted).mean()))

    def __call__(self, x: Float[np.ndarray, "k 2"]) -> Iterator[tuple[str, float, float | None]]:
        """Metric, value, floor."""
        yield "SW2", self.distance(x), self.floor
        yield "memorisation", float(np.median(nearest(x, self.train))) / self.near_train, None
        yield "spill", float(np.quantile(nearest(x, self.reference), 0.95)) / self.near_truth, None


def rows(
    seeds: int,
    device: str = "cpu",
    sets: str = SETS,
    methods: str = METHODS,
    schedule: str = "karras",
    steps: str = "40",
    clock: str = "sigma",
) -> Iterator[Row]:
    """One row for each dataset, seed, method and metric."""
    device = pick_device(device)
    torch.zeros(1, device=device)  # torch is loaded and the device awake before anything is timed
    for name in sets.split(","):
        for seed in range(seeds):
            judge, data = _judge(name, seed)
            for control, cloud in zip(CONTROLS, (judge.train, judge.more), strict=True):
                yield from (Row(name, control, seed, metric, value, floor) for metric, value, floor in judge(cloud))
            for method in methods.split(","):
                how = Experiment(
                    data,
                    make("method", method),
                    schedule=make("schedule", schedule),
                    sampler=make("sampler", "heun", clock=clock),
                    particles=GENERATED,
                    steps=int(steps),
                    seed=seed,
                )
                yield from _measured(how, judge, device)


def _judge(name: str, seed: int) -> tuple[Judge, Any]:
    source = make("data", name, n=TRAINING)
    p = prepare(Experiment(source, make("method", "exact"), seed=seed), "cpu")
    fresh: Dataset = source.fresh(REFERENCE + PAIRS * TRAINING + GENERATED, p.rng.child("benchmark"))
    return Judge(p.problem.x, p.space.encode(fresh.train), p.rng.child("benchmark")), source


def _measured(e: Experiment, judge: Judge, device: str) -> Iterator[Row]:
    """Train and sample; yield the figures, and on an accelerator the distance to the CPU's cloud."""
    end, fit, walk = _generate(e, device)
    shown = "cpu" if device == "cpu" else device_name(device)
    for metric, value, floor in judge(end):
        yield Row(e.data.name, e.method.name, e.seed, metric, value, floor, *fit, shown)
    yield Row(e.data.name, e.method.name, e.seed, "sampling s", walk, None, *fit, shown)
    if device != "cpu":
        apart = np.linalg.norm(end - _generate(e, "cpu")[0], axis=1)
        yield Row(e.data.name, e.method.name, e.seed, "apart from CPU", float(np.quantile(apart, 0.95)), None, *fit, shown)


def _generate(e: Experiment, device: str) -> tuple[Float[np.ndarray, "k 2"], tuple[float, float], float]:
    """The cloud, CPU and wall seconds of the training, CPU seconds of the sampling."""
    p = prepare(e, device)
    cpu, wall = time.process_time(), time.perf_counter()
    model, _ = outcome(train(p))
    fit = (time.process_time() - cpu, time.perf_counter() - wall)
    cpu = time.process_time()
    end = outcome(sample(p, model, p.rng)).end
    return end, fit, time.process_time() - cpu


#: Bars: method -> metric -> (bar, whether the figure should lie below or above).
BARS = {
    "network_diffusion": {"SW2 / floor": (1.15, "<="), "CPU s": (4.0, "<=")},
    "kernel_diffusion": {"SW2 / floor": (1.25, "<="), "CPU s": (5.0, "<="), "memorisation": (0.85, ">="), "spill": (2.5, "<=")},
    "exact": {"memorisation": (0.8, "<=")},
}


def means(rows: Sequence[Row], method: str) -> dict[str, tuple[float, float]]:
    """Figures of a method, mean over the sets: their mean over the seeds and their standard deviation over the seeds."""
    part = [r for r in rows if r.method == method]
    figures: dict[str, dict[int, list[float]]] = {}
    for r in part:
        figures.setdefault("SW2 / floor" if r.metric == "SW2" else r.metric, {}).setdefault(r.seed, []).append(r.shown)
        if r.metric == "SW2" and r.cpu_seconds is not None:
            figures.setdefault("CPU s", {}).setdefault(r.seed, []).append(r.cpu_seconds)
    out = {}
    for name, by_seed in figures.items():
        values = [float(np.mean(v)) for v in by_seed.values()]
        out[name] = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return out


def closing(rows: Sequence[Row]) -> str:
    """Means over the sets with their spread over the seeds, and what of it is asked for."""
    table = {m: means(rows, m) for m in dict.fromkeys(r.method for r in rows)}
    heads = list(dict.fromkeys(h for figures in table.values() for h in figures))
    lines = [["mean over sets", "", *heads, ""]]
    for method, figures in table.items():
        lines.append([method, "", *(f"{figures[h][0]:.2f} ± {figures[h][1]:.2f}" if h in figures else "-" for h in heads), ""])
    bars = []
    for method, asked in BARS.items():
        for head, (bar, sense) in asked.items() if method in table else ():
            value = table[method][head][0]
            met = value <= bar if sense == "<=" else value >= bar
            bars.append(f"{method}: {head} {value:.2f} {sense} {bar:g} {'met' if met else 'NOT met'}")
    return align(lines) + "\n(± is the standard deviation over seeds of the mean over sets)\n\n" + "\n".join(bars)

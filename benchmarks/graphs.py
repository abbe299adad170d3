"""Two-community graphs: what kernel diffusion and local search generate, beside copies, a Gaussian and fresh draws.

The protocol of GraphRNN and GDSS: 80 training graphs, 60 generated ones in three groups of 20, each against test sets of 20 graphs; degree,
clustering and orbit MMD (`rkdiff.metrics.graphs`) and their mean. One test set of 20 moves the mean by 0.02, so every data seed uses the
held-out set and `tests` - 1 further sets of fresh draws. "against 100" is the mean MMD of all 60 to 100 fresh graphs, with less noise.
Lines, all decoded by the same search: the method; the same on the kernel that knows the spectrum alone (no evaluated statistic); a
Gaussian with the training coordinates' covariance; the training coordinates themselves; and fresh draws of the truth, the floor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from benchmarks.table import Row, align
from rkdiff.core.parts import make
from rkdiff.core.records import Dataset, outcome
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.experiment import Experiment
from rkdiff.metrics.graphs import mmd_table, novel, unique_share, valid
from rkdiff.stages import Prepared, prepare, sample, train

SEEDS = 4
GENERATED, GROUP = 60, 20


def rows(seeds: int, device: str = "cpu", method: str = "kernel_diffusion", tests: str = "5", **knobs: str) -> Iterator[Row]:
    """One row a metric for each line and data seed. `--set r=9` and the like set knobs of the space."""
    space = {k: type(getattr(make("space", "graphs"), k))(v) for k, v in knobs.items()}
    for seed in range(seeds):
        source = Communities()
        judge = Judge(source, source.make(Rng(seed).child("data")), int(tests), Rng(seed))
        for name, draw in _lines(source, seed, method, device, space).items():
            cpu, wall = time.process_time(), time.perf_counter()
            graphs = draw()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            for metric, value in judge(graphs).items():
                yield Row("communities", name, seed, metric, value, None, cpu, wall, device)


def _lines(
    source: Communities, seed: int, method: str, device: str, space: dict[str, object]
) -> dict[str, Callable[[], UInt8[np.ndarray, "n N N"]]]:
    """What is compared: name -> how its graphs are made."""
    return {
        method.replace("_", " "): lambda: _generate(seed, method, device, space),
        "on the spectrum alone": lambda: _generate(seed, method, device, space | {"features": "spectrum"}),
        "Gaussian": lambda: _decode(seed, space, _gaussian),
        "copies": lambda: _decode(seed, space, _copies),
        "fresh draws": lambda: source.fresh(GENERATED, Rng(seed).child("generated")).train,
    }


class Judge:
    """The figures of a set of generated graphs for one data seed."""

    def __init__(self, source: Communities, data: Dataset, tests: int, rng: Rng) -> None:
        more = [source.fresh(GROUP, rng.child(f"test {i}")).train for i in range(1, tests)]
        self.tests = [data.held_out, *more]
        self.many = source.fresh(100, rng.child("many")).train
        self.train, self.rule = data.train, str(data.meta["rule"])

    def __call__(self, graphs: UInt8[np.ndarray, "n N N"]) -> dict[str, float]:
        """Name -> value, in the order of the columns."""
        groups = [graphs[i : i + GROUP] for i in range(0, len(graphs), GROUP)]
        tables = [mmd_table(g, test) for g in groups for test in self.tests]
        out = {name: float(np.mean([t[name] for t in tables])) for name in tables[0]}
        out["against 100"] = mmd_table(graphs, self.many)["mean"]
        out["valid"] = float(valid(graphs, self.rule).mean())
        out["novel"] = float(novel(graphs, self.train).mean())
        return out | {"unique": unique_share(graphs)}


def _prepared(seed: int, method: str, device: str, space: dict[str, object]) -> Prepared:
    e = Experiment(
        Communities(), make("method", method), space=make("space", "graphs", **space), particles=GENERATED, steps=24, seed=seed
    )
    return prepare(e, device)


def _generate(seed: int, method: str, device: str, space: dict[str, object]) -> UInt8[np.ndarray, "n N N"]:
    """The whole way: data, kernel PCA, training, sampling, search."""
    p = _prepared(seed, method, device, space)
    model, _ = outcome(train(p))
    return p.space.decode(outcome(sample(p, model, p.rng)).end, p.rng.child("decode"))


def _decode(
    seed: int, space: dict[str, object], draw: Callable[[np.ndarray, np.random.Generator], np.ndarray]
) -> UInt8[np.ndarray, "n N N"]:
    p = _prepared(seed, "exact", "cpu", space)
    return p.space.decode(draw(p.problem.x, p.rng.numpy("control")), p.rng.child("decode"))


def _gaussian(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.multivariate_normal(x.mean(0), np.cov(x.T), GENERATED)


def _copies(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x[rng.permutation(len(x))[:GENERATED]]


BARS = {"mean": (0.05, -1), "valid": (0.95, 1), "novel": (0.95, 1), "unique": (0.97, 1), "CPU s": (15.0, -1)}


def closing(rows: Sequence[Row]) -> str:
    """The same means with three decimals, and the method's figures beside their bars."""
    metrics = list(dict.fromkeys(r.metric for r in rows))
    lines, first = [["mean over seeds", "", *metrics]], {}
    for name in dict.fromkeys(r.method for r in rows):
        part = [r for r in rows if r.method == name]
        mean = {m: float(np.mean([r.value for r in part if r.metric == m])) for m in metrics}
        first = first or mean | {"CPU s": float(np.mean([r.cpu_seconds or 0.0 for r in part]))}
        lines.append([name, "", *(f"{mean[m]:.3f}" for m in metrics)])
    met = [
        f"{m} {first[m]:.3f} ({'at least' if s > 0 else 'at most'} {bar:g}: {_verdict(first[m], bar, s)})"
        for m, (bar, s) in BARS.items()
    ]
    return align([line + [""] for line in lines]) + "\n\n" + rows[0].method + ": " + ", ".join(met)


def _verdict(value: float, bar: float, sign: int) -> str:
    return "met" if sign * value >= sign * bar else "NOT met"

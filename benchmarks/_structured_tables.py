"""Mixed tables: two public sets and a made-up one, kernel diffusion beside bootstrap, copula, interpolation and real held-out rows.

Every line makes as many rows as are held out. Marginals and associations are compared with the training rows, so that
"held-out" (real rows the methods never saw) is the floor for something new, and whatever copies falls below it: read them beside
"privacy" (mean distance to the nearest training row over that of held-out rows; 0 copies, 1 is as new as real rows) and
"copied". "linear" and "boosting" are the score on the held-out rows of a model of the target column fitted to the line's
rows: balanced accuracy of a category, R^2 of a number; "bootstrap" is the same of real training rows. Held-out rows are no
table to learn from about themselves, so that line has no such score.

"<set> decoders" decodes the coordinates of the held-out rows by every decoder; numbers are measured in training deviations.

The diffusion starts from independent noise, so that its rows are as independent of each other as the held-out ones that they stand
beside (evenly spread starts would vary less than any independent sample).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float

from benchmarks._bars import Verdict, at_least, below, values, within
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment
from rkdiff.kernels.columns import Column
from rkdiff.metrics.table_baselines import bootstrap, gaussian_copula, interpolation
from rkdiff.metrics.tables import association_distance, copied, marginals, predicts, privacy_ratio
from rkdiff.stages import Prepared, prepare, sample, train

SETS = ("tips", "penguins", "orders")
STEPS = 24
KERNEL, COPULA, COPIES, FLOOR = "kernel diffusion", "Gaussian copula", "bootstrap", "held-out"


def rows(seeds: int, device: str = "cpu") -> Iterator[Row]:
    """One row a metric for each set, line and seed (a seed is a split, or a draw of the made-up table)."""
    for name in SETS:
        for seed in range(seeds):
            p = _prepared(name, seed, "exact", "cpu")
            for line, draw in _lines(name, seed, device, p).items():
                cpu, wall = time.process_time(), time.perf_counter()
                table = draw()
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                for metric, value in _figures(table, p, line != FLOOR).items():
                    yield Row(name, line, seed, metric, value, None, cpu, wall, device)
            yield from _decoders(name, seed, p)


def _decoders(name: str, seed: int, p: Prepared) -> Iterator[Row]:
    """Every decoder on the coordinates of the held-out rows: distance left in H, error of numbers and categories, rules, novelty."""
    x, truth = p.space.encode(p.data.held_out), p.data.held_out
    kinds = [c.category for c in _columns(p)]
    scale = p.data.train.std(0)[~np.array(kinds)]
    for decoder in p.space.decoders:
        cpu = time.process_time()
        table = p.space.with_decoder(decoder).decode(x, p.rng.child("decode"))
        cpu = time.process_time() - cpu
        gap = (table - truth)[:, ~np.array(kinds)] / scale
        figures = {
            "residual x 1000": 1000 * float(p.space.residual(table, x).mean()),
            "error of numbers": float(np.sqrt((gap**2).mean())),
            "categories right": float((table == truth)[:, kinds].mean()),
            "valid": float(p.space.valid(table).mean()),
            "novel": float(p.space.novel(table).mean()),
            "unique": p.space.unique(table),
            "ms a row": 1000 * cpu / len(table),
        }
        for metric, value in figures.items():
            yield Row(f"{name} decoders", decoder, seed, metric, value, None, cpu)


def _prepared(name: str, seed: int, method: str, device: str) -> Prepared:
    held_out = len(make("data", name).make(Rng(seed).child("data")).held_out)
    e = Experiment(make("data", name), make("method", method), particles=held_out, steps=STEPS, seed=seed, start="iid")
    return prepare(e, device)


def _columns(p: Prepared) -> tuple[Column, ...]:
    columns: tuple[Column, ...] = p.space.columns  # type: ignore[attr-defined]
    return columns


def _lines(name: str, seed: int, device: str, p: Prepared) -> dict[str, Callable[[], Float[np.ndarray, "n c"]]]:
    """What is compared: name -> how its rows are made."""
    n, table, x, rng = len(p.data.held_out), p.data.train, p.problem.x, p.rng.child("control")
    return {
        KERNEL: lambda: _generate(name, seed, "kernel_diffusion", device),
        "Gaussian in H": lambda: _decoded(p, rng.numpy("gaussian").multivariate_normal(x.mean(0), np.cov(x.T), n)),
        "copies decoded": lambda: _decoded(p, x[rng.numpy("copies").permutation(len(x))[:n]]),
        COPIES: lambda: bootstrap(table, n, rng.numpy("bootstrap")),
        COPULA: lambda: gaussian_copula(table, _columns(p), n, rng.numpy("copula")),
        "interpolation": lambda: interpolation(table, _columns(p), n, rng.numpy("interpolation")),
        FLOOR: lambda: p.data.held_out,
    }


def _generate(name: str, seed: int, method: str, device: str) -> Float[np.ndarray, "n c"]:
    """The whole way: data, kernel PCA, training, sampling, ascent."""
    p = _prepared(name, seed, method, device)
    model, _ = outcome(train(p))
    return _decoded(p, outcome(sample(p, model, p.rng)).end)


def _decoded(p: Prepared, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
    return p.space.decode(x, p.rng.child("decode"))


def _figures(table: Float[np.ndarray, "n c"], p: Prepared, teaches: bool) -> dict[str, float]:
    data, columns = p.data, _columns(p)
    out = {
        "marginals": float(marginals(table, data.train, columns).mean()),
        "associations": association_distance(table, data.train, columns),
    }
    if teaches:
        for model in ("linear", "boosting"):
            out[model] = predicts(table, data.held_out, columns, str(data.meta["target"]), model)
    out["privacy"] = privacy_ratio(table, data.train, data.held_out, columns)
    out["copied"] = copied(table, data.train)
    return out | {"valid": float(p.space.valid(table).mean()), "novel": float(p.space.novel(table).mean())}


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """Kernel diffusion beside bars from the baselines: the floor of real rows, the copula, and a model of real training rows.

    Statistics are asked to be no further from the training rows than real new rows are; a model to lose at most 0.05 against
    one of resampled real rows; rows to be as new as real rows within a tenth. Types and ranges hold by construction of the
    decoder, so that no bar asks for them.
    """
    if not any(r.dataset in SETS for r in rows):
        return
    for name in SETS:
        of = partial(values, rows, name)
        for metric in ("marginals", "associations"):
            yield within(f"{name}: {metric}", of(KERNEL, metric), of(FLOOR, metric), "held-out")
        yield below(f"{name}: associations", of(KERNEL, "associations"), of(COPULA, "associations"), "copula")
        for metric in ("linear", "boosting"):
            what = f"{name}: learned from it ({metric})"
            yield within(what, of(KERNEL, metric), of(COPIES, metric), "bootstrap", loss=0.05)
        yield at_least(f"{name}: privacy", of(KERNEL, "privacy"), 0.9)
        yield at_least(f"{name}: novel", of(KERNEL, "novel"), 0.95)

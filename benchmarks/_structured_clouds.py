"""Point clouds and small pictures: what kernel diffusion generates and its decoders make of it, beside a Gaussian, copies and true objects.

Three datasets: clouds in six shapes, digits as clouds, digits as pictures. A line's `GENERATED` objects are judged against as many held-out
ones. Distances are those of the vectors that the kernel sees: the sliced Wasserstein distance of two clouds, the Euclidean one of two
pictures. The first three figures stand over their floor, that of as many true objects (fresh draws, or training objects of real data):

    in H            sliced W2 between the two sets in the coordinates of kernel PCA, in the norm of H
    to truth        mean distance of a generated object to its nearest held-out one        large: objects that are none
    from truth      mean distance of a held-out object to its nearest generated one        large: kinds of objects that are missing
    classes         total variation between the shares of the classes, each object in the class of its nearest training object
    purity          how many of the 5 nearest training objects share the class that most of them have
    sharp           pictures only: mean squared step between neighbouring pixels over that of the held-out pictures
    plausible       share no further from its nearest training object than 95 of 100 held-out objects are
    new             share further from its nearest training object than 5 of 100 held-out objects are: copies are not
    residual        mean ||phi(object) - psi(x)||^2, of length 1 objects; then milliseconds of decoding an object

The method starts from independent noise, as independent as the true objects of the floor. Whether an object is inside the box of allowed
values is no figure here: the decoders clip.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks._bars import Verdict, at_least, at_most, below, values
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.data import Source
from rkdiff.data.cloud_shapes import CloudShapes
from rkdiff.data.digit_clouds import DigitClouds
from rkdiff.data.digits import Digits
from rkdiff.experiment import Experiment
from rkdiff.metrics.clouds import sliced_wasserstein
from rkdiff.spaces._kernel import FittedKernel
from rkdiff.stages import Prepared, prepare, sample, train

GENERATED, NEIGHBOURS = 100, 5
#: The figures that stand over their floor.
FLOORED = ("in H", "to truth", "from truth")
SOURCES: dict[str, Source] = {
    "shapes": CloudShapes(n=300),
    "digit clouds": DigitClouds(n=600),
    "digits": Digits(n=800),
}
#: The decoders that are compared on the points that the method generated; the first is the space's own.
DECODERS = {
    "shapes": ("flow", "simplex_flow", "distance_flow", "conformal_flow", "learned_flow", "nearest"),
    "digit clouds": ("flow", "simplex_flow", "distance_flow", "conformal_flow", "learned_flow", "nearest"),
    "digits": ("simplex", "fixed_point", "gradient", "distance", "conformal", "average", "learned", "nearest"),
}


def rows(seeds: int, device: str = "cpu") -> Iterator[Row]:
    """One row a metric for each line, dataset and seed."""
    for name, source in SOURCES.items():
        for seed in range(seeds):
            yield from _of_one(name, source, seed, device)


def _prepared(source: Source, seed: int, device: str) -> Prepared:
    method = make("method", "kernel_diffusion")
    return prepare(Experiment(source, method, particles=GENERATED, steps=24, seed=seed, start="iid"), device)


def _of_one(name: str, source: Source, seed: int, device: str) -> Iterator[Row]:
    began = time.process_time()
    p = _prepared(source, seed, device)
    model, _ = outcome(train(p))
    end = outcome(sample(p, model, p.rng)).end
    made, judge = time.process_time() - began, Judge(p, source)
    lines: dict[str, tuple[np.ndarray, str, float | None]] = {
        f"kernel diffusion, {decoder}": (end, decoder, made if i == 0 else None) for i, decoder in enumerate(DECODERS[name])
    }
    rng = p.rng.numpy("control")
    first, x = DECODERS[name][0], p.problem.x
    lines["Gaussian"] = (rng.multivariate_normal(x.mean(0), np.cov(x.T), GENERATED), first, None)
    lines["copies"] = (x[rng.permutation(len(x))[:GENERATED]], first, None)
    for line, (at, decoder, before) in lines.items():
        began = time.process_time()
        objects = judge.space.with_decoder(decoder).decode(at, p.rng.child("decode"))
        took = time.process_time() - began
        figures = judge(objects) | {
            "residual": (float(judge.space.residual(objects, at).mean()), None),
            "ms an object": (1e3 * took / GENERATED, None),
        }
        for metric, (value, floor) in figures.items():
            yield Row(name, line, seed, metric, value, floor, None if before is None else before + took, None, device)
    for metric, (value, floor) in judge(judge.true).items():
        yield Row(name, "true objects", seed, metric, value, floor, None, None, device)


class Judge:
    """The figures of a set of generated objects for one data seed."""

    def __init__(self, p: Prepared, source: Source) -> None:
        from scipy.spatial.distance import cdist

        assert isinstance(p.space, FittedKernel)
        self.space: FittedKernel = p.space
        self.data, rng = p.data, p.rng.numpy("judge")
        fresh = source.fresh(GENERATED, p.rng.child("judged"))
        self.true = p.data.train[rng.permutation(len(p.data.train))[:GENERATED]] if fresh is None else fresh.train
        self.held_out = p.data.held_out[rng.permutation(len(p.data.held_out))[:GENERATED]]
        self.seen = self.space.vectors(self.held_out)
        everything = self.space.vectors(p.data.held_out)
        self.usual = np.quantile(cdist(everything, self.space.candidates).min(1), [0.05, 0.95])
        self.shares = np.bincount(p.data.train_labels, minlength=p.data.classes) / len(p.data.train)
        self.floor = {name: value for name, (value, _) in self._figures(self.true).items()}

    def __call__(self, objects: np.ndarray) -> dict[str, tuple[float, float | None]]:
        """Name -> value and floor, in the order of the columns."""
        found = self._figures(objects)
        return {n: (v, self.floor[n] if n in FLOORED else None) for n, (v, _) in found.items()}

    def _figures(self, objects: np.ndarray) -> dict[str, tuple[float, None]]:
        from scipy.spatial.distance import cdist

        v, norm = self.space.vectors(objects), np.sqrt(self.space.weights)
        apart = cdist(v, self.seen)
        known = cdist(v, self.space.candidates)
        near, gap = self.data.train_labels[np.argsort(known, axis=1)[:, :NEIGHBOURS]], known.min(1)
        votes = np.stack([np.bincount(row, minlength=self.data.classes) for row in near])
        shares = np.bincount(near[:, 0], minlength=self.data.classes) / len(near)
        out = {
            "in H": sliced_wasserstein(self.space.encode(objects) * norm, self.space.encode(self.held_out) * norm),
            "to truth": apart.min(1).mean(),
            "from truth": apart.min(0).mean(),
            "classes": np.abs(shares - self.shares).sum() / 2,
            "purity": votes.max(1).mean() / NEIGHBOURS,
            "plausible": (gap <= self.usual[1]).mean(),
            "new": (gap > self.usual[0]).mean(),
        }
        if self.data.modality == "images":
            out["sharp"] = _steps(objects) / _steps(self.held_out)
        return {name: (float(value), None) for name, value in out.items()}


def _steps(pictures: np.ndarray) -> float:
    return float((np.diff(pictures, axis=1) ** 2).mean() + (np.diff(pictures, axis=2) ** 2).mean())


#: What is asked of every dataset: metric -> bar and whether it is a ceiling. Of true objects 95 of 100 are new, and as many plausible.
BARS: dict[str, tuple[float, bool]] = {
    "in H": (1.5, True),
    "to truth": (1.1, True),
    "from truth": (1.3, True),
    "plausible": (0.9, False),
    "new": (0.9, False),
}


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """Every bar of every dataset, once any of them was measured."""
    if not any(r.dataset in SOURCES for r in rows):
        return
    for name in SOURCES:
        of = partial(values, rows, name, f"kernel diffusion, {DECODERS[name][0]}")
        for metric, (bar, ceiling) in BARS.items():
            what = f"{name}: {metric}{' / floor' if metric in FLOORED else ''}"
            yield (at_most if ceiling else at_least)(what, of(metric), bar, 2)
        other = values(rows, name, "Gaussian", "to truth")
        yield below(f"{name}: to truth / floor", of("to truth"), other, "Gaussian", 2)

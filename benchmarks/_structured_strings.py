"""Strings: words of a grammar of 11 664 words, DNA with a motif, and names of cities, through counts of substrings and a beam search.

"valid" is the share that the dataset's rule accepts, "valid and new" the share that is also none of the training strings, "2-grams" the
total variation distance between all pairs of neighbours, begin and end included, of 150 strings and of a large fresh set (cities: of the
held-out names), over the same distance for fresh strings (cities: training names). Lines: the method; the same points decoded by the beam
that knows the rule; a Gaussian with the training coordinates' mean and covariance; the training coordinates; fresh strings. "recovered" is
the share of held-out strings that come back unchanged from their coordinates: in the default space, and by the linear kernel with all
coordinates that the training strings span ("oracle").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.data import Source
from rkdiff.experiment import Experiment
from rkdiff.kernels.strings import Spectrum
from rkdiff.spaces.strings import Strings
from rkdiff.stages import Prepared, prepare, sample, train

GENERATED, REFERENCE = 150, 2000
SOURCES = ("grammar", "dna_motifs", "city_names")
METHOD, RULED, ORACLE = "kernel diffusion", "beam with the rule", "oracle"
Work = Callable[[], np.ndarray]


def rows(seeds: int, device: str = "cpu", method: str = "kernel_diffusion") -> Iterator[Row]:
    """One row a metric for each dataset, line and data seed."""
    for name in SOURCES:
        source = make("data", name)
        for seed in range(seeds):
            space = Strings()
            e = Experiment(source, make("method", method), space=space, particles=GENERATED, steps=24, seed=seed)
            p = prepare(e, device)
            judge = Judge(source, p)
            drawn: list[np.ndarray] = []
            for line, work in _lines(p, drawn, judge.fresh).items():
                began, wall = time.process_time(), time.perf_counter()
                strings = work()
                cpu, wall = time.process_time() - began, time.perf_counter() - wall
                for metric, value, floor in judge(strings):
                    yield Row(name, line, seed, metric, value, floor, cpu, wall, device)
                if line == METHOD:
                    began = time.process_time()
                    p.space.decode(drawn[0], p.rng.child("decode"))
                    spent = 1e3 * (time.process_time() - began) / len(strings)
                    yield Row(name, line, seed, "ms a string", spent, None, cpu, wall, device)
            yield from _recovered(p, name, seed, device)


def _lines(p: Prepared, drawn: list[np.ndarray], fresh: np.ndarray) -> dict[str, Work]:
    """What is compared: name -> how its strings are made. The method's points are kept in `drawn`."""
    x, rng = p.problem.x, p.rng.numpy("control")

    def generate() -> np.ndarray:
        model, _ = outcome(train(p))
        drawn.append(outcome(sample(p, model, p.rng)).end)
        return p.space.decode(drawn[0], p.rng.child("decode"))

    gaussian = lambda: rng.multivariate_normal(x.mean(0), np.cov(x.T), GENERATED)
    return {
        METHOD: generate,
        RULED: lambda: p.space.with_decoder("grammar").decode(drawn[0], p.rng.child("decode")),
        "Gaussian": lambda: p.space.decode(gaussian(), p.rng.child("decode")),
        "copies": lambda: p.space.decode(x[rng.permutation(len(x))[:GENERATED]], p.rng.child("decode")),
        "fresh strings": lambda: fresh,
    }


def _recovered(p: Prepared, name: str, seed: int, device: str) -> Iterator[Row]:
    """How many held-out strings come back from their coordinates."""
    linear = Strings(kernel="linear", r=200).fit(p.data, p.rng.child("space"))
    for line, space in ((METHOD, p.space), (ORACLE, linear)):
        began = time.process_time()
        back = space.decode(space.encode(p.data.held_out), p.rng.child("oracle"))
        cpu = time.process_time() - began
        share = float((back == p.data.held_out).all(axis=1).mean())
        yield Row(name, line, seed, "recovered", share, None, cpu if line == ORACLE else None, None, device)


class Judge:
    """The figures of a set of strings for one data seed."""

    def __init__(self, source: Source, p: Prepared) -> None:
        self.p = p
        more = source.fresh(REFERENCE, p.rng.child("reference"))
        reference, self.fresh = (p.data.held_out, p.data.train) if more is None else (more.train, more.held_out)
        self.fresh = self.fresh[p.rng.numpy("fresh").permutation(len(self.fresh))[:GENERATED]]
        self.pairs = Spectrum.fit(np.concatenate([p.data.train, *([reference] if more else [p.data.held_out])]), 2)
        self.reference = self.shares(reference)
        self.floor = self.distance(self.fresh)

    def shares(self, strings: np.ndarray) -> np.ndarray:
        """How often each pair of neighbours occurs among all."""
        counts = self.pairs(strings).sum(0)[np.append(self.pairs.grams > 255, True)]
        return counts / counts.sum()

    def distance(self, strings: np.ndarray) -> float:
        """Total variation distance of the pairs."""
        return float(np.abs(self.shares(strings) - self.reference).sum() / 2)

    def __call__(self, strings: np.ndarray) -> Iterator[tuple[str, float, float | None]]:
        """Name, value and floor of each figure."""
        space = self.p.space
        right, new = space.valid(strings), space.novel(strings)
        yield "valid", float(right.mean()), None
        yield "valid and new", float((right & new).mean()), None
        yield "unique", float(space.unique(strings)), None
        yield "2-grams", self.distance(strings), self.floor


BARS = (
    ("grammar", ORACLE, "recovered", 0.99, "held-out words of the grammar come back from all coordinates"),
    ("grammar", METHOD, "valid", 0.95, "generated words of the grammar are valid"),
    ("grammar", RULED, "valid", 1.0, "the same by the beam that knows the rule"),
    ("grammar", METHOD, "valid and new", 0.4, "generated words of the grammar are valid and new"),
    ("dna_motifs", METHOD, "valid and new", 0.6, "generated DNA has the motif and is new"),
)


def verdicts(rows: Sequence[Row]) -> Iterator[tuple[str, str, str, bool]]:
    """What is asked, what was measured, the bar, and whether it is met."""
    for dataset, line, metric, bar, words in BARS:
        values = [r.value for r in rows if (r.dataset, r.method, r.metric) == (dataset, line, metric)]
        if values:
            mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            yield f"strings: {words}", f"{mean:.3f} +- {spread:.3f}", f">= {bar:g}", mean >= bar
    spent = [r.value for r in rows if r.dataset == "grammar" and r.metric == "ms a string"]
    if spent:
        yield "strings: milliseconds to decode a word", f"{np.mean(spent):.1f}", "<= 10", float(np.mean(spent)) <= 10

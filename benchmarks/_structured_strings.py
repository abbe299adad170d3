"""Strings: words of a grammar of 11 664 words, DNA with a motif, and names of cities, through counts of substrings and a beam search.

"valid" is the share that the dataset's rule accepts (cities: every three neighbours occur in the whole list of names, held-out names
included, so that fresh names are valid by definition), "valid and new" the share that is also none of the training strings, "length" the
mean number of letters, "2-grams" the total variation distance between all pairs of neighbours, begin and end included, of 100 strings and
of a large fresh set (cities: of the held-out names), over the same distance for fresh strings (cities: training names). Lines: the method
in the default space, from independent noise; the same points decoded by the beam that knows the rule (cities: the neighbours in training
names), valid by construction; a Gaussian with the training coordinates' mean and covariance; the training coordinates; fresh strings; for
cities also the method on shares of substrings instead of counts. "recovered" is the share of held-out strings that come back unchanged
from their coordinates: in the default space, and for the grammar also by the linear kernel with all 48 coordinates that its words span.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks._bars import Verdict, at_least, at_most, values
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.data import Source
from rkdiff.experiment import Experiment
from rkdiff.kernels.strings import Spectrum, lengths
from rkdiff.spaces.strings import Strings
from rkdiff.stages import Prepared, prepare, sample, train

GENERATED, REFERENCE = 100, 2000
SOURCES = ("grammar", "dna_motifs", "city_names")
METHOD, RULED, SHARES, ORACLE = "kernel diffusion", "beam with the rule", "shares of substrings", "linear kernel"
Work = Callable[[], np.ndarray]


def rows(seeds: int, device: str = "cpu", method: str = "kernel_diffusion") -> Iterator[Row]:
    """One row a metric for each dataset, line and data seed."""
    for name in SOURCES:
        source = make("data", name)
        for seed in range(seeds):
            p = _prepared(source, method, Strings(), seed, device)
            judge, drawn = Judge(source, p), Drawn()
            for line, work in _lines(p, drawn, judge.fresh).items():
                began, wall = time.process_time(), time.perf_counter()
                strings = work()
                cpu, wall = time.process_time() - began, time.perf_counter() - wall
                for metric, value, floor in judge(strings):
                    yield Row(name, line, seed, metric, value, floor, cpu, wall, device)
            yield Row(name, METHOD, seed, "ms a string", drawn.ms, None, None, None, device)
            yield from _recovered(p, name, seed, device)


@dataclass
class Drawn:
    """The points that the method drew, and the CPU milliseconds that decoding one took."""

    x: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    ms: float = 0.0


def _prepared(source: Source, method: str, space: Strings, seed: int, device: str) -> Prepared:
    e = Experiment(source, make("method", method), space=space, particles=GENERATED, steps=24, seed=seed, start="iid")
    return prepare(e, device)


def _generated(p: Prepared, drawn: Drawn) -> np.ndarray:
    """The whole way; the points are kept in `drawn`."""
    model, _ = outcome(train(p))
    drawn.x = outcome(sample(p, model, p.rng)).end
    began = time.process_time()
    strings = p.space.decode(drawn.x, p.rng.child("decode"))
    drawn.ms = 1e3 * (time.process_time() - began) / len(strings)
    return strings


def _lines(p: Prepared, drawn: Drawn, fresh: np.ndarray) -> dict[str, Work]:
    """What is compared: name -> how its strings are made."""
    x, rng, e = p.problem.x, p.rng.numpy("control"), p.experiment
    shares = lambda: _prepared(e.data, e.method.name, Strings(normalised=True), e.seed, p.device)
    gaussian = lambda: rng.multivariate_normal(x.mean(0), np.cov(x.T), GENERATED)
    out: dict[str, Work] = {
        METHOD: lambda: _generated(p, drawn),
        RULED: lambda: p.space.with_decoder("grammar").decode(drawn.x, p.rng.child("decode")),
        "Gaussian": lambda: p.space.decode(gaussian(), p.rng.child("decode")),
        "copies": lambda: p.space.decode(x[rng.permutation(len(x))[:GENERATED]], p.rng.child("decode")),
        "fresh strings": lambda: fresh,
    }
    return out | {SHARES: lambda: _generated(shares(), Drawn())} if e.data.name == "city_names" else out


def _recovered(p: Prepared, name: str, seed: int, device: str) -> Iterator[Row]:
    """How many held-out strings come back from their coordinates: in the default space, and (the grammar) in all that its words span."""
    spaces = {METHOD: p.space}
    if name == "grammar":
        spaces[ORACLE] = Strings(kernel="linear", r=200).fit(p.data, p.rng.child("space"))
    for line, space in spaces.items():
        back = space.decode(space.encode(p.data.held_out), p.rng.child("oracle"))
        share = float((back == p.data.held_out).all(axis=1).mean())
        yield Row(name, line, seed, "recovered", share, None, None, None, device)


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
        yield "length", float(lengths(strings).mean()), None
        yield "2-grams", self.distance(strings), self.floor


BARS = (
    (METHOD, "recovered", 0.99, "grammar", "held-out words of the grammar come back from the default space"),
    (ORACLE, "recovered", 0.99, "grammar", f"the same from the {ORACLE}"),
    (METHOD, "valid", 0.95, "grammar", "generated words of the grammar are valid"),
    (METHOD, "valid and new", 0.4, "grammar", "generated words of the grammar are valid and new"),
    (METHOD, "valid and new", 0.6, "dna_motifs", "generated DNA has the motif and is new"),
)


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """What is asked, what was measured, the bar, and whether it is met: all bars, once any set of strings was measured."""
    if not any(r.dataset in SOURCES for r in rows):
        return
    for line, metric, bar, dataset, words in BARS:
        yield at_least(f"strings: {words}", values(rows, dataset, line, metric), bar)
    yield at_most("strings: milliseconds to decode a word", values(rows, "grammar", METHOD, "ms a string"), 10.0, 1)

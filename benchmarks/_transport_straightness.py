"""How straight flow matching goes: couplings, rounds of reflow, and the size of the group within which points are matched.

Every line is one method on one dataset; the columns are S over E|Z_1 - Z_0|^2 ("bend"), path over chord ("stretch"), cost over the best
cost of the same end points, and the sliced 2-Wasserstein distance to fresh data at 1, 2, 4 and 16 Euler steps over its floor. That at 16
is the error of the law, round by round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from benchmarks._bars import Verdict, at_most, below, values
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.lab.transport.straightness import straightness

Figures = Float[np.ndarray, " s"]

DATA = ("eight_gaussians", "two_moons")
BUDGETS = (1, 2, 4, 16)
GROUPS = (1, 8, 32, 128, 512)
FIGURES = {"share": "bend", "stretch": "stretch", "ratio": "cost / best"}
#: Lines: their names and the knobs of flow matching.
LINES = {
    "independent": {},
    "sinkhorn": {"coupling": "sinkhorn"},
    "immiscible": {"coupling": "immiscible"},
    **{f"reflow {k}": {"reflow": k} for k in (1, 2, 3)},
    **{f"ot, groups of {b}": {"coupling": "ot", "group": b, "batch": 512} for b in GROUPS},
}


def rows(seeds: int, device: str = "cpu", data: str = ",".join(DATA), lines: str = "", steps: int = 3000) -> Iterator[Row]:
    """One row for each dataset, line, seed and figure; `lines` names some of `LINES` with semicolons, none for all."""
    chosen = [name for name in LINES if not lines or name in lines.split(";")]
    for dataset in data.split(","):
        for name in chosen:
            method = make("method", "flow_matching", **{"steps": steps, **LINES[name]})
            for seed in range(seeds):
                source = make("data", dataset)
                table = outcome(straightness(source, [method], calls=BUDGETS, seed=seed, seeds=1, device=device))
                (line,) = table.lines
                found = line.figures.to_dict()
                for figure, column in FIGURES.items():
                    value = found[figure]
                    assert value is not None
                    yield Row(dataset, name, seed, column, value, device=device)
                for walked in line.budgets:
                    assert walked.sliced is not None
                    yield Row(dataset, name, seed, f"{walked.budget} calls", walked.sliced, table.floor, device=device)


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """What theory leads one to expect of these figures."""
    out = []
    for dataset in dict.fromkeys(r.dataset for r in rows):

        def figure(line: str, column: str, dataset: str = dataset) -> Figures:
            return values(rows, dataset, line, column)

        plain, again, matched = "independent", "reflow 1", f"ot, groups of {GROUPS[-1]}"
        lines = {r.method for r in rows if r.dataset == dataset}
        if {plain, again} <= lines:
            out.append(below(f"{dataset}: one round of reflow bends less", figure(again, "bend"), figure(plain, "bend"), plain))
            out.append(at_most(f"{dataset}: one call after reflow, over the floor", figure(again, "1 calls"), 2.0))
        if {plain, matched} <= lines:
            out.append(below(f"{dataset}: matched groups bend less", figure(matched, "bend"), figure(plain, "bend"), plain))
        if {again, "reflow 3"} <= lines:
            out.append(
                at_most(f"{dataset}: error of the law after three rounds, over the floor", figure("reflow 3", "16 calls"), 2.0)
            )
    return out

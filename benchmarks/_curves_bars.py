"""The bars of the section on curves: what is asked of the rows that `benchmarks._structured_curves` measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.table import Row

GRIDS = (32, 64, 256)
#: The lines that are judged on these grids.
JUDGED = ("network, cosines", "kernel, components", "kernel, cosines")
Verdict = tuple[str, str, str, bool]


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """Every bar: what is asked, what was measured over the seeds, the bar, whether it is met.

    Rows of other sections have no verdict; where one dataset of this section has rows, a bar without rows is not met.
    """
    sets = {
        "sines": _bars_on_grids,
        "quadratics": _bars_on_grids,
        "tecator": _bars_of_tecator,
        "gaussian_process": _bars_of_pins,
    }
    if any(r.dataset in sets for r in rows):
        for dataset, bars in sets.items():
            yield from bars(dataset, [r for r in rows if r.dataset == dataset])


def _bar(what: str, values: list[float], low: float, high: float, asked: str) -> Verdict:
    """The mean over the seeds lies from `low` to `high`."""
    if not values:
        return what, "not measured", asked, False
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return what, f"{np.mean(values):.3f} +- {spread:.3f}", asked, bool(low <= np.mean(values) <= high)


def _shown(rows: Sequence[Row], method: str, metric: str) -> list[float]:
    return [r.shown for r in rows if (r.method, r.metric) == (method, metric)]


def _bars_on_grids(dataset: str, rows: Sequence[Row]) -> Iterator[Verdict]:
    for method in JUDGED:
        for g in GRIDS:
            yield _bar(f"{dataset}, {method}: TV at {g}", _shown(rows, method, f"TV {g}"), 0.9, 1.1, "0.9 to 1.1")
        yield _bar(f"{dataset}, {method}: SW2 apart", _shown(rows, method, "SW2 apart"), 0, 0.05, "<= 0.05")
    if dataset != "sines":
        return
    white = "convolutions, white"
    yield _bar("sines, white noise on a grid fails: TV at 256", _shown(rows, white, "TV 256"), 3, np.inf, ">= 3")
    for g in GRIDS:
        far = _shown(rows, white, f"SW2 {g}")
        yield _bar(f"sines, white noise on a grid fails: SW2 / floor at {g}", far, 1.5, np.inf, ">= 1.5")


def _bars_of_tecator(dataset: str, rows: Sequence[Row]) -> Iterator[Verdict]:
    kernel = "kernel, components"
    yield _bar("tecator, kernel: SW2 / floor", _shown(rows, kernel, "SW2"), 0, 1.15, "<= 1.15")
    seconds = [r.cpu_seconds or 0.0 for r in rows if (r.method, r.metric) == (kernel, "SW2")]
    yield _bar("tecator, kernel: CPU seconds", seconds, 0, 10, "<= 10")


def _bars_of_pins(dataset: str, rows: Sequence[Row]) -> Iterator[Verdict]:
    for of in ("mean", "covariance"):
        found = _shown(rows, "pinned, exact", f"z {of}")
        yield _bar(f"pinned process: error of the {of} in standard errors", found, 0, 1.5, "<= 1.5")
        largest = _shown(rows, "pinned, exact", f"largest z {of}")
        yield _bar(f"pinned process: its largest along the curve ({of})", largest, 0, 4, "<= 4")
        missed = _shown(rows, "pinned, replacement", f"z {of}")
        yield _bar(f"pinned process, replacement is seen to miss ({of})", missed, 3, np.inf, ">= 3")

"""Two-community graphs alone: kernel diffusion and local search beside copies, a Gaussian and fresh draws.

The part of `structured` that is about this set, with knobs of the space to turn: `python -m benchmarks graphs --set r=9`; other sets of
graphs by `--set sets=trees,planar`. See `benchmarks._structured_graphs` for the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import _structured_graphs as structured
from benchmarks.table import Row, align

SEEDS = 4


def rows(seeds: int, device: str = "cpu", sets: str = "communities", **knobs: str) -> Iterator[Row]:
    """One row a metric for each line and data seed. `--set r=9` and the like set knobs of the space."""
    yield from structured.rows(seeds, device, sets, **knobs)


def closing(rows: Sequence[Row]) -> str:
    """The same means with three decimals, and the bars."""
    metrics = list(dict.fromkeys(r.metric for r in rows))
    lines = [["mean over seeds", "", *metrics, ""]]
    for data, name in dict.fromkeys((r.dataset, r.method) for r in rows):
        part = [r for r in rows if (r.dataset, r.method) == (data, name)]
        lines.append([data, name, *(f"{float(np.mean([r.value for r in part if r.metric == m])):.3f}" for m in metrics), ""])
    bars = [["bar", "", "measured", "asked", ""]]
    bars += [[w, "", value, asked, "met" if met else "NOT met"] for w, value, asked, met in structured.verdicts(rows)]
    return align(lines) + "\n\n" + align(bars)

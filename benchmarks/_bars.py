"""Bars: what is asked of a figure, what was measured over the seeds, and whether it is met. A missing figure meets no bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from benchmarks.table import Row

Verdict = tuple[str, str, str, bool]


def values(rows: Iterable[Row], dataset: str, line: str, metric: str) -> Float[np.ndarray, " s"]:
    """A figure of one line over the seeds: over its floor where it has one."""
    return np.array([r.shown for r in rows if (r.dataset, r.method, r.metric) == (dataset, line, metric)], dtype=float)


def said(figures: Float[np.ndarray, " s"], digits: int = 3) -> str:
    """Mean and spread over the seeds, or that there is nothing."""
    if not len(figures):
        return "not measured"
    return f"{figures.mean():.{digits}f} +- {figures.std(ddof=1) if len(figures) > 1 else 0.0:.{digits}f}"


def at_most(what: str, mine: Float[np.ndarray, " s"], bar: float, digits: int = 3) -> Verdict:
    """The mean is no more than `bar`."""
    return _judged(what, [mine], f"<= {bar:g}", lambda: mine.mean() <= bar + 1e-9, digits)


def at_least(what: str, mine: Float[np.ndarray, " s"], bar: float, digits: int = 3) -> Verdict:
    """The mean is no less than `bar`."""
    return _judged(what, [mine], f">= {bar:g}", lambda: mine.mean() >= bar - 1e-9, digits)


def below(what: str, mine: Float[np.ndarray, " s"], other: Float[np.ndarray, " s"], name: str, digits: int = 3) -> Verdict:
    """The mean is less than that of another line, called `name`."""
    return _judged(what, [mine, other], f"< {name} {said(other, digits)}", lambda: mine.mean() < other.mean(), digits)


def within(what: str, mine: Float[np.ndarray, " s"], other: Float[np.ndarray, " s"], name: str, loss: float = 0.0) -> Verdict:
    """The mean is no more than that of another line, or no more than `loss` less than it where a loss is allowed."""
    if loss:
        return _judged(
            what, [mine, other], f">= {name} {said(other)} - {loss:g}", lambda: mine.mean() >= other.mean() - loss, 3
        )
    return _judged(what, [mine, other], f"<= {name} {said(other)}", lambda: mine.mean() <= other.mean(), 3)


def _judged(
    what: str, needed: Sequence[Float[np.ndarray, " s"]], asked: str, met: Callable[[], bool | np.bool_], digits: int
) -> Verdict:
    return what, said(needed[0], digits), asked, all(len(v) for v in needed) and bool(met())

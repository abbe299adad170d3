"""Long work on the command line: one thread, a line of progress, and its record at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

from rkdiff.core.records import Progress

#: Begins a line of progress.
Line = Callable[[], Generator[None, Progress, None]]


def watched(work: Generator[Progress, None, Any], line: Line) -> Any:
    """Do the work to its end with a line of progress; returns what it returns."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), contextlib.closing(line()) as shown_line:
        next(shown_line)
        while True:
            try:
                shown_line.send(next(work))
            except StopIteration as end:
                return end.value

"""The transport laboratory's work as jobs: a name and a function from a payload to a JSON result, reporting on the way.

Each entry names its module, imported when the job runs, and the function in it: `job(payload, device)` checks the payload (`PartError` in
one line) and is a generator of `Progress` that returns the JSON result.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from rkdiff.core.records import Progress

Report = Callable[[Progress], None]

#: Job kinds and the modules of this package that do them.
MODULES = ("straightness", "bridges", "report", "simplex")


def _work(module: str) -> Callable[[Mapping[str, Any], str, Report], dict[str, Any]]:
    def work(payload: Mapping[str, Any], device: str, report: Report) -> dict[str, Any]:
        from threadpoolctl import threadpool_limits

        job = importlib.import_module(f"rkdiff.lab.transport.{module}").job(payload, device)
        with threadpool_limits(1):
            while True:
                try:
                    report(next(job))
                except StopIteration as end:
                    return dict(end.value)

    return work


KINDS = {name: _work(name) for name in MODULES}

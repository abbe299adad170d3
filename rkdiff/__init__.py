"""rkdiff: see generative models work, on any object with a kernel.

    from rkdiff import Experiment, make, run
    r = run(Experiment(make("data", "two_moons"), make("method", "kernel_diffusion")))

The names below are the public ones; each is imported when it is first used, so `import rkdiff` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Experiment": "rkdiff.experiment",
    "Run": "rkdiff.experiment",
    "run": "rkdiff.stages",
    "stream": "rkdiff.stages",
    "choices": "rkdiff.core.parts",
    "make": "rkdiff.core.parts",
    "Trajectory": "rkdiff.core.records",
    "Scene": "rkdiff.core.records",
    "scene_of": "rkdiff.scenes",
    "Store": "rkdiff.store",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"rkdiff has no {name!r}; it has {', '.join(_HOMES)}")
    return getattr(import_module(_HOMES[name]), name)

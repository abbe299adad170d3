"""The same measurement from a terminal: the command that asks the laboratory what a tab has asked it.

A command names what differs from the defaults and nothing else. Where the terminal has no flag for a setting, the command is empty: no
command is better than one that measures something else.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from typing import Any

from rkdiff.core.parts import from_dict, make
from rkdiff.experiment import Experiment, default_part
from rkdiff.ui.reading import in_store

Words = list[str] | None


def straightness(payload: Mapping[str, Any]) -> str:
    """The table of straightness; the terminal measures in the dataset's usual space."""
    source = from_dict("data", payload["data"])
    usual = default_part("space", source, from_dict("method", payload["methods"][0]))
    if from_dict("space", payload.get("space", usual.to_dict())) != usual:
        return ""
    methods = [_method(m) for m in payload["methods"]]
    return _command("straightness", [source.name], methods, _flags("data", payload["data"]), _numbers(payload))


def bridges(payload: Mapping[str, Any]) -> str:
    """Trained bridges of several lengths."""
    steps = ["--steps", ",".join(map(str, payload["steps"])), "--fits", str(payload["fits"])]
    return _command("bridges", [payload["data"]["name"]], _flags("data", payload["data"]), steps, _numbers(payload))


def report(e: Experiment, seeds: int) -> str:
    """The learned flow of an experiment; only its data, space, method and seed are asked about."""
    assert e.space is not None
    given = e.to_dict()
    usual = default_part("space", e.data, e.method)
    space: Words = [] if e.space == usual else _flags("space", given["space"])
    named = [] if e.space.name == usual.name else ["--space", e.space.name]
    flags = [_flags("data", given["data"]), _flags("method", given["method"]), named, space]
    return _command("report", [e.data.name], *flags, _numbers({"seed": e.seed, "seeds": seeds}))


def simplex(payload: Mapping[str, Any]) -> str:
    """A walk from the first law to a mixture of three; the terminal takes datasets as they are by default."""
    laws: Words = []
    for law in payload["data"]:
        plain = law == "noise" or from_dict("data", law) == make("data", law["name"])
        laws = None if laws is None or not plain else [*laws, law if law == "noise" else law["name"]]
    weights = ["--weights", ",".join(f"{w:.10g}" for w in payload["path"][-1])]
    return _command("simplex", laws, weights, _numbers(payload))


def push(payload: Mapping[str, Any]) -> str:
    """A drawn cloud, from the file that stands beside the command."""
    where = ["--cloud", "cloud.csv", "--at", f"{payload['at']:g}", "--frames", str(payload["frames"])]
    where += ["--calls", str(payload["calls"])]
    return _command("push", [payload["run"]], where) + in_store(os.environ.get("RKDIFF_STORE"))


def _command(work: str, *words: Words) -> str:
    if any(w is None for w in words):
        return ""
    said = [w for some in words if some for w in some]
    return shlex.join(["python", "-m", "rkdiff", "transport", work, *said, "--json", f"{work}.json"])


def _numbers(payload: Mapping[str, Any]) -> Words:
    return [w for k in ("particles", "seed", "seeds") if k in payload for w in (f"--{k}", str(payload[k]))]


def _changed(kind: str, described: Mapping[str, Any]) -> dict[str, str] | None:
    """The knobs that are not at their defaults, as a terminal writes them; None where one of them cannot be written."""
    usual = make(kind, described["name"]).to_dict()
    changed = {k: v for k, v in from_dict(kind, described).to_dict().items() if v != usual[k]}
    if not all(isinstance(v, (bool, int, float, str)) for v in changed.values()):
        return None
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in changed.items()}


def _flags(kind: str, described: Mapping[str, Any]) -> Words:
    changed = _changed(kind, described)
    return None if changed is None else [w for k, v in changed.items() for w in (f"--{kind}.{k}", v)]


def _method(described: Mapping[str, Any]) -> str:
    changed = _changed("method", described)
    knobs = ",".join(f"{k}={v}" for k, v in (changed or {}).items())
    return f"{described['name']}:{knobs}" if knobs else str(described["name"])

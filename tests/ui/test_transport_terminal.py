"""The command under a measured tab asks the laboratory for what the tab asked."""

from __future__ import annotations

import importlib
import shlex
from dataclasses import replace

import pytest

from rkdiff.__main__ import main
from rkdiff.core.parts import from_dict
from rkdiff.experiment import Experiment
from rkdiff.ui import transport_terminal as terminal

MOONS = {"name": "two_moons", "noise": 0.1}
BENDS = [{"name": "flow_matching", "coupling": "ot", "steps": 500}, {"name": "exact"}]
PAYLOADS = {
    "straightness": {"data": MOONS, "methods": BENDS, "seeds": 2, "particles": 600, "seed": 3},
    "bridges": {"data": MOONS, "steps": [5, 20], "fits": 3, "particles": 1000, "seed": 4, "seeds": 1},
    "simplex": {
        "data": ["noise", {"name": "two_moons"}, {"name": "rings"}],
        "path": [[1.0, 0.0, 0.0], [1 / 6, 0.5, 1 / 3]],
        "particles": 600,
        "seed": 2,
    },
}


class Asked(Exception):
    """What a job was asked, in the place of its work."""


def asked_by(command, monkeypatch):
    """The payload that a command hands to its job."""
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "rkdiff", "transport"]

    def job(payload, device):
        raise Asked(payload)

    monkeypatch.setattr(importlib.import_module(f"rkdiff.lab.transport.{words[4]}"), "job", job)
    with pytest.raises(Asked) as found:
        main(words[3:])
    return found.value.args[0]


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_command_asks_for_the_same(kind, monkeypatch):
    payload = PAYLOADS[kind]
    found = asked_by(getattr(terminal, kind)(payload), monkeypatch)

    def whole(given):
        out = dict(given)
        if kind == "simplex":
            out["data"] = [law if law == "noise" else from_dict("data", law).to_dict() for law in given["data"]]
            out["path"] = pytest.approx(given["path"][-1]) if given is payload else given["path"][-1]
            return out
        out["data"] = from_dict("data", given["data"]).to_dict()
        if "methods" in given:
            out["methods"] = [from_dict("method", m).to_dict() for m in given["methods"]]
        return out

    assert whole(found) == whole(payload)


def test_a_report_asks_about_the_same_data_space_method_and_seed(monkeypatch):
    for name, more in (("two_moons", {}), ("digits", {"space": {"name": "images", "r": 7}})):
        described = {"data": {"name": name, "n": 90}, "method": {"name": "learned_sliced_flow", "entropy": 0.1}, "seed": 5}
        e = Experiment.from_dict({**described, **more})
        found = asked_by(terminal.report(replace(e, particles=1000), 2), monkeypatch)
        again = Experiment.from_dict(found["experiment"])
        assert (again.data, again.space, again.method, again.seed) == (e.data, e.space, e.method, 5)
        assert found["seeds"] == 2


def test_what_a_terminal_has_no_flag_for_gives_no_command():
    simplex, push = PAYLOADS["simplex"], {"run": "0" * 16, "at": 0.25, "frames": 48, "calls": 4}
    assert terminal.simplex({**simplex, "data": ["noise", MOONS, {"name": "rings"}]}) == ""
    assert "--at 0.25" in terminal.push(push)
    assert "--calls 8" in terminal.push({**push, "calls": 8})

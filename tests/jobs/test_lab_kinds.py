import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError, make
from rkdiff.lab._advice_aim import Aim
from rkdiff.lab.advice import Advice
from rkdiff.lab.bound import Bound
from rkdiff.lab.kinds import KINDS
from rkdiff.lab.plan import Plan
from rkdiff.lab.play import pack_walk, unpack_walk, walk
from rkdiff.lab.quality import QualityTable
from rkdiff.lab.split import Split

DATA = make("data", "two_moons", n=200)
PLAN = Plan(make("schedule", "karras"), make("sampler", "ancestral"), steps=4)
SMALL = {"data": DATA.to_dict(), "plan": PLAN.to_dict()}
PAYLOADS = {
    "walk": SMALL | {"particles": 30, "seed": 2},
    "split": SMALL
    | {"plan": Plan(make("schedule", "karras"), make("sampler", "ddim"), steps=3).to_dict(), "particles": 20, "seeds": 2},
    "quality": {"data": DATA.to_dict(), "plans": [PLAN.to_dict()], "calls": [1, 4], "particles": 30, "seeds": 2},
    "bound": SMALL | {"particles": 200},
    "advice": SMALL | {"calls": 3, "rounds": 1},
}
READERS = {
    "walk": unpack_walk,
    "split": Split.from_dict,
    "bound": Bound.from_dict,
    "quality": QualityTable.from_dict,
    "advice": Advice.from_dict,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def here(kind, payload):
    reports = []
    return KINDS[kind](payload, "cpu", reports.append), reports


@pytest.mark.parametrize("kind", ["walk", "split", "bound", "quality"])
def test_the_worker_and_this_process_give_the_same_result(warm, kind):
    status = warm.wait(warm.submit(PAYLOADS[kind], "me", kind=kind))
    assert status.state == "done", status.message
    result, reports = here(kind, PAYLOADS[kind])
    assert json.dumps(status.result) == json.dumps(result)
    assert len(reports) > 1
    READERS[kind](status.result)


def test_a_walk_comes_back_as_it_was_packed(warm):
    status = warm.wait(warm.submit(PAYLOADS["walk"], "me", kind="walk"))
    assert status.result == pack_walk(walk(PLAN, DATA, seed=2, particles=30))
    assert unpack_walk(status.result).x.shape == (5, 30, 2)


def test_structured_data_comes_back_in_the_two_coordinates_that_are_drawn():
    result, _ = here("walk", {"data": make("data", "sines", n=40).to_dict(), "plan": PLAN.to_dict(), "particles": 12})
    assert unpack_walk(result).x.shape == (5, 12, 2)


def test_a_method_of_ones_own_is_trained_first():
    method = make("method", "gaussian").to_dict()
    exact, fitted = (here("walk", PAYLOADS["walk"] | extra)[0]["x"] for extra in ({}, {"method": method}))
    assert exact != fitted


def test_a_long_job_is_cancelled(warm, until):
    job = warm.submit(PAYLOADS["quality"] | {"particles": 20000, "seeds": 50, "calls": [256]}, "me", kind="quality")
    until(lambda: warm.status(job).state == "running")
    warm.cancel(job)
    assert warm.wait(job, 30).state == "cancelled"


def test_a_wrong_payload_fails_in_one_line(warm):
    status = warm.wait(warm.submit(SMALL | {"particles": -1}, "me", kind="walk"))
    assert status.state == "failed"
    assert status.message == "particles is -1; choose a whole number between 2 and 20000"


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("walk", {"plan": None}, "needs 'plan'"),
        ("walk", {"data": None}, "needs 'data'"),
        ("walk", {"seeds": 3}, "no entry 'seeds'"),
        ("walk", {"data": {"name": "nothing"}}, "no data named 'nothing'"),
        ("walk", {"plan": []}, "a plan is a JSON object"),
        ("walk", {"method": {"name": "sliced_wasserstein_flow"}}, "no schedule"),
        ("walk", {"space": {"name": "graphs"}}, "cannot hold points"),
        ("walk", {"start": "there"}, "choose one of 'iid'"),
        ("split", {"seeds": 0}, "seeds is 0; choose a whole number between 1 and 100"),
        ("quality", {"particles": 1}, "between 2 and 20000"),
        ("bound", {"seed": -1}, "seed is -1"),
        ("advice", {"particles": 50}, "no entry 'particles'"),
        ("quality", {"plans": []}, "list of 1 to 8 plans"),
        ("quality", {"calls": [0]}, "whole number between 1 and 1000"),
        ("quality", {"calls": [True]}, "whole number between 1 and 1000"),
        ("quality", {"calls": 8}, "list of 1 to 16"),
        ("advice", {"calls": 0}, "between 1 and 1000"),
    ],
)
def test_what_is_wrong_is_named(kind, change, said):
    with pytest.raises(PartError, match=said) as refused:
        here(kind, PAYLOADS[kind] | change)
    assert "\n" not in str(refused.value)


@given(
    kind=st.sampled_from(sorted(PAYLOADS)),
    entry=st.sampled_from(["data", "plan", "plans", "space", "method", "seed", "seeds", "calls"]) | st.text(max_size=5),
    value=JSON,
)
def test_whatever_stands_in_a_payload_is_refused_in_one_line_or_left_out(kind, entry, value):
    if value is None or (entry in ("seed", "seeds", "calls") and isinstance(value, (int, list, float))):
        return  # may well be right
    with pytest.raises(PartError) as refused:
        here(kind, PAYLOADS[kind] | {entry: value})
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 2000


def test_an_advice_is_a_job_too(monkeypatch):
    every = Aim.candidates
    monkeypatch.setattr(Aim, "candidates", lambda aim: every(aim)[:4])
    monkeypatch.setattr("rkdiff.lab.advice.JUDGED", 100)
    result, reports = here("advice", PAYLOADS["advice"])
    advice = Advice.from_dict(json.loads(json.dumps(result)))
    assert len(advice.nu) == 3
    assert reports

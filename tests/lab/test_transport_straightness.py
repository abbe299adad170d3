"""The straightness table: figures with their meaning or None, budgets really made, and payloads that make no sense."""

import json

import numpy as np
import pytest

from rkdiff.core.parts import PartError, choices, from_dict, make
from rkdiff.core.records import outcome
from rkdiff.lab.transport.straightness import job, straightness, titled

QUICK = {"name": "flow_matching", "steps": 60, "batch": 64, "width": 16, "layers": 2, "fourier": 0, "pairs": 300}
PAYLOAD = {
    "data": {"name": "two_moons", "n": 200},
    "methods": [
        QUICK,
        {**QUICK, "interpolant": "brownian", "noise": 1.0},
        {"name": "gaussian"},
        {"name": "sliced_wasserstein_flow"},
    ],
    "calls": [1, 2, 5],
    "seeds": 2,
    "particles": 80,
}


@pytest.fixture(scope="module")
def table():
    return outcome(job(PAYLOAD, "cpu"))


def test_every_figure_that_means_something_is_there_and_no_other(table):
    known = [{k for k, v in m["figures"].items() if v is not None} for m in table["methods"]]
    costs = {"cost", "optimal", "ratio"}
    every = costs | {"gap", "share", "stretch", "one_step"}
    assert known == [every, costs, every, costs | {"stretch"}]
    assert [bool(m["note"]) for m in table["methods"]] == [False, True, False, True]
    assert json.loads(json.dumps(table)) == table


def test_figures_keep_their_bounds(table):
    for m in table["methods"]:
        f = m["figures"]
        assert min(f["ratio"]["values"]) >= 1 - 1e-9
        assert f["stretch"] is None or min(f["stretch"]["values"]) >= 1 - 1e-9
        assert f["gap"] is None or min(f["gap"]["values"]) >= 0
        for v in filter(None, f.values()):
            assert (v["mean"], v["sd"]) == pytest.approx((np.mean(v["values"]), np.std(v["values"], ddof=1)))
    assert 0 < table["floor"] < 1


def test_budgets_are_kept(table):
    for m in table["methods"]:
        assert [b["budget"] for b in m["budgets"]] == [1, 2, 5]
        assert all(1 <= b["calls"] <= b["budget"] for b in m["budgets"])
    assert [b["calls"] for b in table["methods"][0]["budgets"]] == [1, 2, 5]  # Euler steps
    assert [b["calls"] for b in table["methods"][2]["budgets"]] == [1, 1, 5]  # Heun's, whose last step is single


def test_a_sampler_that_counts_its_calls_is_given_the_budget():
    flows = [choices("method")["learned_sliced_flow"].quick | {"name": "learned_sliced_flow"}]
    flows.append({**flows[0], "entropy": 0.1})  # no map: it walks by steps
    small = {"data": {"name": "two_moons", "n": 60}, "methods": flows, "calls": [1, 2, 4, 8], "seeds": 1, "particles": 40}
    jumps, walks = outcome(job(small, "cpu"))["methods"]
    assert [b["calls"] for b in jumps["budgets"]] == [b["steps"] for b in jumps["budgets"]] == [1, 2, 4, 8]
    assert len({b["sliced"]["mean"] for b in jumps["budgets"]}) == 4
    assert [b["calls"] for b in walks["budgets"]] == [1, 2, 4, 8]
    assert "draw noise" in walks["note"]


def test_a_budget_beyond_what_the_sampler_can_use_is_not_spent():
    flow = choices("method")["learned_sliced_flow"].quick | {"name": "learned_sliced_flow"}
    small = {"data": {"name": "two_moons", "n": 60}, "methods": [flow], "calls": [100], "seeds": 1, "particles": 40}
    assert outcome(job(small, "cpu"))["methods"][0]["budgets"][0]["calls"] == 48


def test_the_same_seed_gives_the_same_table(table):
    again = outcome(job({**PAYLOAD, "methods": [QUICK]}, "cpu"))
    assert again["methods"][0] == table["methods"][0]


def test_reflow_is_straighter():
    methods = [from_dict("method", {**QUICK, "steps": 250, "reflow": k}) for k in (0, 1)]
    found = outcome(straightness(make("data", "eight_gaussians", n=300), methods, calls=[1], seeds=1, particles=200))
    plain, again = (found.figure(k, "gap")[0] for k in (0, 1))
    assert again < 0.2 * plain
    assert found.sliced(1, 1)[0] < found.sliced(0, 1)[0]


def test_a_title_names_what_differs_from_the_defaults():
    assert titled(make("method", "flow_matching")) == "Flow matching"
    assert titled(make("method", "flow_matching", coupling="ot", reflow=2)) == "Flow matching (coupling ot, reflow 2)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": QUICK}, "no entry 'method'"),
        ({"methods": None}, "needs 'methods'"),
        ({"methods": []}, "1 to 8 methods"),
        ({"methods": [{"name": "flow"}]}, "no method named"),
        ({"calls": []}, "1 to 12 whole numbers"),
        ({"calls": [0]}, "between 1 and 1000"),
        ({"seeds": 50}, "between 1 and 20"),
        ({"particles": 1}, "between 2 and"),
        ({"space": {"name": "circle"}}, "no space named"),
    ],
)
def test_payloads_that_make_no_sense_are_refused_in_one_line(change, said):
    with pytest.raises(PartError, match=said) as problem:
        outcome(job({**PAYLOAD, **change}, "cpu"))
    assert "\n" not in str(problem.value)

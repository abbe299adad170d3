"""The study of bridges and diffusion at few steps: exact reversal, records, refusals."""

import json

import numpy as np
import pytest

from rkdiff.core.parts import PartError, make
from rkdiff.core.records import Progress, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, torch
from rkdiff.lab.transport.bridges import ExactReversal, bridges, job
from rkdiff.methods._ipf_chain import Chain, simulate
from rkdiff.methods._ipf_regressors import Network
from rkdiff.methods.exact import TrueLaw
from rkdiff.processes.gaussians import line
from rkdiff.processes.gaussians.fitting import ipf
from rkdiff.processes.mixture import Mixture

DATA = make("data", "two_moons", n=200)
TINY = Network(iterations=20, width=8, layers=1, batch=64, fourier=0)


@pytest.fixture(scope="module")
def study():
    data = make("data", "two_moons", n=1000)
    return outcome(bridges(data, steps=(20, 5), fits=3, particles=600, seeds=2, network=Network(150, 32, 2, batch=256)))


def test_the_exact_reversal_of_a_fine_chain_is_the_first_exact_half_step():
    law = Mixture(np.ones(1), np.array([[3.0]]), np.array([[[0.25]]]))
    chain = Chain.ornstein_uhlenbeck(100, 0.25)
    z = randn((20_000, 1), Rng(0).torch("z"), torch.zeros(1, dtype=torch.float64))
    x = simulate(chain, ExactReversal(chain, TrueLaw(law)), z, None, Rng(1).torch("n"), to_target=True)[-1]
    wanted = ipf(line(3.0, 0.5), line(0.0, 1.0), 0.25, 1)[0][0]
    assert (float(x.mean()), float(x.var())) == pytest.approx((float(wanted.mean[0]), float(wanted.cov[0, 0])), abs=0.02)


def test_a_long_exact_diffusion_ends_at_the_data():
    law = Mixture(np.array([0.3, 0.7]), np.array([[-1.0], [1.0]]), np.full((2, 1, 1), 0.01))
    chain = Chain.ornstein_uhlenbeck(100, 4.0)
    z = randn((20_000, 1), Rng(0).torch("z"), torch.zeros(1, dtype=torch.float64))
    x = simulate(chain, ExactReversal(chain, TrueLaw(law)), z, None, Rng(1).torch("n"), to_target=True, last_noise=False)[-1]
    assert float((x > 0).double().mean()) == pytest.approx(0.7, abs=0.02)
    assert float((x.abs() - 1).abs().mean()) < 0.15


def test_short_diffusion_misses_the_data_and_a_longer_one_less(study):
    short, longer = study.of(0)
    assert (short.steps, longer.steps) == (5, 20)
    assert short.distance.mean[0] > 1.5 * longer.distance.mean[0]
    assert short.distance.mean[0] > 2 * study.floor


def test_bridges_stand_at_every_length_after_one_and_three_rounds(study):
    assert [(w.steps, w.rounds) for w in study.ways] == [(n, r) for n in (5, 20) for r in (0, 1, 3)]
    for w in study.ways:
        assert w.distance.low[0] <= w.distance.mean[0] <= w.distance.high[0]
        assert w.cloud.shape == (600, 2)
    for n in (5, 20):
        spent = [w.seconds for w in study.ways if w.steps == n]
        assert spent[0] == 0.0
        assert 0 < spent[1] < spent[2], "later rounds cost more training"


def test_more_rounds_help_a_short_bridge(study):
    assert study.of(3)[0].distance.mean[0] < study.of(0)[0].distance.mean[0]


def test_the_record_is_plain_json_and_repeats_itself_but_for_the_seconds():
    asked = {"steps": (4,), "fits": 1, "particles": 50, "seeds": 1, "network": TINY}
    one, two = (outcome(bridges(DATA, **asked)).to_dict() for _ in range(2))
    for record in (one, two):
        for w in record["ways"]:
            w.pop("seconds")
    assert json.dumps(one) == json.dumps(two)


def test_a_job_reports_and_returns_the_record():
    payload = {
        "data": {"name": "eight_gaussians", "n": 100},
        "steps": [3],
        "fits": 1,
        "particles": 40,
        "seeds": 1,
        "gamma": 0.1,
    }
    work, seen = job(payload, "cpu"), []
    while True:
        try:
            seen.append(next(work))
        except StopIteration as end:
            record = end.value
            break
    assert all(isinstance(e, Progress) and e.done <= e.total for e in seen)
    assert [e.done for e in seen[1:]] == sorted(e.done for e in seen[1:])
    assert record["gamma"] == 0.1
    assert [w["rounds"] for w in record["ways"]] == [0, 1]
    json.dumps(record)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "needs 'data'"),
        ({"data": {"name": "two_moons"}, "colour": 1}, "no entry 'colour'"),
        ({"data": {"name": "two_moons"}, "steps": []}, "steps is"),
        ({"data": {"name": "two_moons"}, "steps": [0]}, "between 1 and 200"),
        ({"data": {"name": "two_moons"}, "steps": "20"}, "steps is '20'"),
        ({"data": {"name": "two_moons"}, "fits": 6}, "fits is 6"),
        ({"data": {"name": "two_moons"}, "gamma": float("nan")}, "gamma is nan"),
        ({"data": {"name": "two_moons"}, "seeds": 11}, "seeds is 11"),
        ({"data": {"name": "two_moons"}, "particles": 1}, "particles is 1"),
        ({"data": {"name": "two_moons"}, "seed": -1}, "seed is -1"),
        ({"data": {"name": "digits"}}, "points of the plane"),
        ({"data": {"name": "nothing"}}, "no data named"),
    ],
)
def test_a_wrong_payload_is_refused_in_one_line(payload, said):
    with pytest.raises(PartError, match=said) as refusal:
        outcome(job(payload, "cpu"))
    assert "\n" not in str(refusal.value)

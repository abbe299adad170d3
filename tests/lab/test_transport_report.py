"""The report on a learned flow: its numbers against a second implementation, and the bars on a small training."""

import json

import numpy as np
import pytest

from rkdiff.core.parts import PartError, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment
from rkdiff.lab.transport.report import CALLS, Memory, Sliced, job, report
from rkdiff.methods._flow_map import LearnedFlow, Relaxation
from rkdiff.stages import prepare

MOONS = make("data", "two_moons", n=600)


def experiment(data=MOONS, **knobs):
    small = {"systems": 8, "particles": 512, "iterations": 1200, "width": 48, "batch": 512}
    return Experiment(data, make("method", "learned_sliced_flow", **small | knobs))


@pytest.fixture(scope="module")
def moons():
    return outcome(report(experiment()))


def test_a_short_training_already_meets_the_law_of_the_particles(moons):
    for f in moons.figures[0]:
        assert f.law[0] < 3 * f.floor
        assert f.law[1] < 2 * f.floor
        assert f.paired[1] < 0.2


def test_the_record_is_plain_json_with_a_line_for_each_time(moons):
    record = moons.to_dict()
    assert json.loads(json.dumps(record)) == record
    assert record["calls"] == list(CALLS)
    taus = [f["tau"] for f in record["figures"][0]]
    np.testing.assert_allclose(taus, 21 ** np.array([1 / 12, 1 / 4, 1 / 2, 3 / 4, 1]) - 1)
    assert all(len(f[name]) == len(CALLS) for f in record["figures"][0] for name in ("law", "held_out", "paired"))
    assert len(record["train_seconds"]) == 1


def test_late_particles_stand_closer_to_the_training_points(moons):
    ratios = [f.memorised_particles for f in moons.figures[0]]
    assert ratios == sorted(ratios, reverse=True)
    for f in moons.figures[0]:
        assert f.memorised == pytest.approx(f.memorised_particles, rel=0.3)


def test_memory_is_counted_array_by_array(moons):
    m = moons.memory
    assert m.data == 4 * 600 * 2
    steps, lines = 48, 16
    assert m.tables == 4 * steps * lines * (2 * 100 + 2)
    assert m.particles == 4 * 600 * 2 + 4 * 512 * 2 + 4 * steps * lines * 2
    assert m.pool == 8 * 512 * (steps + 1) * 2 * 4
    assert m.network > 4 * ((2 + 64 + 14 + 1) * 48 + 2 * 49 * 48 + 49 * 2)


def test_the_honest_line_says_which_is_smaller():
    larger, smaller = Memory(100, 50, 1, 1, 1).honest, Memory(50, 100, 1, 1, 1).honest
    assert "larger than the data" in larger
    assert "smaller than the data" in smaller
    assert "larger" not in smaller


def test_the_distance_is_that_of_pot_times_the_root_of_the_dimension():
    import ot

    g = np.random.default_rng(0)
    x, y = g.standard_normal((200, 3)), 1.5 * g.standard_normal((150, 3)) + 1
    far = Sliced(3, np.random.default_rng(1))
    theirs = ot.sliced_wasserstein_distance(x, y, projections=far.theta.T)
    assert far(x, y) == pytest.approx(np.sqrt(3) * theirs, rel=1e-9)
    assert far(x, x + [3.0, 0, 0]) == pytest.approx(3.0, rel=1e-9)  # a translation: the Wasserstein distance itself


def test_a_map_that_only_knows_mean_and_spread_is_far_from_the_law():
    """The figures can fail: the affine map, before any training, misses the moons by many floors."""
    from rkdiff.lab.transport.report import measured

    e = experiment()
    p = prepare(e, "cpu")
    method = e.method
    model = method._untrained(p.problem, 1.0, Rng(0))
    assert isinstance(model, LearnedFlow)
    assert isinstance(model.relaxation, Relaxation)
    figures = outcome(measured(model, method.recorded(p.problem), p))
    assert figures[-1].law[0] > 6 * figures[-1].floor


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "this job needs 'experiment'"),
        ({"experiment": {}, "speed": 3}, "no entry 'speed'; it has experiment, seeds"),
        ({"experiment": experiment().to_dict(), "seeds": 0}, "seeds is 0; choose a whole number between 1 and 10"),
        ({"experiment": experiment().to_dict(), "seeds": True}, "seeds is True"),
        ({"experiment": experiment().to_dict(), "seeds": [2]}, "seeds is [2]"),
        ({"experiment": None}, "an experiment is a JSON object"),
        ({"experiment": experiment(entropy=0.1).to_dict()}, "choose entropy 0"),
        ({"experiment": {"data": {"name": "two_moons"}, "method": {"name": "gaussian"}}}, "the experiment has 'gaussian'"),
    ],
)
def test_a_wrong_payload_is_refused_in_one_line(payload, said):
    with pytest.raises(PartError) as refused:
        outcome(job(payload, "cpu"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)

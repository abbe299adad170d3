"""A drawn cloud pushed through the flow of a kept run."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError, make
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.experiment import Experiment
from rkdiff.lab.play import unpack_walk
from rkdiff.lab.transport.push import push
from rkdiff.methods._flow_map import LearnedFlow
from rkdiff.stages import run
from rkdiff.store import Store
from rkdiff.worker.kinds import KINDS, Job

TRAINED = {"systems": 2, "particles": 128, "iterations": 60, "width": 16, "snapshots": 12, "batch": 128}
CLOUD = [[0.0, 0.5], [1.0, -1.0], [-0.3, 0.2]]


def experiment(data="two_moons", method="learned_sliced_flow", **knobs):
    knobs = TRAINED | knobs if method == "learned_sliced_flow" else knobs
    return Experiment(make("data", data, n=80), make("method", method, **knobs), particles=20, steps=6, repeats=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def kept(store):
    return store.save(run(experiment(), "cpu"))


def asked(store, **payload):
    reports = []
    out = KINDS["push"](payload, Job("1", store, "cpu", reports.append))
    assert reports
    return unpack_walk(out["result"])


def test_from_the_start_it_is_what_the_model_samples(store, kept):
    t = asked(store, run=kept, cloud=CLOUD, frames=5)
    model = LearnedFlow.from_state(store.load(kept).model)
    np.testing.assert_allclose(t.end, model.sample(np.array(CLOUD), 20.0, 4), atol=1e-4)
    np.testing.assert_allclose(t.x[0], CLOUD, atol=1e-4)
    assert t.calls == 4


def test_from_a_later_moment_it_is_one_jump_from_there(store, kept):
    t = asked(store, run=kept, cloud=CLOUD, at=0.5, frames=9, calls=1)
    model = LearnedFlow.from_state(store.load(kept).model)
    with torch.no_grad():
        end = to_numpy(model.move(to_torch(np.array(CLOUD)), float(np.sqrt(21) - 1), 20.0))
    np.testing.assert_allclose(t.end, end, atol=1e-4)
    assert (len(t.u), t.u[0], t.u[-1], t.calls) == (10, 0.5, 1.0, 1)
    np.testing.assert_allclose(np.log1p(t.curves["tau"]) / np.log(21), t.u)


def test_two_pushes_make_one_when_their_calls_line_up(store, kept):
    model = LearnedFlow.from_state(store.load(kept).model)
    whole = push(model, np.array(CLOUD), 0.0, 4, calls=4)
    again = push(model, whole.x[2], 0.5, 4, calls=2)
    np.testing.assert_allclose(again.end, whole.end, atol=1e-10)


def test_with_entropy_the_cloud_walks_with_noise_of_its_own_seed():
    y = np.random.default_rng(0).standard_normal((60, 2))
    from rkdiff.core.records import outcome
    from rkdiff.methods import Problem

    model = outcome(make("method", "learned_sliced_flow", entropy=0.2, **TRAINED).fit(Problem(y, np.ones(2)), Rng(0)))
    one, two, other = (push(model, y, 0.3, 10, seed=s).end for s in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()
    assert np.isfinite(one).all()


def test_a_label_sends_the_cloud_to_its_class(store):
    key = store.save(run(experiment(classes=True, iterations=300), "cpu"))
    ends = [asked(store, run=key, cloud=CLOUD, label=c).end for c in (0, 1)]
    assert np.abs(ends[0] - ends[1]).mean() > 0.1
    with pytest.raises(PartError, match="label is 2 and this run knows 2 classes"):
        asked(store, run=key, cloud=CLOUD, label=2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"run": "0" * 16}, "no run 0000000000000000"),
        ({"run": "../etc"}, "is not the key of a run"),
        ({"run": None}, "is not the key of a run"),
        ({"cloud": None}, "give a list of 1 to 5000 pairs"),
        ({"cloud": []}, "give a list of 1 to 5000 pairs"),
        ({"cloud": [[1.0, 2.0], [3.0]]}, "give a list of 1 to 5000 pairs"),
        ({"cloud": [[1.0, 2.0, 3.0]]}, "has shape (1, 3)"),
        ({"cloud": [[0.0, 0.0]] * 5001}, "has shape (5001, 2)"),
        ({"cloud": [[0.0, float("nan")]]}, "not finite"),
        ({"at": 1.0}, "from 0 to below 1"),
        ({"at": -0.1}, "from 0 to below 1"),
        ({"at": "late"}, "at is 'late'"),
        ({"frames": 0}, "frames is 0; choose a whole number between 1 and 200"),
        ({"calls": 2.5}, "calls is 2.5; choose a whole number between 1 and 48"),
        ({"label": 0}, "label is 0 and this run knows 0 classes"),
        ({"speed": 1}, "no entry 'speed'; it has run, cloud, at, frames, calls, label"),
    ],
)
def test_a_wrong_payload_is_refused_in_one_line(store, kept, wrong, said):
    with pytest.raises(PartError) as refused:
        asked(store, **{"run": kept, "cloud": CLOUD} | wrong)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_run_of_another_method_or_in_more_dimensions_is_refused(store):
    other = store.save(run(experiment(method="sliced_wasserstein_flow"), "cpu"))
    with pytest.raises(PartError, match="learned 'sliced_wasserstein_flow'; give a run whose method is 'learned_sliced_flow'"):
        asked(store, run=other, cloud=CLOUD)
    curves = Experiment(
        make("data", "gun_point"), make("method", "learned_sliced_flow", **TRAINED | {"iterations": 2}),
        particles=5, steps=3, repeats=1, decoded=0, shown=0,
    )  # fmt: skip
    key = store.save(run(curves, "cpu"))
    with pytest.raises(PartError, match=r"this run has 6 coordinates; give a run of data in the plane"):
        asked(store, run=key, cloud=CLOUD)

"""The method around bridge matching: what it reports, keeps, refuses, and does with hardly any data."""

import numpy as np
import pytest
from closed_forms import fitted
from closed_forms import problem_of as problem

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.data.eight_gaussians import EightGaussians
from rkdiff.methods.schrodinger_bridge_matching import SchrodingerBridgeMatching
from rkdiff.metrics.clouds import sliced_wasserstein
from rkdiff.samplers import start
from rkdiff.samplers.brownian_bridge import BrownianBridge
from rkdiff.samplers.transport_euler import TransportEuler

QUICK = SchrodingerBridgeMatching.quick


@pytest.mark.parametrize("knobs", [{}, {"sigma": 0.0}, {"deterministic": True}], ids=str)
def test_eight_modes_are_found_and_left_again(knobs):
    data = EightGaussians(n=1000)
    p = problem(data.make(Rng(0)).train)
    method = SchrodingerBridgeMatching(rounds=1, steps=250, pairs=2048, **knobs)
    model = fitted(method, p, 1)
    truth = data.make(Rng(1)).train
    z = start("iid", len(truth), 2, Rng(3))
    untrained = sliced_wasserstein(z, truth)
    end = TransportEuler().run(model, z, method.grid(30), Rng(4)).end
    assert sliced_wasserstein(end, truth) < 0.6 * untrained
    back = method.backward(model, p, p.x, method.grid(30), Rng(5))
    assert back.shape == (31, *p.x.shape)
    np.testing.assert_allclose(back[-1], p.x)
    assert sliced_wasserstein(back[0], z) < 0.7 * untrained


@pytest.mark.parametrize("drift", ["network", "affine"])
@pytest.mark.parametrize(
    "x", [np.array([[2.0, -1.0]]), np.full((30, 2), 3.0), np.arange(6.0)[:, None]], ids=["one point", "coincident", "a line"]
)
def test_hardly_any_data_is_learned_all_the_same(x, drift):
    method = SchrodingerBridgeMatching(drift=drift, rounds=1, steps=100, pairs=512)
    model = fitted(method, problem(x, np.zeros(len(x), int)))
    z = start("iid", 100, x.shape[1], Rng(0))
    for sampler in (TransportEuler(), BrownianBridge()):
        end = sampler.run(model, z, method.grid(20), Rng(1)).end
        np.testing.assert_allclose(end.mean(0), x.mean(0), atol=0.5)
        if x.std() < 2 and len(np.unique(x, axis=0)) == 1:
            assert np.abs(end - x[0]).max() < 0.2, "sigma / steps = 0.025 is the deviation of the last step's noise"


@pytest.mark.parametrize("x", [np.zeros((0, 2)), np.array([[1.0, np.nan]])])
def test_data_that_is_none_is_refused(x):
    with pytest.raises(PartError, match="training coordinates have shape"):
        fitted(SchrodingerBridgeMatching(**QUICK), problem(x))


def test_a_start_that_asks_for_noise_is_refused_without_it():
    with pytest.raises(PartError, match="start 'sinkhorn' needs noise and sigma is 0"):
        fitted(SchrodingerBridgeMatching(**QUICK, sigma=0.0, start="sinkhorn"), problem(np.ones((4, 2))))


def test_progress_is_of_all_trainings_and_the_same_seed_gives_the_same_bytes():
    p = problem(np.random.default_rng(0).normal(size=(50, 3)))
    method = SchrodingerBridgeMatching(**{**QUICK, "rounds": 2})
    reports = list(method.fit(p, Rng(0)))
    assert reports[-1].done == reports[-1].total == 2 * 2 * QUICK["steps"]
    assert all(np.isfinite(r.values["loss"]) for r in reports)
    assert reports[0].snapshot is None
    assert sum(r.snapshot is not None for r in reports) >= 3
    one, two = (fitted(method, p, 7) for _ in range(2))
    assert all(one.state()[name].tobytes() == two.state()[name].tobytes() for name in one.state())
    assert {"ahead.theta", "back.theta", "ahead.cross", "ahead.sigma"} <= set(one.state())
    z = start("iid", 20, 3, Rng(1))
    runs = [TransportEuler().run(m, z, method.grid(5), Rng(2)).end for m in (one, two)]
    assert runs[0].tobytes() == runs[1].tobytes()


def test_a_class_that_was_not_learned_is_refused():
    p = problem(np.random.default_rng(0).normal(size=(20, 2)), np.zeros(20, int))
    method = SchrodingerBridgeMatching(**QUICK)
    with pytest.raises(ValueError, match="MatchedBridge learned no classes"):
        TransportEuler().run(fitted(method, p), np.zeros((3, 2)), method.grid(2), Rng(0), labels=np.zeros(3, int))


def test_without_noise_the_way_is_not_limited_to_as_many_sources_as_there_are_points():
    """Lessons go from fresh normals: few points of data are reached from everywhere, and coincident ones are met."""
    g = np.random.default_rng(0)
    method = SchrodingerBridgeMatching(sigma=0.0, rounds=2, steps=150, pairs=2048)
    for x, near in ((np.full((30, 2), 3.0), 0.1), (np.array([[3.0, -1.0]]), 0.1)):
        end = TransportEuler().run(fitted(method, problem(x)), start("iid", 300, 2, Rng(1)), method.grid(40), Rng(2)).end
        assert np.linalg.norm(end - x[0], axis=1).mean() < near
    x = g.normal(size=(20, 2))
    model = fitted(method, problem(x))
    z = start("iid", 2000, 2, Rng(1))
    end = TransportEuler().run(model, z, method.grid(40), Rng(2)).end
    assert sliced_wasserstein(end, x) < 0.15
    back = method.backward(model, problem(x), end, method.grid(200), Rng(3))[0]
    assert np.linalg.norm(back - z, axis=1).mean() < 0.3, "the flow reversed leads back to where each particle began"

"""The bridge as a method: laws at both ends, any number of steps, classes, every knob with its effect."""

import numpy as np
import pytest
from closed_forms import fitted, three_modes

from rkdiff.core.parts import PartError, knobs
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods import Problem
from rkdiff.methods._ipf_chain import Chain
from rkdiff.methods.diffusion_schrodinger_bridge import DiffusionSchrodingerBridge, onwards
from rkdiff.samplers.transport_euler import TransportEuler

X, LABELS = three_modes().sample(400, np.random.default_rng(0))
PROBLEM = Problem(X, np.ones(2), LABELS)
SMALL = {"iterations": 200, "width": 32, "layers": 2, "chain": 10, "rounds": 3, "fourier": 8, "batch": 256, "paths": 1024}


def quick(**more):
    return DiffusionSchrodingerBridge(**{**DiffusionSchrodingerBridge.quick, **more})


def walked(method, model, n=2000, steps=20, labels=None, seed=1):
    z = np.random.default_rng(seed).standard_normal((n, X.shape[1]))
    return TransportEuler().run(model, z, method.grid(steps), Rng(seed), labels=labels)


@pytest.fixture(scope="module")
def trained():
    method = DiffusionSchrodingerBridge(**SMALL)
    return method, fitted(method, PROBLEM)


@pytest.mark.parametrize("steps", [10, 20, 40])
def test_the_cloud_has_the_datas_mean_and_covariance_at_any_number_of_steps(trained, steps):
    end = walked(*trained, steps=steps).end
    np.testing.assert_allclose(end.mean(0), X.mean(0), atol=0.15)
    np.testing.assert_allclose(np.cov(end.T), np.cov(X.T), atol=0.2)


def test_the_cloud_lies_where_the_data_is(trained):
    end = walked(*trained, steps=20).end
    near = np.sqrt(((end[:, None] - X) ** 2).sum(-1)).min(1)
    gauss = np.random.default_rng(2).multivariate_normal(X.mean(0), np.cov(X.T), 2000)
    assert np.quantile(near, 0.9) < 0.6 * np.quantile(np.sqrt(((gauss[:, None] - X) ** 2).sum(-1)).min(1), 0.9)


def test_the_way_back_starts_at_the_points_and_ends_near_standard_normals(trained):
    method, model = trained
    frames = method.backward(model, PROBLEM, X, method.grid(20), Rng(3))
    assert frames.shape == (21, *X.shape)
    np.testing.assert_array_equal(frames[-1], X)
    np.testing.assert_allclose(frames[0].mean(0), 0.0, atol=0.2)
    np.testing.assert_allclose(np.cov(frames[0].T), np.eye(2), atol=0.3)


def test_a_class_that_is_asked_for_comes(trained):
    method, model = trained
    assert model.classes == 2
    for c in (0, 1):
        end = walked(method, model, 800, labels=np.full(800, c)).end
        np.testing.assert_allclose(end.mean(0), X[c == LABELS].mean(0), atol=0.25)


def test_a_class_that_was_not_learned_is_refused(trained):
    x = torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="does not know the class 2; ask for -1 to 1"):
        trained[1].drift(x, 0.5, label=torch.tensor([0, 2]))
    without = fitted(quick(conditional=False), PROBLEM)
    with pytest.raises(ValueError, match="it learned none"):
        without.drift(x, 0.5, label=torch.tensor([0, 0]))
    torch.testing.assert_close(without.drift(x, 0.5, label=torch.tensor([-1, -1])), without.drift(x, 0.5))


def test_no_class_is_learned_where_none_is_wanted_or_known():
    assert fitted(quick(conditional=False), PROBLEM).classes == 0
    assert fitted(quick(), Problem(X, np.ones(2))).classes == 0


def test_the_last_step_draws_no_noise_and_the_others_the_references():
    model = fitted(quick(sigma=0.8), PROBLEM)
    assert model.noise(0.5, 0.75) == pytest.approx(0.8 * 0.5)
    assert model.noise(0.75, 1.0) == 0.0
    short = fitted(quick(reference="ornstein_uhlenbeck", time=0.5), PROBLEM)
    assert short.noise(0.0, 0.25) == pytest.approx(0.5), "2 T of variance over the whole way"


def test_one_round_goes_back_along_the_reference():
    method = quick(rounds=1, reference="ornstein_uhlenbeck", time=2.0)
    model = fitted(method, PROBLEM)
    frames = method.backward(model, PROBLEM, np.full((4000, 2), 3.0), method.grid(50), Rng(0))
    assert frames[0].mean() == pytest.approx(3 * (1 - 2 / 50) ** 50, abs=0.05)
    assert not [k for k in model.state() if k.startswith("t2s")]


def test_half_a_last_step_covers_half_of_what_is_left():
    chain = Chain.brownian(5, 1.0)
    still = lambda x, t, y: torch.full_like(x, 10 * t)
    x = torch.zeros(1, 1)
    assert float(onwards(chain, still, x, 0.5, None)) == pytest.approx(5.0)
    for t in (0.8, 0.9, 0.95):
        assert float(onwards(chain, still, x, t, None)) * (1 - t) == pytest.approx(0.2 * 8.0)


def test_progress_carries_losses_and_a_look_after_each_round():
    events = list(quick(rounds=3).fit(PROBLEM, Rng(0)))
    assert [e.done for e in events] == sorted(e.done for e in events)
    assert all(np.isfinite(e.values["loss"]) for e in events)
    assert sum(e.snapshot is not None for e in events) == 3
    assert (events[-1].done, events[-1].total) == (50, 50)


def test_the_same_seed_gives_the_same_bytes():
    one, two = (fitted(quick(), PROBLEM).state() for _ in range(2))
    assert one.keys() == two.keys()
    for k in one:
        assert one[k].tobytes() == two[k].tobytes()


def test_what_is_kept_is_learned_and_not_the_data():
    kept = fitted(quick(), PROBLEM).state()
    assert {"times", "variance", "pull", "s2t.theta", "t2s.theta", "s2t.coefficients"} <= set(kept)
    assert sum(a.size for k, a in kept.items() if "theta" not in k) < X.size


CHANGES = {
    "chain": 7, "reference": "ornstein_uhlenbeck", "sigma": 0.5, "rounds": 3, "iterations": 20, "target": "dsb", "gammas": "geometric",
    "conditional": False, "width": 12,
    "layers": 2, "rate": 0.02, "fourier": 4, "batch": 16, "paths": 128, "refresh": 5, "warm_start": False,
}  # fmt: skip


@pytest.mark.parametrize("name", [k.name for k in knobs(DiffusionSchrodingerBridge)])
def test_every_knob_has_an_effect(name):
    base = {"reference": "ornstein_uhlenbeck"} if name in ("time", "target") else {}
    changed = {**base, name: CHANGES.get(name, 0.9)}
    ends = [walked(m, fitted(m, PROBLEM), 30, steps=6).end for m in (quick(**base), quick(**changed))]
    assert np.abs(ends[0] - ends[1]).max() > 1e-4


@pytest.mark.parametrize(
    "x",
    [np.array([[0.3, -1.0]]), np.full((60, 2), 0.7), np.random.default_rng(0).standard_normal((60, 40)), X[:60, :1]],
    ids=["one point", "coincident", "d = 40", "d = 1"],
)
def test_odd_data_is_learned_without_a_number_lost(x):
    problem = Problem(x, np.ones(x.shape[1]), np.zeros(len(x), dtype=np.int64))
    method = quick()
    model = fitted(method, problem)
    z = np.random.default_rng(1).standard_normal((20, x.shape[1]))
    assert np.isfinite(TransportEuler().run(model, z, method.grid(5), Rng(1)).end).all()
    assert np.isfinite(method.backward(model, problem, x, method.grid(5), Rng(1))).all()


def test_one_point_is_where_everything_goes():
    x = np.array([[0.3, -1.0]])
    method = quick(chain=10, paths=512)
    model = fitted(method, Problem(x, np.ones(2)))
    np.testing.assert_allclose(
        TransportEuler().run(model, np.zeros((50, 2)), method.grid(10), Rng(1)).end, np.repeat(x, 50, 0), atol=0.3
    )


@pytest.mark.parametrize("x", [np.zeros((0, 2)), np.array([[0.0, np.nan]])], ids=["none", "nan"])
def test_no_data_and_numbers_that_are_none_are_refused(x):
    with pytest.raises(PartError, match="at least one point with finite coordinates"):
        fitted(quick(), Problem(x, np.ones(2)))


def test_the_model_answers_in_the_precision_it_is_asked_in():
    model = fitted(quick(), PROBLEM)
    assert model.drift(to_torch(X[:5]), 0.3).dtype == torch.float64
    assert model.drift(to_torch(X[:5]).float(), 0.3).dtype == torch.float32

"""Learning a light Schroedinger bridge: Gaussians, eight modes, classes, and data that hardly is any."""

import numpy as np
import pytest
from closed_forms import CORRELATED as A
from closed_forms import OPPOSED as B
from closed_forms import fitted
from closed_forms import problem_of as problem

from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.data.eight_gaussians import EightGaussians
from rkdiff.methods._light_fit import fit_light_bridge
from rkdiff.methods.light_schrodinger_bridge import LightSchrodingerBridge
from rkdiff.metrics.clouds import sliced_wasserstein
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import entropic_coupling
from rkdiff.samplers import start
from rkdiff.samplers.brownian_bridge import BrownianBridge

QUICK = LightSchrodingerBridge.quick


def test_between_gaussians_of_any_covariance_the_learned_component_is_the_optimum():
    """Within 3 per cent, which is the error of 6000 points of data."""
    eps, data = 0.4, B.sample(6000, np.random.default_rng(0))
    own = Gaussian(data.mean(0), np.cov(data.T))
    work = fit_light_bridge(lambda n, g: A.sample(n, g), data, eps, Rng(0), components=1, iterations=600, rate=0.03, full=True)
    plan = outcome(work)
    s = entropic_coupling(A, own, eps).T @ np.linalg.inv(A.cov)
    found = to_numpy((plan.turns * plan.variances[:, None]) @ plan.turns.transpose(1, 2))[0]
    np.testing.assert_allclose(found, s, atol=0.03 * np.linalg.norm(s))
    np.testing.assert_allclose(to_numpy(plan.centres)[0], own.mean - s @ A.mean, atol=0.03)


def test_many_components_learn_the_same_plan_of_a_gaussian():
    """E[y | x], of a mixture that need not be one component, within 5 per cent of its spread."""
    eps, data = 0.5, B.sample(6000, np.random.default_rng(0))
    plan = outcome(fit_light_bridge(lambda n, g: A.sample(n, g), data, eps, Rng(1), components=10, iterations=800, rate=0.02))
    x = A.sample(2000, np.random.default_rng(1))
    slope = entropic_coupling(A, B, eps).T @ np.linalg.inv(A.cov)
    expected = B.mean + (x - A.mean) @ slope.T
    gap = to_numpy(plan.mean(torch.as_tensor(x))) - expected
    assert np.sqrt((gap**2).sum(1).mean()) < 0.05 * np.sqrt(np.trace(slope @ A.cov @ slope.T))


def test_eight_modes_are_reached_nearly_as_closely_as_fresh_data_reaches_them():
    data = EightGaussians(n=2000)
    method = LightSchrodingerBridge(iterations=1000)
    model = fitted(method, problem(data.make(Rng(0)).train), 1)
    truth, other = data.make(Rng(1)).train, data.make(Rng(2)).train
    n = len(truth)
    end = BrownianBridge().run(model, start("iid", n, 2, Rng(3)), method.grid(3), Rng(4)).end
    floor = sliced_wasserstein(truth, other)
    assert sliced_wasserstein(end, truth) < 0.13
    assert floor < 0.13
    centres = 1.4 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], 1)
    away = np.linalg.norm(end[:, None] - centres, axis=2)
    assert (np.bincount(away.argmin(1), minlength=8) > 0.08 * n).all()
    assert np.median(away.min(1)) < 0.2


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize(
    "x",
    [np.array([[2.0, -1.0]]), np.full((30, 2), 3.0), np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]), np.arange(6.0)[:, None]],
    ids=["one point", "coincident", "fewer than components", "a line"],
)
def test_hardly_any_data_is_learned_all_the_same(x, covariance):
    method = LightSchrodingerBridge(components=5, iterations=300, covariance=covariance, rate=0.05)
    model = fitted(method, problem(x))
    end = BrownianBridge().run(model, start("iid", 200, x.shape[1], Rng(0)), method.grid(4), Rng(1)).end
    away = np.linalg.norm(end[:, None] - x, axis=2).min(1)
    assert np.median(away) < 0.35, "within the width that the least component has"


@pytest.mark.parametrize("x", [np.zeros((0, 2)), np.array([[1.0, np.nan]]), np.array([[np.inf, 0.0]])])
def test_data_that_is_none_is_refused(x):
    with pytest.raises(PartError, match=r"training coordinates have shape .* give at least one point"):
        fitted(LightSchrodingerBridge(**QUICK), problem(x))


def test_a_core_without_noise_or_components_is_refused():
    with pytest.raises(PartError, match=r"eps is 0\.0; give the positive variance"):
        next(fit_light_bridge(lambda n, g: g.normal(size=(n, 2)), np.ones((3, 2)), 0.0, Rng(0)))
    with pytest.raises(PartError, match="components, iterations and batch are 0, 2000, 256"):
        next(fit_light_bridge(lambda n, g: g.normal(size=(n, 2)), np.ones((3, 2)), 0.1, Rng(0), components=0))


def test_a_loss_that_leaves_the_numbers_is_a_message():
    with pytest.raises(PartError, match="loss left the finite numbers at iteration 1"):
        fitted(LightSchrodingerBridge(sigma=0.03, **QUICK), problem(np.array([[1e200, 0.0], [0.0, 1.0]])))


def test_progress_carries_the_loss_and_looks_and_the_same_seed_the_same_bytes():
    p = problem(np.random.default_rng(0).normal(size=(50, 3)))
    reports = list(LightSchrodingerBridge(components=4, iterations=250).fit(p, Rng(0)))
    assert all(isinstance(r, Progress) and np.isfinite(r.values["loss"]) for r in reports)
    assert reports[-1].done == reports[-1].total == 250
    assert 10 <= sum(r.snapshot is not None for r in reports) <= 13
    one, two = (outcome(LightSchrodingerBridge(**QUICK).fit(p, Rng(7))).state() for _ in range(2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert set(one) == {"eps", "weights", "centres", "variances"}

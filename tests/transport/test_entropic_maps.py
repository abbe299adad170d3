"""The entropic map, the progressive one, and maps for other costs."""

import inspect

import numpy as np
import pytest

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import entropic_coupling, optimal_map
from rkdiff.transport import exact
from rkdiff.transport._clouds import half_squared
from rkdiff.transport.costs import Mahalanobis, Power, fitted_power, monge_map
from rkdiff.transport.entropic_map import entropic_map, own_eps, progressive, shares
from rkdiff.transport.sinkhorn import sinkhorn


def four_dimensions(seed=0, n=400):
    g = np.random.default_rng(seed)
    half = g.normal(size=(4, 4)) / 2
    a, b = Gaussian(np.zeros(4), np.eye(4)), Gaussian(np.ones(4), half @ half.T + 0.3 * np.eye(4))
    x, y, new = a.sample(n, g), b.sample(n, g), a.sample(n, g)
    return a, b, x, y, new, b.mean + new @ optimal_map(a, b), 0.05 * half_squared(x, y).std()


def error(found, true):
    return float(((found - true) ** 2).sum(1).mean())


def test_on_its_own_points_the_map_is_the_conditional_mean_of_the_plan():
    g = np.random.default_rng(0)
    x, y, b = g.normal(size=(30, 3)), g.normal(size=(20, 3)), g.dirichlet(np.ones(20))
    p = sinkhorn(x, y, 0.3, b=b)
    assert np.abs(entropic_map(x, p, y, b=b) - 30 * p.plan @ y).max() < 1e-12


def test_on_a_gaussian_grid_the_map_is_the_conditional_mean_in_closed_form():
    z = np.linspace(-6, 6, 60)
    w = np.exp(-(z**2) / 2)
    w /= w.sum()
    x, y = (0.5 * z)[:, None], (1.0 + 1.5 * z)[:, None]
    p = sinkhorn(x, y, 0.5, a=w, b=w, tolerance=1e-10, start="gaussian")
    a, b = Gaussian(np.zeros(1), np.array([[0.25]])), Gaussian(np.ones(1), np.array([[2.25]]))
    new = np.linspace(-1.2, 1.2, 11)[:, None]
    slope = entropic_coupling(a, b, 0.5)[0, 0] / 0.25
    assert np.abs(entropic_map(new, p, y, b=w) - (1 + slope * new)).max() < 1e-6


def test_out_of_sample_errors_in_four_dimensions_grow_with_eps_as_the_bias_says():
    a, b, x, y, new, true, eps = four_dimensions()
    errors, biases = [], []
    for factor in (1, 4, 16):
        errors.append(error(entropic_map(new, sinkhorn(x, y, factor * eps, tolerance=1e-5), y), true))
        slope = np.linalg.solve(a.cov, entropic_coupling(a, b, factor * eps))
        biases.append(error(new @ slope + b.mean, true))
    assert 0.08 < errors[0] < 0.35  # what 400 points allow
    assert errors[0] < errors[1] < errors[2]
    assert errors[1] == pytest.approx(biases[1], rel=0.25)  # beyond, the bias of the population map is all there is
    assert errors[2] == pytest.approx(biases[2], rel=0.1)


def test_progressive_steps_forgive_an_eps_far_too_large():
    _, _, x, y, new, true, eps = four_dimensions()
    end = own_eps(y, y[:100] + 0.3 * np.random.default_rng(1).normal(size=(100, 4)), eps * np.array([0.5, 1.0, 2.0]), most=300)
    plain = error(entropic_map(new, sinkhorn(x, y, 16 * eps, tolerance=1e-5), y), true)
    four = error(progressive(x, y, 16 * eps, end, steps=4, tolerance=1e-5)(new), true)
    assert four < 0.7 * plain


def test_progressive_maps_lie_between_the_tuned_map_and_the_one_whose_eps_is_four_times_too_large():
    """Robust to eps and not more accurate; no order of 4 and 8 steps is claimed, it changes from draw to draw."""
    errors = []
    for seed in range(5):
        _, _, x, y, new, true, eps = four_dimensions(seed)
        maps = [entropic_map(new, sinkhorn(x, y, e, tolerance=1e-4), y) for e in (eps, 4 * eps)]
        maps += [progressive(x, y, 4 * eps, eps, steps=k, tolerance=1e-4, most=500)(new) for k in (4, 8)]
        errors.append([error(m, true) for m in maps])
    tuned, large, four, eight = np.mean(errors, axis=0)
    assert 1.2 * tuned < four < 0.8 * large
    assert 1.2 * tuned < eight < 0.85 * large


def test_one_progressive_step_is_the_entropic_map_and_each_step_starts_where_the_last_ended():
    _, _, x, y, new, _, eps = four_dimensions(n=60)
    one = progressive(x, y, 4 * eps, eps, steps=1, tolerance=1e-9)
    assert np.abs(one(new) - entropic_map(new, sinkhorn(x, y, 4 * eps, tolerance=1e-9), y)).max() < 1e-10
    three = progressive(x, y, 4 * eps, eps, steps=3)
    path = three.path(x)
    assert path.shape == (4, 60, 4)
    z = x
    for k in range(3):
        there = entropic_map(z, sinkhorn(z, y, float(three.eps[k]), tolerance=1e-6), y)
        z = there if k == 2 else z + (there - z) / (3 - k)
        assert np.abs(path[k + 1] - z).max() < 1e-3
    assert three.eps == pytest.approx(eps * np.array([4, 3, 2]))


def test_schedules_of_the_way_keep_their_speeds():
    done = {kind: 1 - np.cumprod(1 - shares(kind, 5)) for kind in ("constant", "decelerated", "accelerated")}
    assert np.diff(done["constant"], prepend=0) == pytest.approx(np.full(5, 0.2))
    assert (np.diff(done["decelerated"], n=2) < 0).all()
    assert (np.diff(done["accelerated"], n=2) > 0).all()
    assert done["accelerated"][-1] == pytest.approx(1)
    with pytest.raises(ValueError, match="at least one step"):
        shares("constant", 0)


def test_the_own_eps_is_neither_the_least_nor_the_largest():
    g = np.random.default_rng(0)
    y, held = g.normal(size=(150, 2)), g.normal(size=(150, 2))
    assert own_eps(y, held, np.array([1e-4, 0.03, 3.0]), most=100) == 0.03
    with pytest.raises(ValueError, match="no candidate"):
        own_eps(y, held, np.array([]))


@pytest.mark.parametrize("cost", [Power(1.3), Power(2), Power(4), Mahalanobis(np.array([[2.0, 0.5], [0.5, 1.0]]))], ids=repr)
def test_a_cost_and_its_conjugate_are_inverse_to_each_other(cost):
    g = np.random.default_rng(0)
    z = g.normal(size=(50, 2))
    step = 1e-6 * g.normal(size=(50, 2))
    assert np.abs(cost.inverse(cost.gradient(z)) - z).max() < 1e-9
    slope = (cost.gradient(z) * step).sum(1)
    assert cost(z + step) - cost(z - step) == pytest.approx(2 * slope, rel=1e-4, abs=1e-11)
    assert np.abs(cost.gradient(np.zeros((1, 2)))).max() == 0
    assert np.abs(cost.inverse(np.zeros((1, 2)))).max() == 0


def test_with_the_half_square_the_map_is_the_entropic_one():
    g = np.random.default_rng(0)
    x, y, new = g.normal(size=(30, 2)), g.normal(size=(25, 2)), g.normal(size=(10, 2))
    p = sinkhorn(x, y, 0.2)
    for cost in (Power(2.0), Mahalanobis(np.eye(2))):
        assert np.abs(cost.matrix(x, y) - half_squared(x, y)).max() < 1e-12
        assert np.abs(monge_map(new, p, y, cost) - entropic_map(new, p, y)).max() < 1e-12


def test_a_mahalanobis_map_is_the_entropic_map_in_other_coordinates():
    g = np.random.default_rng(0)
    metric = np.array([[2.0, 0.5], [0.5, 1.0]])
    half = np.linalg.cholesky(metric)  # z' M z = |half' z|^2
    x, y, new = g.normal(size=(30, 2)), g.normal(size=(25, 2)) + 1, g.normal(size=(10, 2))
    cost = Mahalanobis(metric)
    found = monge_map(new, sinkhorn(x, y, 0.3, cost=cost.matrix(x, y)), y, cost)
    turned = entropic_map(new @ half, sinkhorn(x @ half, y @ half, 0.3), y @ half)
    assert np.abs(found @ half - turned).max() < 1e-6


def test_maps_of_powers_near_the_matching_of_their_own_cost():
    g = np.random.default_rng(0)
    x, y = g.uniform(-1, 1, size=(60, 2)), g.uniform(-1, 1, size=(60, 2)) * [1.5, 0.5] + [1, 0]
    for p in (1.5, 4.0):
        cost = Power(p)
        c = cost.matrix(x, y)
        plan = sinkhorn(x, y, 0.002 * c.mean(), cost=c, annealed=True, most=4000, tolerance=1e-4)
        to = y[exact.matching(x, y, c)]
        assert error(monge_map(x, plan, y, cost), to) < 0.1 * error(x, to)
        assert exact.monge_gap(x, to, cost.matrix) == 0


@pytest.mark.parametrize("true", [1.25, 1.5, 2.0, 3.0])
def test_the_power_of_a_cost_is_found_again_from_examples_of_its_map(true):
    g = np.random.default_rng(0)
    x, y = g.uniform(-1, 1, size=(300, 2)), g.uniform(-1, 1, size=(300, 2)) * [2, 0.4] + [0.5, 0]
    y = y[exact.matching(x, y, Power(true).matrix(x, y))]
    found, errors = fitted_power(x[:150], g.permutation(y[:150]), x[150:], y[150:])
    assert found.p == true
    assert errors.min() < 0.05 * error(x, y)
    assert np.sort(errors)[1] > 1.2 * errors.min()


def test_costs_without_a_map_are_refused():
    with pytest.raises(ValueError, match="above 1"):
        Power(1.0)
    with pytest.raises(ValueError, match="positive definite"):
        Mahalanobis(np.diag([1.0, -1.0]))
    two = np.zeros((4, 2))
    with pytest.raises(ValueError, match="0 powers"):
        fitted_power(two, two, two, two, powers=())
    with pytest.raises(ValueError, match="one image for each point"):
        inspect.unwrap(fitted_power)(two, two, two, two[:3])
    three = np.zeros((4, 3))
    for ask in (Mahalanobis(np.eye(2)), Mahalanobis(np.eye(2)).gradient, Mahalanobis(np.eye(2)).inverse):
        with pytest.raises(ValueError, match="a metric of 2 coordinates for points of 3"):
            ask(three)
    with pytest.raises(ValueError, match="a metric of 2 coordinates for points of 3"):
        Mahalanobis(np.eye(2)).matrix(three, three)

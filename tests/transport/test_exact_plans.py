"""Exact plans, displacement interpolation and the Monge gap."""

import itertools

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment, linprog

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import distance as gaussian_distance
from rkdiff.processes.gaussians.transport import optimal_map
from rkdiff.transport import exact


def clouds(n, m, d=2, seed=0):
    g = np.random.default_rng(seed)
    return g.normal(size=(n, d)), g.normal(size=(m, d)) + 0.5


def test_the_matching_is_the_best_of_all_permutations():
    for d in (1, 2):
        x, y = clouds(6, 6, d)
        c = ot.dist(x, y) / 2
        best = min(itertools.permutations(range(6)), key=lambda p: c[range(6), p].sum())
        assert exact.matching(x, y).tolist() == list(best)


def test_plans_are_those_of_linear_programming_and_have_few_lines():
    g = np.random.default_rng(2)
    for n, m, d, weighted in (
        (7, 5, 2, True),
        (7, 7, 2, False),
        (6, 4, 2, False),
        (7, 5, 1, True),
        (6, 6, 1, False),
        (1, 5, 2, True),
    ):
        x, y = clouds(n, m, d)
        a = g.dirichlet(np.ones(n)) if weighted else None
        b = g.dirichlet(np.ones(m)) if weighted else None
        p = exact.plan(x, y, a=a, b=b)
        c = ot.dist(x, y) / 2
        wa, wb = (np.full(k, 1 / k) if w is None else w for k, w in ((n, a), (m, b)))
        rows = np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
        least = linprog(c.ravel(), A_eq=rows, b_eq=np.r_[wa, wb]).fun
        assert (p * c).sum() == pytest.approx(least, abs=1e-10)
        assert np.abs(p.sum(1) - wa).max() < 1e-12
        assert np.abs(p.sum(0) - wb).max() < 1e-12
        assert (p > 0).sum() <= n + m - 1
        assert exact.distance(x, y, a=a, b=b) == pytest.approx(np.sqrt(2 * least), abs=1e-10)


def test_the_staircase_is_the_plan_of_pot_on_the_line():
    g = np.random.default_rng(4)
    x, y = g.normal(size=40), g.normal(size=30)
    a, b = g.dirichlet(np.ones(40)), g.dirichlet(np.ones(30))
    i, j, mass = exact.staircase(x, y, a, b)
    found = np.zeros((40, 30))
    found[i, j] = mass
    assert np.abs(found - ot.emd_1d(x, y, a, b)).max() < 1e-14
    assert len(mass) <= 69


def test_interpolation_runs_along_straight_lines_with_the_masses_of_the_plan():
    x, y = clouds(9, 7)
    p = exact.plan(x, y)
    for t in (0.0, 0.3, 1.0):
        points, mass = exact.interpolated(x, y, p, t)
        assert len(points) <= 15
        assert mass.sum() == pytest.approx(1)
        assert mass @ points == pytest.approx((1 - t) * x.mean(0) + t * y.mean(0))
    ends = exact.interpolated(x, y, p, 1.0)
    for k in range(7):
        assert ends[1][np.abs(ends[0] - y[k]).sum(1) < 1e-12].sum() == pytest.approx(1 / 7)
    square_x, square_y = clouds(8, 8)
    order = exact.matching(square_x, square_y)
    by_index = exact.interpolated(square_x, square_y, order, 0.4)
    by_plan = exact.interpolated(square_x, square_y, exact.plan(square_x, square_y), 0.4)
    assert np.allclose(by_index[0], by_plan[0])
    assert np.allclose(by_index[1], by_plan[1])


def test_interpolation_is_a_geodesic():
    x, y = clouds(12, 12)
    p = exact.plan(x, y)
    whole = exact.distance(x, y)
    for s, t in ((0.0, 0.25), (0.25, 0.7), (0.7, 1.0)):
        u, v = exact.interpolated(x, y, p, s)[0], exact.interpolated(x, y, p, t)[0]
        assert exact.distance(u, v) == pytest.approx((t - s) * whole, rel=1e-9)


def test_only_the_heaviest_lines_are_kept_when_asked():
    p = np.random.default_rng(0).dirichlet(np.ones(30)).reshape(6, 5)
    i, j, mass = exact.lines(p, most=4)
    assert sorted(mass) == sorted(np.sort(p.ravel())[-4:])
    assert np.array_equal(p[i, j], mass)


def test_the_monge_gap_is_zero_for_the_optimal_map_and_positive_for_a_rotation():
    a = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
    b = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))
    x = a.sample(100, np.random.default_rng(0))
    assert exact.monge_gap(x, b.mean + x @ optimal_map(a, b)) < 1e-12
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert exact.monge_gap(x, x @ turn.T) > 0.3
    # optimal for the square is not optimal for every cost: a long jump over short ones pays with |x - y|^3 and saves with |x - y|^(1/2)
    line = np.arange(5.0)[:, None]
    jump = np.vstack([[5.0], line[1:]])

    def cost(p):
        return lambda u, v: np.abs(u - v.T) ** p

    assert exact.monge_gap(line, line + 1, cost(3)) == 0
    assert exact.monge_gap(line, line + 1, cost(0.5)) > 0.1
    assert exact.monge_gap(line, jump, cost(0.5)) == 0
    assert exact.monge_gap(line, jump, cost(3)) > 0.1


def test_distance_lies_just_above_that_of_the_gaussians_with_the_same_moments():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(500, 2)), g.normal(size=(500, 2)) @ np.array([[0.7, -0.3], [0.0, 1.4]]) + [1, -0.5]
    least = gaussian_distance(*(Gaussian(z.mean(0), np.cov(z.T, bias=True)) for z in (x, y)))
    assert least <= exact.distance(x, y) <= 1.03 * least  # Gelbrich's bound


@pytest.mark.parametrize("unit", [1e-8, 1e-6, 1e6])
def test_plans_do_not_depend_on_the_unit_of_length(unit):
    x, y = clouds(40, 60)
    assert exact.distance(unit * x, unit * y) == pytest.approx(unit * exact.distance(x, y), rel=1e-9)
    assert np.abs(exact.plan(unit * x, unit * y) - exact.plan(x, y)).max() < 1e-12
    a, same = np.random.default_rng(1).dirichlet(np.ones(40)), x[::-1] + 1
    assert exact.distance(unit * x, unit * same, a=a) == pytest.approx(unit * exact.distance(x, same, a=a), rel=1e-9)


def test_points_far_from_all_others_do_not_spoil_the_plan_of_the_rest():
    x, y = clouds(40, 120)
    x[0] += 1e4
    y[:3] += 1e4
    c = ot.dist(x, y) / 2
    copies = np.repeat(c, 3, axis=0)  # each point of x three times: a matching of 120 to 120
    i, j = linear_sum_assignment(copies)
    assert (exact.plan(x, y, cost=c) * c).sum() == pytest.approx(copies[i, j].mean(), rel=1e-7)


def test_between_points_that_all_coincide_there_is_a_plan_and_no_distance():
    x, y = np.ones((4, 2)), np.ones((6, 2))
    assert exact.plan(x, y).sum(1) == pytest.approx(np.full(4, 1 / 4))
    assert exact.distance(x, y) == 0


def test_what_cannot_be_is_refused():
    x, y = clouds(6, 5)
    with pytest.raises(ValueError, match="no matching"):
        exact.matching(x, y)
    with pytest.raises(ValueError, match="between 0"):
        exact.interpolated(x, y, np.ones((6, 5)), 1.5)
    with pytest.raises(ValueError, match="not finite"):
        exact.staircase(np.array([0.0, np.nan]), np.zeros(3))
    with pytest.raises(ValueError, match="n >= 1"):
        exact.staircase(np.zeros(0), np.zeros(3))

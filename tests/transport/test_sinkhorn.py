"""Entropic plans against POT, closed forms and the laws of the dual."""

import json
import subprocess
import sys

import numpy as np
import ot
import pytest
from scipy.optimize import linprog

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import entropic_cost
from rkdiff.processes.gaussians.transport import sinkhorn_divergence as gaussian_divergence
from rkdiff.transport import _clouds
from rkdiff.transport.divergence import sinkhorn_divergence
from rkdiff.transport.sinkhorn import sinkhorn
from rkdiff.transport.starts import gaussian, sorting

A = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
B = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))


def clouds(n=60, m=50, d=2, seed=0):
    g = np.random.default_rng(seed)
    return g.normal(size=(n, d)), 0.7 * g.normal(size=(m, d)) + g.normal(size=d)


def lattice(gaussian, half=5.6, points=34):
    """A Gaussian as points and weights on a grid: sums over it are integrals, to all digits that smooth functions have there."""
    z = np.linspace(-half, half, points)
    grid = np.stack(np.meshgrid(z, z, indexing="ij"), -1).reshape(-1, 2)
    w = np.exp(-(grid**2).sum(1) / 2)
    return gaussian.mean + grid @ np.linalg.cholesky(gaussian.cov).T, w / w.sum()


def kl(p, q):
    keep = p > 0
    return float((p[keep] * np.log(p[keep] / q[keep])).sum())


@pytest.mark.parametrize("share", [0.02, 0.2, 2.0])
def test_the_plan_is_that_of_pot_with_twice_the_eps(share):
    x, y = clouds()
    g = np.random.default_rng(1)
    a, b = g.dirichlet(np.ones(60)), g.dirichlet(np.ones(50))
    m = ot.dist(x, y)
    eps = share * m.mean() / 2
    mine = sinkhorn(x, y, eps, a=a, b=b, most=5000)
    theirs = ot.sinkhorn(a, b, m, 2 * eps, method="sinkhorn_log", stopThr=1e-10, numItermax=20000)
    assert mine.converged
    assert np.abs(mine.plan - theirs).max() < 1e-8
    assert mine.cost == pytest.approx((theirs * m).sum() / 2, rel=1e-6)


def test_rows_are_exact_and_columns_as_exact_as_asked():
    x, y = clouds()
    for tolerance in (1e-3, 1e-8):
        p = sinkhorn(x, y, 0.05, tolerance=tolerance)
        assert np.abs(p.plan.sum(1) - 1 / 60).max() < 1e-15
        assert np.abs(p.plan.sum(0) - 1 / 50).sum() == pytest.approx(p.error, abs=1e-12)
        assert p.error < tolerance


def test_the_dual_value_lies_below_every_plan_and_meets_the_optimal_one():
    x, y = clouds()
    c = ot.dist(x, y) / 2
    product = np.full(c.shape, 1 / c.size)
    full = sinkhorn(x, y, 0.1)
    for most in (1, 3, 10, 2000):
        p = sinkhorn(x, y, 0.1, most=most)
        for plan in (product, ot.emd([], [], c), full.plan):
            assert p.value <= (plan * c).sum() + 0.1 * kl(plan, product) + 1e-7
    assert full.value == pytest.approx(full.cost + 0.1 * kl(full.plan, product), abs=1e-7)
    assert full.f @ np.full(60, 1 / 60) == pytest.approx(full.g @ np.full(50, 1 / 50))


def test_much_entropy_gives_the_product_and_little_the_least_cost():
    x, y = clouds(20, 15)
    c = ot.dist(x, y) / 2
    assert np.abs(sinkhorn(x, y, 1e7).plan - 1 / 300).max() < 1e-9
    rows = np.kron(np.eye(20), np.ones(15)), np.kron(np.ones(20), np.eye(15))
    least = linprog(c.ravel(), A_eq=np.vstack(rows), b_eq=np.r_[np.full(20, 1 / 20), np.full(15, 1 / 15)]).fun
    small = sinkhorn(x, y, 1e-2, annealed=True, most=20000)
    assert small.converged
    assert least - 1e-8 <= small.cost <= least + 1e-2 * np.log(20)


def test_every_start_finds_the_same_plan_and_good_ones_sooner():
    x, y = clouds(200, 180, 1)
    plans = {s: sinkhorn(x, y, 0.01, start=s, most=20000) for s in ("zero", "gaussian", "sorting", "subsample")}
    for name, plan in plans.items():
        assert plan.converged
        assert np.abs(plan.plan - plans["zero"].plan).max() < 1e-8
        if name != "zero":
            assert plan.iterations < plans["zero"].iterations
    again = sinkhorn(x, y, 0.01, start=plans["zero"].g, most=20000)
    assert again.iterations <= 3
    halved = sinkhorn(x, y, 0.01, annealed=True, most=20000)
    assert np.abs(halved.plan - plans["zero"].plan).max() < 1e-8


def test_pot_takes_the_gaussian_start_and_begins_nearer_the_same_plan():
    g = np.random.default_rng(0)
    x, y = A.sample(60, g), B.sample(60, g)
    m, w = ot.dist(x, y), np.full(60, 1 / 60)
    eps = 0.05 * m.mean() / 2
    u, v = gaussian(y, x, w, w, eps), gaussian(x, y, w, w, eps)  # POT begins by updating v from u
    first, plans = [], []
    for start in (None, (u / eps + np.log(w), v / eps + np.log(w))):
        plan, log = ot.bregman.sinkhorn_log(w, w, m, 2 * eps, stopThr=1e-9, numItermax=20000, warmstart=start, log=True)
        first.append(log["err"][0])
        plans.append(plan)
    assert first[1] < 0.5 * first[0]
    assert np.abs(plans[0] - plans[1]).max() < 1e-8


def test_potentials_without_entropy_on_the_line_are_feasible_and_tight():
    g = np.random.default_rng(3)
    for n, m in ((40, 40), (40, 25), (1, 7)):
        x, y = g.normal(size=(n, 1)), g.normal(size=(m, 1)) ** 3
        c, a, b = ot.dist(x, y) / 2, np.full(n, 1 / n), np.full(m, 1 / m)
        v = sorting(x, y, a, b)
        f = (c - v[None, :]).min(1)
        assert f @ a + v @ b == pytest.approx(ot.emd2(a, b, c), rel=1e-9)


@pytest.mark.parametrize("eps", [0.1, 0.4, 1.0])
def test_cost_and_divergence_between_gaussians_on_grids_are_the_closed_forms(eps):
    points = 34 if eps > 0.1 else 46
    (x, a), (y, b) = lattice(A, points=points), lattice(B, points=points)
    found = sinkhorn_divergence(x, y, eps, a=a, b=b, start="gaussian", tolerance=1e-7)
    assert found.converged
    assert found.between.value == pytest.approx(entropic_cost(A, B, eps), abs=2e-6)
    assert found.value == pytest.approx(gaussian_divergence(A, B, eps), abs=2e-6)
    assert found.between.iterations <= 10  # the start is the answer


def test_the_closed_forms_are_the_published_values():
    published = {0.1: (1.1467791654, 0.8112691376), 0.4: (1.6309790467, 0.8079267680), 1.0: (2.1005663834, 0.7930330389)}
    for eps, (cost, divergence) in published.items():
        assert entropic_cost(A, B, eps) == pytest.approx(cost, abs=1e-9)
        assert gaussian_divergence(A, B, eps) == pytest.approx(divergence, abs=1e-9)


def test_the_divergence_is_zero_between_equal_clouds_alone():
    x, y = clouds(40, 40)
    assert abs(sinkhorn_divergence(x, x[::-1].copy(), 0.1).value) < 1e-7
    for eps in (0.05, 0.5, 5.0):
        assert sinkhorn_divergence(x, x + 0.1, eps).value == pytest.approx(0.01, abs=1e-6)  # a translation costs |v|^2 / 2
        assert sinkhorn_divergence(x, y, eps).value > 0.01
    means = ((x.mean(0) - y.mean(0)) ** 2).sum() / 2
    assert sinkhorn_divergence(x, y, 1e5).value == pytest.approx(means, rel=1e-3)


def test_one_point_and_weightless_points_are_no_trouble():
    x, y = clouds(12, 9)
    assert np.allclose(sinkhorn(x[:1], y, 0.1).plan, 1 / 9)
    for start in ("zero", "gaussian", "subsample"):
        assert np.allclose(sinkhorn(x[:1], y[:1], 0.1, start=start).plan, 1.0)
    a, b = np.r_[0.0, np.full(11, 1 / 11)], np.r_[0.0, 0.0, np.full(7, 1 / 7)]
    far = y.copy()
    far[0] = 1e3
    whole = sinkhorn(x, far, 0.1, a=a, b=b)
    part = sinkhorn(x[1:], far[2:], 0.1)
    assert whole.converged
    assert np.abs(whole.plan[1:, 2:] - part.plan).max() < 1e-8
    assert whole.plan[0].sum() + whole.plan[:, :2].sum() == 0


def test_potentials_stay_finite_where_kernels_underflow():
    x, y = clouds(30, 30)
    p = sinkhorn(x, y + 100, 1e-3, most=50)
    assert np.isfinite(p.plan).all()
    assert np.isfinite(p.f).all()
    assert np.abs(p.plan.sum(1) - 1 / 30).max() < 1e-7


def test_plans_and_maps_need_neither_torch_nor_pot():
    script = """
import sys, numpy as np
from rkdiff.transport import divergence, entropic_map, exact, sinkhorn
x = np.arange(12.0).reshape(6, 2)
plan = sinkhorn.sinkhorn(x, x + 1, 0.5, start="gaussian")
entropic_map.entropic_map(x, plan, x + 1)
exact.interpolated(x, x + 1, exact.plan(x, x + 1), 0.5)
divergence.sinkhorn_divergence(x, x + 1, 0.5)
assert not {"torch", "ot", "sklearn", "streamlit"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_record_says_its_numbers_in_json():
    said = json.loads(json.dumps(sinkhorn_divergence(*clouds(8, 5), 0.5).to_dict()))
    assert said["converged"] is True
    assert said["between"]["points"] == [8, 5]


def test_what_cannot_be_is_refused_in_one_line(monkeypatch):
    x, y = clouds(6, 5)
    c = ot.dist(x, y)
    for wrong, words in (
        (lambda: sinkhorn(x, y, 0.0), "eps is 0.0"),
        (lambda: sinkhorn(x, y, 1e-12), "exact plan"),
        (lambda: sinkhorn(x, y, np.nan), "eps is nan"),
        (lambda: _clouds.pair(x, y[:, :1]), "do not fit"),
        (lambda: sinkhorn(x * np.nan, y, 0.1), "not finite"),
        (lambda: sinkhorn(x, y, 0.1, a=np.full(6, 0.5)), "sum"),
        (lambda: _clouds.matrix(c.T.copy(), x, y), "shape"),
        (lambda: sinkhorn(x, y, 0.1, cost=c * np.inf), "not finite"),
        (lambda: sinkhorn(x, y, 0.1, cost=c, start="gaussian"), "belongs to the cost"),
        (lambda: sinkhorn(x, y, 0.1, start="sorting"), "line"),
        (lambda: sinkhorn(x, y, 0.1, start=np.full(5, np.inf)), "5 finite numbers"),
        (lambda: sinkhorn(x, y, 0.1, most=0), "at least one round"),
    ):
        with pytest.raises(ValueError, match=words) as error:
            wrong()
        assert "\n" not in str(error.value)
    monkeypatch.setattr(_clouds, "ENTRIES", 20)
    with pytest.raises(ValueError, match="subsample the clouds"):
        sinkhorn(x, y, 0.1)

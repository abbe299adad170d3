"""The bridge on a grid of the circle: kernel, marginals and drift against closed forms and walks."""

import math

import numpy as np
import pytest

from rkdiff.processes.gaussians import line
from rkdiff.processes.gaussians.bridge import Bridge
from rkdiff.transport.circle_bridge import WIDE, circle_bridge, circle_grid, wrapped_gaussian

X = circle_grid()
ARC = 2 * math.pi / len(X)
UNIFORM = np.ones(len(X))


def bump(mean, sd):
    return wrapped_gaussian(X - mean, sd**2)


def test_both_series_of_the_kernel_agree_and_sum_to_one():
    for v in (0.01, 0.5, WIDE - 1e-9, WIDE, 10.0):
        assert wrapped_gaussian(X, v).sum() * ARC == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(wrapped_gaussian(X, WIDE - 1e-12), wrapped_gaussian(X, WIDE), rtol=1e-11)
    assert (wrapped_gaussian(X, 0.3) * np.cos(X)).sum() * ARC == pytest.approx(math.exp(-0.15), abs=1e-12)
    np.testing.assert_allclose(wrapped_gaussian(X + 40 * math.pi, 0.3), wrapped_gaussian(X, 0.3), rtol=1e-9)


def test_the_plan_has_its_marginals_and_is_that_of_sinkhorn():
    ot = pytest.importorskip("ot")
    x = circle_grid(90)
    (a, b), sigma = (wrapped_gaussian(x - m, s**2) + 0.05 for m, s in ((0.0, 0.8), (2.5, 0.5))), 0.7
    bridge = circle_bridge(a, b, sigma)
    assert bridge.error < 1e-12
    np.testing.assert_allclose(bridge.plan.sum(1), a / a.sum(), atol=1e-13)
    np.testing.assert_allclose(bridge.plan.sum(0), b / b.sum(), atol=1e-12)
    cost = -np.log(wrapped_gaussian(x[:, None] - x, sigma**2))
    other = ot.sinkhorn(a / a.sum(), b / b.sum(), cost, 1.0, method="sinkhorn_log", numItermax=5000, stopThr=1e-13)
    np.testing.assert_allclose(bridge.plan, other, atol=1e-10)


def test_the_uniform_law_stays_where_it_is():
    bridge = circle_bridge(UNIFORM, UNIFORM, 1.0)
    for t in (0.0, 0.3, 0.9, 1.0):
        np.testing.assert_allclose(bridge.marginal(t), 1 / 360, atol=1e-12)
        if t < 1:
            np.testing.assert_allclose(bridge.drift(t), 0.0, atol=1e-9)


def test_narrow_laws_do_not_notice_that_the_circle_is_round():
    """Between two narrow bumps the bridge is the Gaussian one of the line."""
    bridge, flat = circle_bridge(bump(-0.4, 0.2), bump(0.4, 0.15), 0.3), Bridge(line(-0.4, 0.2), line(0.4, 0.15), 0.09)
    for t in (0.25, 0.5, 0.75):
        w, law = bridge.marginal(t), flat.at(t)
        assert w @ X == pytest.approx(float(law.mean[0]), abs=1e-6)
        assert w @ (X - w @ X) ** 2 == pytest.approx(float(law.cov[0, 0]), abs=1e-6)
        near = np.abs(X - law.mean[0]) < 0.3
        np.testing.assert_allclose(bridge.drift(t)[near], flat.drift(X[near, None], t)[:, 0], atol=1e-4)
    both = bridge.plan
    assert (X @ both - 0) @ X - (both.sum(1) @ X) * (both.sum(0) @ X) == pytest.approx(float(flat.c[0, 0]), abs=1e-6)


def test_the_marginals_obey_the_drift():
    """d/dt p = -(p b)' + sigma^2 p'' / 2, checked against a smooth function of the angle."""
    bridge, t, h = circle_bridge(bump(0.0, 0.7), bump(2.8, 0.5) + bump(-1.0, 0.4), 0.9), 0.4, 1e-4
    p, b = bridge.marginal(t), bridge.drift(t)
    for k in (1, 2, 3):
        f, first, second = np.cos(k * X), -k * np.sin(k * X), -(k**2) * np.cos(k * X)
        change = (bridge.marginal(t + h) - bridge.marginal(t - h)) @ f / (2 * h)
        assert change == pytest.approx(p @ (b * first + 0.81 / 2 * second), abs=1e-5)


@pytest.mark.parametrize("sigma", [3.0, 6.0, 10.0, 20.0, 50.0])
def test_the_drift_is_the_slope_of_what_lies_ahead_at_every_width(sigma):
    bridge, h = circle_bridge(bump(0.0, 0.7), bump(2.8, 0.5) + bump(-1.0, 0.4), sigma), 1e-4
    for t in (0.0, 0.5, 0.9, 0.99, 1 - WIDE / sigma**2 - 1e-9, 1 - WIDE / sigma**2 + 1e-9):
        up, down = (np.log(wrapped_gaussian(X[:, None] + s - X, (1 - t) * sigma**2) @ np.exp(bridge.log_v)) for s in (h, -h))
        np.testing.assert_allclose(bridge.drift(t), sigma**2 * (up - down) / (2 * h), rtol=1e-5, atol=1e-8 * sigma**2)


@pytest.mark.parametrize("sigma", [6.0, 12.0])
def test_a_wide_reference_forgets_where_it_began(sigma):
    """The plan is the product of its ends, and the first moment decays as that of Brownian motion, exp(-t sigma^2 / 2), from either."""
    a, b = bump(0.5, 0.6), bump(2.8, 0.5) + bump(-1.0, 0.4)
    bridge = circle_bridge(a, b, sigma)
    near = 4 * math.exp(-(sigma**2) / 2) + 1e-12
    np.testing.assert_allclose(bridge.plan, np.outer(bridge.a, bridge.b), atol=near * bridge.plan.max())
    spent = 1.2 / sigma**2
    for t, end in ((spent, bridge.a), (1 - spent, bridge.b)):
        assert bridge.marginal(t) @ np.exp(1j * X) == pytest.approx(math.exp(-0.6) * (end @ np.exp(1j * X)), abs=1e-6)
    np.testing.assert_allclose(bridge.marginal(0.5), 1 / 360, rtol=6 * math.exp(-(sigma**2) / 4))
    assert np.abs(bridge.drift(0.0)).max() < 3 * sigma**2 * math.exp(-(sigma**2) / 2)


def test_an_angle_without_mass_stays_without():
    a = np.where(np.abs(X) < 1, 1.0, 0.0)
    bridge = circle_bridge(a, np.roll(a, 90), 1.0)
    assert bridge.plan[np.abs(X) >= 1].max() == 0.0
    assert bridge.marginal(0.5).min() > 0
    assert np.isfinite(bridge.drift(0.5)).all()


@pytest.mark.parametrize(
    ("a", "b", "sigma", "said"),
    [
        (UNIFORM, UNIFORM[:-1], 1.0, "of one length"),
        (np.ones(1), np.ones(1), 1.0, "at least 4"),
        (-UNIFORM, UNIFORM, 1.0, "negative"),
        (np.full(360, np.nan), UNIFORM, 1.0, "not finite"),
        (0 * UNIFORM, UNIFORM, 1.0, "nothing"),
        (UNIFORM, UNIFORM, 0.001, "sigma is 0.001"),
    ],
)
def test_what_is_no_problem_is_refused(a, b, sigma, said):
    with pytest.raises(ValueError, match=said):
        circle_bridge(a, b, sigma)


def test_times_outside_the_bridge_are_refused():
    bridge = circle_bridge(UNIFORM, UNIFORM, 1.0)
    for wrong in (lambda: bridge.marginal(1.1), lambda: bridge.drift(1.0), lambda: wrapped_gaussian(X, 0.0)):
        with pytest.raises(ValueError, match=r"choose|give"):
            wrong()

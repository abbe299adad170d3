"""Experimental: learned steps of gradient flows against the closed forms between Gaussians."""

import inspect

import numpy as np
import pytest

from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods.experimental.icnn_jko import icnn_jko
from rkdiff.methods.experimental.variational import fit_ratio, fit_step
from rkdiff.processes.gaussians.proximal import divergence_step


def standard(n, d, seed=0):
    """Normal points moved to have mean 0 and covariance I exactly."""
    z = np.random.default_rng(seed).normal(size=(n, d))
    z -= z.mean(0)
    return z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T


def bowl(x):
    return (x**2).sum(1) / 2


def test_three_convex_steps_of_the_divergence_are_the_closed_form_and_worth_their_way():
    x = 2 * standard(512, 2) + np.array([1.0, -1.0])
    found = outcome(icnn_jko(x, bowl, 0.3, 3, Rng(0), iterations=150, rate=1e-2))
    mean, sd = 1.0, 2.0
    published = (1.67614047, 1.44863949, 1.29283646)
    for k in range(3):
        mean, sd = divergence_step(mean, sd, 0.3)
        assert sd == pytest.approx(published[k], abs=1e-8)
        cloud = found.frames[k + 1]
        assert cloud.mean(0) == pytest.approx([mean, -mean], abs=0.03)
        assert np.sqrt(np.linalg.eigvalsh(np.cov(cloud.T, bias=True))) == pytest.approx([sd, sd], rel=0.03)
    assert (found.gain < 0).all()  # J(rho_{k+1}) + W2^2 / (2 h) < J(rho_k)
    assert np.abs(found.push(x) - found.frames[-1]).max() < 1e-4
    new = 2 * np.random.default_rng(5).normal(size=(2000, 2)) + np.array([1.0, -1.0])
    assert found.push(new).std(0) == pytest.approx([sd, sd], rel=0.07)


def test_without_entropy_a_convex_step_in_a_bowl_divides_by_one_plus_h():
    x = standard(200, 3) + 1
    found = outcome(icnn_jko(x, bowl, 0.5, 1, Rng(0), entropy=0.0, widths=(16,), iterations=200, rate=1e-2))
    assert np.sqrt(((found.frames[1] - x / 1.5) ** 2).mean()) < 0.08
    assert found.gain[0] == pytest.approx(-(x**2).sum(1).mean() / 2 * (1 - 1 / 1.5), rel=0.03)


def test_the_variational_bound_finds_the_divergence_between_gaussians():
    scale, shift = np.array([0.8, 1.2]), np.array([0.5, 0.0])
    p, q = standard(8000, 2, 0) * scale + shift, standard(8000, 2, 1)
    closed = ((scale**2).sum() + (shift**2).sum() - 2 - 2 * np.log(scale).sum()) / 2
    found = outcome(fit_ratio(p, q, Rng(0), iterations=400))
    assert found.value == pytest.approx(closed, rel=0.05)
    new = np.random.default_rng(2).normal(size=(1000, 2)) * scale + shift
    true = ((new**2).sum(1) - (((new - shift) / scale) ** 2).sum(1)) / 2 - np.log(scale).sum()
    assert np.sqrt(((found.log_ratio(new) - true) ** 2).mean()) < 0.2


def test_between_equal_laws_the_variational_bound_is_nearly_zero():
    z = standard(4000, 2)
    assert abs(outcome(fit_ratio(z[:2000], z[2000:], Rng(0), iterations=100)).value) < 0.05


def test_a_step_from_samples_alone_is_the_closed_form():
    x, y = 2 * standard(3000, 1, 0) + 1, standard(3000, 1, 1)
    found = outcome(fit_step(x, y, 0.3, Rng(0), iterations=400, batch=256, rate=5e-3))
    mean, sd = divergence_step(1.0, 2.0, 0.3)
    moved = found(x)
    assert moved.mean() == pytest.approx(mean, abs=0.08)
    assert moved.std() == pytest.approx(sd, rel=0.05)
    assert found.way == pytest.approx(((moved - x) ** 2).mean(), rel=1e-4)


def test_the_same_seed_gives_the_same_step():
    x = standard(50, 2)
    first, again = (outcome(fit_step(2 * x, x, 0.3, Rng(1), width=8, iterations=3, batch=16)) for _ in range(2))
    assert np.array_equal(first.theta, again.theta)
    assert first.to_dict() == again.to_dict()


def test_what_cannot_be_is_refused():
    x = standard(20, 2)
    for wrong, words in (
        (lambda: icnn_jko(np.zeros((4, 9)), bowl, 0.3, 1, Rng(0)), "at most 8 coordinates"),
        (lambda: icnn_jko(x, bowl, 0.3, 11, Rng(0)), "1 to 10 steps"),
        (lambda: icnn_jko(x, bowl, 0.0, 1, Rng(0)), "positive h"),
        (lambda: fit_ratio(x, x, Rng(0), iterations=0), "at least one"),
        (lambda: fit_step(x, x, 0.0, Rng(0)), "positive one"),
        (lambda: icnn_jko(x[:0], bowl, 0.3, 1, Rng(0)), "n >= 1"),
        (lambda: icnn_jko(np.full((4, 2), np.nan), bowl, 0.3, 1, Rng(0)), "not finite"),
        (lambda: inspect.unwrap(fit_ratio)(x, np.zeros((4, 3)), Rng(0)), "the same d"),
        (lambda: fit_ratio(x, x[:0], Rng(0)), "n >= 1"),
        (lambda: fit_ratio(x, np.full((4, 2), np.nan), Rng(0)), "not finite"),
        (lambda: inspect.unwrap(fit_step)(x, np.zeros((4, 3)), 0.3, Rng(0)), "the same d"),
        (lambda: fit_step(x[:0], x, 0.3, Rng(0)), "n >= 1"),
        (lambda: fit_step(np.full((4, 2), np.inf), x, 0.3, Rng(0)), "not finite"),
    ):
        with pytest.raises(ValueError, match=words):
            outcome(wrong())

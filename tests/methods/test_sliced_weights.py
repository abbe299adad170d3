"""Weighted clouds: the displacement is the barycentre of the exact plan and the gradient that automatic differentiation finds."""

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.methods._sliced import displacement, displacement_torch, target_lines
from rkdiff.processes.slices import directions


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def drawn(d, count, seed=0):
    return directions(d, count, Rng(seed).numpy("directions"), "orthogonal")


def masses(n, seed):
    return np.random.default_rng(seed).dirichlet(np.full(n, 3.0))


SIZES = [(12, 12), (9, 14), (14, 9), (1, 6), (6, 1), (40, 63)]


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("weighted", ["both", "source", "target"])
def test_on_the_line_particles_go_to_the_barycentres_of_the_plan_of_pot(n, m, weighted):
    import ot

    x, y = normal(n, 1, 1), normal(m, 1, 2) + 1
    a = masses(n, 3) if weighted != "target" else None
    b = masses(m, 4) if weighted != "source" else None
    full_a, full_b = np.full(n, 1 / n) if a is None else a, np.full(m, 1 / m) if b is None else b
    plan = ot.emd_1d(x[:, 0], y[:, 0], full_a, full_b)
    moved = x + displacement(x, y, np.ones((1, 1)), weights=b, source_weights=a)
    np.testing.assert_allclose(moved, plan @ y / full_a[:, None], atol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(12, 12), (9, 14), (14, 9)])
@pytest.mark.parametrize("d", [2, 5])
def test_the_weighted_displacement_is_the_gradient_that_autograd_finds_through_pot(n, m, d):
    import ot
    import torch

    x, y, theta, a, b = normal(n, d, 1), normal(m, d, 2) + 1, drawn(d, 2 * d), masses(n, 3), masses(m, 4)
    tx, t, ty = torch.tensor(x, requires_grad=True), torch.tensor(theta.T.copy()), torch.tensor(y)
    each = lambda w: torch.tensor(np.repeat(w[:, None], len(theta), axis=1))
    ot.wasserstein_1d(tx @ t, ty @ t, each(a), each(b), p=2).mean().backward()
    expected = -d / (2 * a[:, None]) * tx.grad.numpy()
    np.testing.assert_allclose(displacement(x, y, theta, weights=b, source_weights=a), expected, atol=1e-12)


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_weighted_torch_and_numpy_displace_alike(gap, n, m):
    import torch

    x, y, theta, jitter = normal(n, 3, 1), normal(m, 3, 2), drawn(3, 9), 0.1 * normal(n, 3, 5)
    given = {"weights": masses(m, 4), "source_weights": masses(n, 3)}
    for shake in (None, jitter):
        here = displacement(x, y, theta, gap, shake, **given)
        tensors = map(torch.tensor, (x, y, theta))
        there = displacement_torch(*tensors, gap, None if shake is None else torch.tensor(shake), **given)
        np.testing.assert_allclose(here, there.numpy(), atol=1e-12)


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
@pytest.mark.parametrize(("n", "m"), [(20, 20), (20, 31)])
def test_equal_weights_in_any_unit_are_no_weights(gap, n, m):
    x, y, theta = normal(n, 3, 1), normal(m, 3, 2), drawn(3, 9)
    plain = displacement(x, y, theta, gap)
    np.testing.assert_allclose(displacement(x, y, theta, gap, weights=np.full(m, 7.0)), plain, atol=1e-12)
    np.testing.assert_allclose(displacement(x, y, theta, gap, source_weights=np.full(n, 0.1)), plain, atol=1e-12)


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
def test_a_weight_of_two_is_the_point_twice(gap):
    x, y, theta = normal(20, 2, 1), normal(9, 2, 2), drawn(2, 8)
    heavy = np.array([2.0] * 4 + [1.0] * 5)
    twice = displacement(x, np.concatenate([y[:4], y]), theta, gap)
    np.testing.assert_allclose(displacement(x, y, theta, gap, weights=heavy), twice, atol=1e-12)


def test_the_mean_moves_by_the_weighted_means():
    x, y, a, b = normal(20, 4, 1), normal(33, 4, 2) + 1, masses(20, 3), masses(33, 4)
    moved = displacement(x, y, drawn(4, 8), weights=b, source_weights=a)
    np.testing.assert_allclose(a @ moved, b @ y - a @ x, atol=1e-13)


@pytest.mark.parametrize(
    "bad", [np.array([1.0, 0.0, 1.0]), np.array([1.0, -1.0, 1.0]), np.array([1.0, np.nan, 1.0]), np.ones(2)]
)
def test_weights_that_are_no_masses_are_refused(bad):
    x, theta = normal(3), drawn(2, 4)
    with pytest.raises((ValueError, TypeError), match=r"give 3 positive numbers|dimensions? |Type"):
        displacement(x, x, theta, weights=bad)


def test_sorted_lines_and_weights_exclude_each_other():
    x, theta = normal(3), drawn(2, 4)
    with pytest.raises(ValueError, match="leave out one of them"):
        displacement(x, x, theta, lines=target_lines(x, theta), weights=np.ones(3))

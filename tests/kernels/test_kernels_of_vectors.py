"""Kernels of vectors equal scikit-learn's; their slopes are derivatives; what climbs to a pre-image is the gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import Matern
from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel

from rkdiff.kernels.vectors import KERNELS, Kernel, RandomFourier, far_off, median_distance, squared_distances

WIDTH = 1.4
OTHERS = {
    "gaussian": lambda x, y: rbf_kernel(x, y, gamma=1 / (2 * WIDTH**2)),
    "laplace": lambda x, y: Matern(WIDTH, nu=0.5)(x, y),
    "matern": lambda x, y: Matern(WIDTH, nu=1.5)(x, y),
    "polynomial": lambda x, y: polynomial_kernel(x, y, degree=3, gamma=1 / (2 * WIDTH**2), coef0=0.5),
    "linear": linear_kernel,
}


def cloud(n=12, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 3))


def test_there_is_an_independent_form_of_every_kernel():
    assert set(OTHERS) == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_gram_matrices_are_those_of_scikit_learn(name):
    x, y = cloud(), cloud(7, 1)
    np.testing.assert_allclose(Kernel(name, WIDTH)(x, y), OTHERS[name](x, y), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", KERNELS)
def test_slope_is_the_derivative_of_the_kernels_function(name):
    v, h = np.linspace(0.2, 5, 30), 1e-6
    kernel = Kernel(name, WIDTH)
    np.testing.assert_allclose(kernel.slope(v), (kernel.of(v + h) - kernel.of(v - h)) / (2 * h), rtol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
@given(seed=st.integers(0, 500))
def test_uphill_is_the_gradient_of_the_height_up_to_its_factor(name, seed):
    rng = np.random.default_rng(seed)
    kernel, x, y = Kernel(name, WIDTH), cloud(8, seed), cloud(2, seed + 1000)
    gamma = rng.normal(size=(2, 8))
    height = lambda v: 2 * (gamma * kernel(v, x)).sum(1) - kernel.diagonal(v)
    slope = np.stack([(height(y + s) - height(y - s)) / 2e-6 for s in 1e-6 * np.eye(3)], 1)
    way, strength = kernel.uphill(gamma, y, x)
    np.testing.assert_allclose((4 if kernel.radial else 2) * way, slope, atol=1e-5 * (1 + np.abs(slope).max()))
    still = way + strength[:, None] * y  # sum_i g_i a_i
    np.testing.assert_allclose(still, (gamma * kernel.pull(y, x)) @ x, atol=1e-12 * (1 + np.abs(still).max()))


@pytest.mark.parametrize("name", [k for k in KERNELS if Kernel(k).radial])
def test_random_features_have_length_one_and_their_kernel_its_name(name):
    features = RandomFourier.draw(Kernel(name, WIDTH), 3, 50, np.random.default_rng(0))
    x = cloud()
    np.testing.assert_allclose((features.features(x) ** 2).sum(1), 1)
    np.testing.assert_allclose(np.diag(features(x, x)), features.diagonal(x))
    assert features.radial
    assert (features.name, features.width) == (name, WIDTH)
    np.testing.assert_allclose(features(x + 5.0, x + 5.0), features(x, x), atol=1e-10)


@pytest.mark.parametrize("name", [k for k in KERNELS if Kernel(k).radial])
def test_pull_is_positive_and_falls_with_the_distance(name):
    pull = Kernel(name, WIDTH).pull(np.zeros((1, 1)), np.linspace(0, 5, 40)[:, None])[0]
    assert (pull > 0).all()
    assert (np.diff(pull) < 0).all()


@pytest.mark.parametrize("offset", [3e3, 1e6, 1e9])
def test_distances_of_vectors_far_from_zero_are_those_near_zero(offset):
    x, y = np.round(cloud(), 3), np.round(cloud(7, 1), 3)
    there = squared_distances(x + offset, y + offset)
    np.testing.assert_allclose(there, ((x[:, None] - y[None]) ** 2).sum(2), rtol=1e-13 * offset + 1e-12, atol=1e-14 * offset)
    np.testing.assert_allclose(median_distance(x + offset), median_distance(x), rtol=1e-6)
    assert far_off(x + offset)
    assert not far_off(x)
    assert median_distance(np.full((5, 2), offset)) == 1.0
    assert squared_distances(np.full((2, 2), offset), np.full((3, 2), offset)).max() == 0


def test_inner_products_are_counted_from_the_origin():
    x, y, origin = cloud(), cloud(7, 1), np.array([1.0, -2.0, 3.0])
    moved = Kernel("linear", origin=origin)
    np.testing.assert_allclose(moved(x, y), (x - origin) @ (y - origin).T)
    np.testing.assert_allclose(moved.diagonal(x), np.diag(moved(x, x)))
    assert moved == Kernel("linear")
    gamma, start = np.random.default_rng(0).normal(size=(2, 12)), cloud(2, 2)
    way, strength = moved.uphill(gamma, start, x)
    np.testing.assert_allclose(start - origin + way / strength[:, None], gamma @ (x - origin))

"""Kernel PCA coordinates: scikit-learn's, with the geometry of the Hilbert space."""

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA

from rkdiff.kernels.vectors import KERNELS, Kernel, median_distance
from rkdiff.spaces.rkhs import embed, whiten


def cloud(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(2, 0.5, d)


def fitted(name="gaussian", n=60, r=10, **options):
    x = cloud(n)
    return x, embed(x, Kernel(name, median_distance(x)), r, np.random.default_rng(0), **options)


@pytest.mark.parametrize("name", KERNELS)
def test_coordinates_are_those_of_scikit_learn_up_to_sign(name):
    x, e = fitted(name, r=3)
    reference = KernelPCA(n_components=3, kernel="precomputed").fit(e.kernel(x, x))
    new = cloud(20, seed=1)
    for mine, other in (
        (e.coordinates(x), reference.transform(e.kernel(x, x))),
        (e.coordinates(new), reference.transform(e.kernel(new, x))),
    ):
        np.testing.assert_allclose(mine * np.sign((mine * other).sum(0)), other, atol=1e-9)
    np.testing.assert_allclose(e.variances * len(x), reference.eigenvalues_)
    np.testing.assert_allclose(e.coordinates(x).var(0), e.variances)


@pytest.mark.parametrize("name", KERNELS)
def test_distance_in_the_hilbert_space_is_that_of_the_coordinates_plus_the_residual(name):
    x, e = fitted(name, r=4)
    new = cloud(15, seed=2)
    z = np.random.default_rng(3).normal(size=(7, e.dim)) * np.sqrt(e.variances)
    split = ((z[:, None] - e.coordinates(new)[None]) ** 2).sum(2) + e.residual(new)
    np.testing.assert_allclose(e.distances2(z, new), split, atol=1e-9)
    gamma, gram = e.gamma(z), e.kernel(x, x)
    direct = np.einsum("bi,ij,bj->b", gamma, gram, gamma)[:, None] + e.kernel.diagonal(new) - 2 * gamma @ e.kernel(x, new)
    np.testing.assert_allclose(e.distances2(z, new), direct, atol=1e-9)
    np.testing.assert_allclose(e.norm2(z), np.einsum("bi,ij,bj->b", gamma, gram, gamma), atol=1e-9)


def test_the_coefficients_of_every_point_sum_to_one():
    _, e = fitted(r=20)
    np.testing.assert_allclose(e.gamma(np.random.default_rng(0).normal(size=(9, e.dim))).sum(1), 1, atol=1e-10)


def test_lost_variance_is_the_mean_residual():
    x, e = fitted(r=5)
    np.testing.assert_allclose(e.residual(x).mean(), e.total * (1 - e.explained[-1]), rtol=1e-9)
    assert (np.diff(e.explained) > 0).all()
    assert e.explained[-1] < 1


def test_all_objects_as_landmarks_give_the_exact_embedding():
    _, exact = fitted(r=6)
    _, low = fitted(r=6, exact_up_to=10, landmarks=60)
    new = cloud(12, seed=4)
    a, b = exact.coordinates(new), low.coordinates(new)
    np.testing.assert_allclose(a @ a.T, b @ b.T, atol=1e-7)
    np.testing.assert_allclose(exact.residual(new), low.residual(new), atol=1e-6)
    np.testing.assert_allclose(exact.explained, low.explained, atol=1e-7)


def test_a_few_landmarks_come_close():
    x = cloud(2500, 2)
    kernel = Kernel("gaussian", median_distance(x))
    low = embed(x, kernel, 4, np.random.default_rng(0))
    assert len(low.anchors) == 500
    exact = embed(x, kernel, 4, np.random.default_rng(0), exact_up_to=3000)
    np.testing.assert_allclose(low.variances, exact.variances, rtol=1e-4)
    a, b = low.coordinates(x[:50]), exact.coordinates(x[:50])
    np.testing.assert_allclose(a * np.sign((a * b).sum(0)), b, atol=5e-3)


def test_whitened_coordinates_with_white_noise_are_the_same_process_as_coloured_noise():
    x, e = fitted(r=8)
    for s in (0.0, 0.5, 1.0, 2.0):
        scale, weights = whiten(e.variances, e.variances**s)
        y = e.coordinates(x) / scale
        np.testing.assert_allclose(y.var(0).mean(), 1)
        np.testing.assert_allclose(weights.mean(), 1)
        noise_in_h = scale**2  # variances of z when y gets unit white noise
        np.testing.assert_allclose(noise_in_h / e.variances**s, (noise_in_h / e.variances**s)[0])
        np.testing.assert_allclose(weights / noise_in_h, (weights / noise_in_h)[0])
    np.testing.assert_allclose((e.coordinates(x) / whiten(e.variances, e.variances)[0]).var(0), 1)


def test_equal_objects_are_refused_and_duplicates_are_not():
    kernel = Kernel("gaussian", 1.0)
    for alone in (np.ones((1, 2)), np.ones((6, 2))):
        with pytest.raises(ValueError, match="at least two different"):
            embed(alone, kernel, 3, np.random.default_rng(0))
    twice = np.repeat(cloud(4), 3, axis=0)
    e = embed(twice, kernel, 10, np.random.default_rng(0))
    assert e.dim == 3
    np.testing.assert_allclose(e.residual(twice), 0, atol=1e-9)
    with pytest.raises(ValueError, match="at least two different"):
        embed(np.ones((50, 2)), kernel, 3, np.random.default_rng(0), exact_up_to=10, landmarks=20)

"""Sorted projections of clouds: their distance is the sliced Wasserstein distance, and the flow finds the cloud of a vector."""

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.kernels.clouds import SlicedQuantiles
from rkdiff.kernels.vectors import Kernel, median_distance, squared_distances


def clouds(n=8, points=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, points, 2)) @ rng.normal(size=(n, 2, 2)) + rng.normal(size=(n, 1, 2))


def sliced(points=20, slices=16, levels=64, seed=0):
    return SlicedQuantiles.draw(points, slices, levels, np.random.default_rng(seed))


def test_the_squared_distance_is_that_of_an_independent_library_on_the_same_directions():
    x, psi = clouds(), sliced()
    d2 = squared_distances(psi(x), psi(x))
    for i in range(len(x)):
        for j in range(i):
            other = ot.sliced_wasserstein_distance(x[i], x[j], projections=psi.theta.T)
            np.testing.assert_allclose(d2[i, j], other**2, rtol=1e-9)


@pytest.mark.parametrize("levels", [1, 5, 7, 13, 20])
def test_fewer_levels_keep_the_means_of_quantiles_and_never_more_distance(levels):
    x, psi, few = clouds(), sliced(), sliced(levels=levels)
    whole, less = squared_distances(psi(x), psi(x)), squared_distances(few(x), few(x))
    assert (less <= whole + 1e-9).all()
    np.testing.assert_allclose(few.average.sum(1), 1)
    np.testing.assert_allclose(few.average.sum(0), levels / 20)
    np.testing.assert_allclose(few.average @ few.lift, np.eye(levels), atol=1e-10)
    shift = np.array([0.3, -0.2])
    np.testing.assert_allclose(((few(x + shift) - few(x)) ** 2).sum(1), (shift**2).sum() / 2, rtol=1e-9)


@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(-5, 5))
def test_a_shift_is_as_far_as_half_its_squared_length_whatever_the_cloud(seed, a, b):
    x, psi = clouds(3, seed=seed), sliced(seed=seed)
    moved = psi(x + np.array([a, b]))
    np.testing.assert_allclose(((moved - psi(x)) ** 2).sum(1), (a**2 + b**2) / 2, atol=1e-9)
    np.testing.assert_allclose(moved - psi(x), np.repeat((moved - psi(x))[:1], 3, axis=0), atol=1e-12)


@given(st.integers(0, 1000))
def test_the_order_of_the_points_does_not_matter(seed):
    x, psi = clouds(3, seed=seed), sliced()
    mixed = x[:, np.random.default_rng(seed).permutation(20)]
    np.testing.assert_allclose(psi(mixed), psi(x), atol=1e-12)


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_the_gaussian_of_the_sliced_distance_is_positive_semi_definite(seed, width):
    v = sliced()(clouds(12, seed=seed))
    for name in ("gaussian", "laplace", "matern"):
        gram = Kernel(name, width * median_distance(v))(v, v)
        assert np.linalg.eigvalsh((gram + gram.T) / 2)[0] > -1e-7


def test_scaling_a_cloud_about_its_middle_is_a_scaling_of_its_vector():
    x, psi = clouds(4), sliced()
    x = x - x.mean(1, keepdims=True)
    np.testing.assert_allclose(psi(2.5 * x), 2.5 * psi(x), atol=1e-12)
    np.testing.assert_allclose((psi(x) ** 2).sum(1), (x**2).sum(2).mean(1) / 2, rtol=1e-9)


def test_the_flow_finds_the_cloud_of_a_vector_from_anywhere():
    x, psi = clouds(12, 40), sliced(40, 32)
    begin = np.random.default_rng(1).normal(size=x.shape)
    found = psi.flow(begin, psi(x), 200)
    error = ((psi(found) - psi(x)) ** 2).sum(1)
    assert (error < 3e-3 * (psi(x) ** 2).sum(1)).all()
    assert (error < 1e-20).mean() > 0.4
    for i in np.flatnonzero(error < 1e-20):
        nearest = ot.dist(found[i], x[i]).min(1)
        assert nearest.max() < 1e-6  # the points themselves, in another order


def test_a_cloud_already_there_does_not_move_and_a_shift_takes_one_step():
    x, psi = clouds(5), sliced()
    np.testing.assert_allclose(psi.flow(x, psi(x), 20), x, atol=1e-12)
    np.testing.assert_allclose(psi.flow(x, psi(x + np.array([1.0, -2.0])), 1), x + np.array([1.0, -2.0]), atol=1e-12)


@pytest.mark.parametrize("levels", [8, 64])
def test_the_flow_comes_nearer_the_longer_it_runs(levels):
    x, psi = clouds(10, 24), sliced(24, levels=levels)
    goal = 0.5 * (psi(x) + psi(x[::-1]))
    error = [float(((psi(psi.flow(x, goal, n)) - goal) ** 2).sum()) for n in (0, 5, 50)]
    assert error[0] > 2 * error[1] > 2 * error[2]


def test_a_cloud_of_one_point_is_the_point():
    x, psi = clouds(3, 1), sliced(1)
    np.testing.assert_allclose(psi.flow(np.zeros_like(x), psi(x), 1), x, atol=1e-12)
    assert psi(x[:0]).shape == (0, 16)
    assert psi.flow(x[:0], psi(x[:0]), 3).shape == (0, 1, 2)


def test_clouds_of_another_size_are_refused():
    with pytest.raises(PartError, match="as many points"):
        sliced(20)(clouds(points=19))

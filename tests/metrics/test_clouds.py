"""Distances between clouds against closed forms and other libraries."""

import math

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.data.checkerboard import Checkerboard
from rkdiff.metrics import clouds
from rkdiff.metrics.clouds import energy_distance, floor, memorisation, nearest, sliced_energy, sliced_wasserstein, spill
from rkdiff.metrics.density import density


def normal(n, d=2, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 71), (7, 100), (1, 3)])
def test_sliced_distance_in_1d_is_the_exact_one_of_pot(n, m):
    import ot

    x, y = normal(n, 1, 1), normal(m, 1, 2, 2.0) + 1
    assert sliced_wasserstein(x, y) == pytest.approx(math.sqrt(ot.emd2_1d(x[:, 0], y[:, 0])), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(60, 60), (60, 45)])
@pytest.mark.parametrize("d", [2, 3, 8])
def test_sliced_distance_is_that_of_pot_on_the_same_directions(n, m, d):
    import ot

    from rkdiff.processes.slices import directions

    x, y = normal(n, d, 1), normal(m, d, 2) * 0.5 + 1
    theta = directions(d, 64, Rng(4).numpy("directions"))
    theirs = ot.sliced_wasserstein_distance(x, y, projections=theta.T)
    assert sliced_wasserstein(x, y, 64, rng=Rng(4)) == pytest.approx(theirs, rel=1e-10)


def test_translations_cost_their_length_over_the_root_of_the_dimension():
    x = normal(100, 5)
    shift = np.array([1.0, -2, 0, 0.5, 3])
    assert sliced_wasserstein(x, x + shift) == pytest.approx(np.linalg.norm(shift) / math.sqrt(5), rel=1e-12)


def test_sliced_distance_of_two_gaussians_nears_its_closed_form():
    """SW2^2 = |m|^2/2 + the mean over angles of the squared difference of the projected standard deviations."""
    s0, s1, m = np.array([[1, 0.6], [0.6, 1.5]]), np.array([[0.5, -0.2], [-0.2, 2]]), np.array([1, -0.5])
    angle = np.pi * (np.arange(32) + 0.5) / 32
    t = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sd = [np.sqrt(np.einsum("li,ij,lj->l", t, s, t)) for s in (s0, s1)]
    exact = m @ m / 2 + ((sd[0] - sd[1]) ** 2).mean()
    assert exact == pytest.approx(0.7221220203, abs=1e-10)
    x = normal(40000, 2, 1) @ np.linalg.cholesky(s0).T
    y = normal(40000, 2, 2) @ np.linalg.cholesky(s1).T + m
    assert sliced_wasserstein(x, y, 32) ** 2 == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 71), (1, 4)])
def test_energy_distance_in_1d_is_that_of_scipy(n, m):
    from scipy.stats import energy_distance as theirs

    x, y = normal(n, 1, 1), normal(m, 1, 2, 2.0) + 1
    assert energy_distance(x, y) == pytest.approx(theirs(x[:, 0], y[:, 0]), rel=1e-9)
    assert sliced_energy(x, y) == pytest.approx(theirs(x[:, 0], y[:, 0]), rel=1e-9)


@pytest.mark.parametrize("d", [2, 3, 6])
def test_sliced_energy_distance_nears_the_one_over_all_pairs(d):
    x, y = normal(300, d, 1), normal(200, d, 2) * 0.7 + 0.5
    assert sliced_energy(x, y, 2000) == pytest.approx(energy_distance(x, y), rel=0.02)


def test_blocks_change_nothing(monkeypatch):
    x, y = normal(100, 9, 1), normal(37, 9, 2)
    whole = energy_distance(x, y), nearest(x, y)
    monkeypatch.setattr(clouds, "BLOCK", 50)
    assert energy_distance(x, y) == pytest.approx(whole[0], rel=1e-12)
    np.testing.assert_allclose(nearest(x, y), whole[1])


@pytest.mark.parametrize("distance", [sliced_wasserstein, sliced_energy, energy_distance])
def test_distances_are_symmetric_and_vanish_only_between_equals(distance):
    x, y = normal(40, 3, 1), normal(55, 3, 2)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-9)
    assert distance(x, x[::-1].copy()) < 1e-6
    assert distance(x, np.concatenate([x, x])) < 1e-6
    assert distance(x, x + 0.01) > 1e-3


def test_clouds_of_different_kinds_are_refused_in_words():
    with pytest.raises(ValueError, match="cannot be compared"):
        sliced_wasserstein(normal(5, 2), normal(5, 3))
    with pytest.raises(ValueError, match="cannot be compared"):
        sliced_wasserstein(normal(5, 2), np.zeros((0, 2)))


@pytest.mark.parametrize("d", [2, 12])
def test_nearest_is_the_smallest_of_all_distances(d):
    x, y = normal(30, d, 1), normal(40, d, 2)
    np.testing.assert_allclose(nearest(x, y), np.linalg.norm(x[:, None] - y[None], axis=2).min(axis=1))


def test_copies_are_memorised_and_fresh_points_are_not():
    source = Checkerboard()
    data, fresh, other = source.make(Rng(0)), source.fresh(4000, Rng(0)), source.fresh(2000, Rng(1))
    assert memorisation(data.train, data.train, fresh.train) == 0
    assert memorisation(other.train, data.train, fresh.train) == pytest.approx(1, abs=0.1)
    assert memorisation(data.train + 0.003, data.train, fresh.train) < 0.3


def test_spill_sees_points_far_from_the_truth():
    fresh, other = Checkerboard().fresh(4000, Rng(0)), Checkerboard().fresh(2000, Rng(1)).train
    assert spill(other, fresh.train, fresh.held_out) == pytest.approx(1, abs=0.15)
    stray = other.copy()
    stray[:200] = np.random.default_rng(0).uniform(3, 4, (200, 2))
    assert spill(stray, fresh.train, fresh.held_out) > 10


def test_data_full_of_duplicates_says_nothing_of_memorisation():
    train = np.zeros((50, 2))
    assert math.isnan(memorisation(train, train, train))
    assert math.isnan(spill(train, train, train))


def test_a_floor_is_the_mean_over_pairs():
    mean, sd = floor(lambda x, y: float(x[0, 0] - y[0, 0]), lambda k: (np.array([[float(k)]]), np.array([[1.0]])), 11)
    assert mean == pytest.approx(4.0)
    assert sd == pytest.approx(np.arange(11).std(ddof=1))
    with pytest.raises(ValueError, match="at least 2"):
        floor(energy_distance, lambda k: (normal(3), normal(3)), 1)


def test_floor_of_the_energy_distance_is_its_known_mean():
    """E[E^2] of two fresh samples of n points is 2/n times the mean distance of two points, sqrt(pi) for the plane's normal law."""
    squared, _ = floor(lambda x, y: energy_distance(x, y) ** 2, lambda k: (normal(200, 2, k), normal(200, 2, 1000 + k)), 60)
    assert squared == pytest.approx(2 / 200 * math.sqrt(math.pi), rel=0.12)


def test_a_density_has_mass_one_and_the_moments_of_the_points():
    x = normal(5000, 2, 0, 0.5) + [0.3, -0.4]
    extent, size = (-4.0, 4.0, -3.0, 3.0), 96
    values = density(x, extent, size)
    area = 8 * 6 / size**2
    assert values.shape == (size, size)
    assert values.min() >= 0
    assert values.sum() * area == pytest.approx(1, abs=1e-3)
    at_x, at_y = -4 + 8 * (np.arange(size) + 0.5) / size, -3 + 6 * (np.arange(size) + 0.5) / size
    assert (values.sum(0) * at_x).sum() * area == pytest.approx(x[:, 0].mean(), abs=1e-3)
    assert (values.sum(1) * at_y).sum() * area == pytest.approx(x[:, 1].mean(), abs=1e-3)
    truth = np.exp(-0.5 * ((at_x[None] - 0.3) ** 2 + (at_y[:, None] + 0.4) ** 2) / 0.25) / (2 * np.pi * 0.25)
    assert np.abs(values - truth).max() < 0.2 * truth.max()


def test_a_density_of_points_out_of_sight_is_zero():
    assert density(normal(50) + 100, (-1, 1, -1, 1), 16).sum() == 0
    assert density(np.array([[np.nan, 0.0]]), (-1, 1, -1, 1), 16).sum() == 0
    with pytest.raises(ValueError, match="empty"):
        density(normal(5), (1, 1, 0, 1))

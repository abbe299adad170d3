"""Barycentres against their closed forms and POT."""

import numpy as np
import ot
import pytest

from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import distance as gaussian_distance
from rkdiff.transport import barycentres, exact


def test_on_the_line_quantiles_are_averaged():
    g = np.random.default_rng(0)
    x, y = g.normal(size=8), g.exponential(size=8)
    points, mass = barycentres.on_line([x, y], np.array([0.25, 0.75]))
    assert points == pytest.approx(0.25 * np.sort(x) + 0.75 * np.sort(y))
    assert mass == pytest.approx(np.full(8, 1 / 8))


def test_on_the_line_the_barycentre_of_two_lies_on_their_geodesic_at_any_sizes():
    g = np.random.default_rng(0)
    x, y = g.normal(size=6), g.exponential(size=9)
    points, mass = barycentres.on_line([x, y], np.array([0.6, 0.4]))
    assert len(points) == 12  # levels r/6 and r/9 share every third
    i, j, lines = exact.staircase(x, y)
    assert points == pytest.approx(0.6 * x[i] + 0.4 * y[j])
    assert mass == pytest.approx(lines)
    three, masses = barycentres.on_line([x, y, g.normal(size=4)])
    assert (np.diff(three) >= 0).all()
    assert masses.sum() == pytest.approx(1)


def test_the_covariance_between_gaussians_is_that_of_pot_and_solves_its_equation():
    g = np.random.default_rng(0)
    gaussians = [Gaussian(g.normal(size=3), h @ h.T + 0.1 * np.eye(3)) for h in g.normal(size=(3, 3, 3))]
    w = np.array([0.2, 0.5, 0.3])
    found = barycentres.of_gaussians(gaussians, w)
    mean, cov = ot.gaussian.bures_wasserstein_barycenter(
        np.stack([k.mean for k in gaussians]), np.stack([k.cov for k in gaussians]), w, num_iter=500, eps=1e-12
    )
    assert found.mean == pytest.approx(mean)
    assert np.abs(found.cov - cov).max() < 1e-8
    from scipy.linalg import sqrtm

    half = sqrtm(found.cov)
    right = sum(share * sqrtm(half @ k.cov @ half) for share, k in zip(w, gaussians, strict=True))
    assert np.abs(found.cov - right).max() < 1e-8


def test_the_barycentre_of_two_gaussians_lies_between_them():
    a, b = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]])), Gaussian(np.ones(2), np.array([[0.5, -0.2], [-0.2, 2]]))
    middle = barycentres.of_gaussians([a, b], np.array([0.3, 0.7]))
    whole = gaussian_distance(a, b)
    assert gaussian_distance(a, middle) == pytest.approx(0.7 * whole, rel=1e-6)
    assert gaussian_distance(middle, b) == pytest.approx(0.3 * whole, rel=1e-6)


def test_free_points_find_the_barycentre_of_translates_and_never_climb():
    g = np.random.default_rng(0)
    x = g.normal(size=(30, 2))
    shifts = np.array([[2.0, 0.0], [-1.0, 1.0], [0.0, -3.0]])
    found = barycentres.free_support([x + s for s in shifts], g.normal(size=(30, 2)), np.array([0.5, 0.25, 0.25]), steps=30)
    assert found.converged
    assert (np.diff(found.objective) <= 1e-12).all()
    at = np.array([0.5, 0.25, 0.25]) @ shifts
    least = np.array([0.5, 0.25, 0.25]) @ ((shifts - at) ** 2).sum(1)
    assert found.objective[-1] == pytest.approx(least, rel=1e-6)
    assert exact.distance(found.points, x + at) < 1e-3


@pytest.mark.parametrize("unit", [1e-8, 1e-6, 1e6])
def test_free_points_do_not_depend_on_the_unit_of_length(unit):
    g = np.random.default_rng(0)
    clouds, start = [g.normal(size=(30, 2)), 2 * g.normal(size=(45, 2)) + 1], g.normal(size=(20, 2))
    plain = barycentres.free_support(clouds, start, steps=5)
    found = barycentres.free_support([unit * c for c in clouds], unit * start, steps=5)
    assert found.objective == pytest.approx(unit**2 * plain.objective, rel=1e-9)
    assert found.points == pytest.approx(unit * plain.points, rel=1e-9, abs=1e-9 * unit)


def test_free_points_are_those_of_pot():
    g = np.random.default_rng(0)
    clouds, start = [g.normal(size=(30, 2)), 2 * g.normal(size=(45, 2)) + 1], g.normal(size=(20, 2))
    w = np.array([0.3, 0.7])
    found = barycentres.free_support(clouds, start, w, steps=3, tolerance=0.0)
    masses = [np.full(len(c), 1 / len(c)) for c in clouds]
    theirs = ot.lp.free_support_barycenter(clouds, masses, start, weights=w, numItermax=3, stopThr=0.0)
    assert found.points == pytest.approx(theirs, abs=1e-12)


def test_sliced_points_find_the_barycentre_of_scaled_clouds_and_never_climb():
    g = np.random.default_rng(0)
    x = g.normal(size=(60, 3))
    clouds = [0.5 * x + [3, 0, 0], 2.0 * x, x[::-1] - [0, 3, 0]]
    for eta in (0.5, 1.0, 1.9):
        found = barycentres.sliced(clouds, g.normal(size=(60, 3)), g, steps=60, eta=eta, tolerance=0.0)
        assert (np.diff(found.objective) <= 1e-12).all()
    found = barycentres.sliced(clouds, g.normal(size=(60, 3)), g, steps=300, tolerance=1e-9)
    # in the sliced distance too, equal shapes have their mean shape between them: position and size are averaged
    true = 3.5 / 3 * x + [1, -1, 0]
    s = barycentres.sliced(clouds, true, g, steps=1)
    assert np.abs(s.points - true).max() < 1e-9
    assert found.objective[-1] == pytest.approx(s.objective[0], rel=0.02)
    assert found.points.mean(0) == pytest.approx([1, -1, 0] + 3.5 / 3 * x.mean(0), abs=1e-6)


def test_on_the_line_the_sliced_barycentre_is_exact_after_one_step():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(12, 1)), g.exponential(size=(12, 1))
    found = barycentres.sliced([x, y], g.normal(size=(12, 1)), g, steps=1)
    assert np.sort(found.points[:, 0]) == pytest.approx(barycentres.on_line([x[:, 0], y[:, 0]])[0])


def test_what_cannot_be_is_refused():
    x = np.zeros((3, 2))
    for wrong, words in (
        (lambda: barycentres.on_line([]), "at least one sample"),
        (lambda: barycentres.on_line([x[:, 0], np.array([0.0, np.nan])]), "not finite"),
        (lambda: barycentres.of_gaussians([]), "at least one"),
        (lambda: barycentres.free_support([], x), "at least one of each"),
        (lambda: barycentres.sliced([x], x, np.random.default_rng(0), eta=2.0), "below 2"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()

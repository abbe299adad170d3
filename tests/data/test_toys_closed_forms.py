"""Each toy law against what can be worked out by hand."""

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.data.checkerboard import Checkerboard
from rkdiff.data.eight_gaussians import EightGaussians
from rkdiff.data.gaussian_mixture import GaussianMixture
from rkdiff.data.pinwheel import Pinwheel
from rkdiff.data.rings import Rings
from rkdiff.data.spiral import Spiral
from rkdiff.data.swiss_roll import SwissRoll
from rkdiff.data.two_moons import TwoMoons

N = 20000


def points(source):
    return source.make(Rng(5)).train


def test_two_moons_have_the_moments_of_half_circles():
    noise, r = 0.1, 1.2
    x = points(TwoMoons(n=N, noise=noise))
    # the arc (cos, sin) - (1/2, 1/4) has second moments 1/2 + 1/4 and 1/2 - (2/pi)/2 + 1/16; the sign averages its mean away
    second = r**2 * np.array([0.75, 0.5 - 1 / np.pi + 1 / 16]) + noise**2
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose((x**2).mean(axis=0), second, rtol=0.03)


def test_a_moon_without_noise_is_a_circle_of_radius_1_2():
    data = TwoMoons(n=500, noise=0).make(Rng(0))
    upper = data.train[data.train_labels == 0]
    np.testing.assert_allclose(np.linalg.norm(upper + 1.2 * np.array([0.5, 0.25]), axis=1), 1.2)


def test_eight_gaussians_have_the_moments_of_their_mixture():
    x = points(EightGaussians(n=N, radius=1.5, noise=0.2))
    np.testing.assert_allclose(np.cov(x.T), (1.5**2 / 2 + 0.2**2) * np.eye(2), atol=0.03)


def test_only_dark_squares_carry_mass_and_each_the_same():
    x = points(Checkerboard(n=N, cells=4))
    cell = np.floor(x + 2).astype(int)
    assert (cell.sum(axis=1) % 2 == 0).all()
    assert cell.min() == 0
    assert cell.max() == 3
    counts = np.unique(cell @ [1, 4], return_counts=True)[1]
    assert len(counts) == 8
    assert ((counts - N / 8) ** 2 / (N / 8)).sum() < 25  # chi-square, 7 degrees of freedom: p = 0.0007


def test_a_spiral_without_noise_turns_in_proportion_to_its_radius():
    data = Spiral(n=500, arms=2, turns=1.5, noise=0).make(Rng(0))
    r, angle = np.linalg.norm(data.train, axis=1), np.arctan2(data.train[:, 1], data.train[:, 0])
    turned = 2 * np.pi * 1.5 * r / 2 + np.pi * data.train_labels
    np.testing.assert_allclose(np.cos(angle - turned), 1, atol=1e-9)
    assert r.max() <= 2


def test_a_pinwheel_without_twist_has_straight_blades():
    data = Pinwheel(n=N, arms=4, noise=0.1, twist=0).make(Rng(0))
    blade = data.train[data.train_labels == 0]  # along the first axis, up to the turn of exp(.) * 0
    np.testing.assert_allclose(blade.mean(axis=0), [1.2, 0], atol=0.03)
    np.testing.assert_allclose(blade.std(axis=0), [1.2 * 0.36, 0.1], rtol=0.05)


def test_rings_are_equally_dense():
    data = Rings(n=N, rings=3, noise=0).make(Rng(0))
    r = np.linalg.norm(data.train, axis=1)
    np.testing.assert_allclose(r, 2 * (data.train_labels + 1) / 3)
    np.testing.assert_allclose(np.bincount(data.train_labels) / N, [1 / 6, 2 / 6, 3 / 6], atol=0.015)


def test_a_swiss_roll_without_noise_lies_on_its_curve():
    x = points(SwissRoll(n=500, noise=0))
    t = np.linalg.norm(x, axis=1) / 2 * 4.5 * np.pi
    assert t.min() >= 1.5 * np.pi - 1e-9
    np.testing.assert_allclose(x, (t / (4.5 * np.pi) * 2)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), atol=1e-12)


@pytest.mark.parametrize("shape", [0, 1, 7])
def test_a_gaussian_mixture_has_the_moments_of_its_parameters(shape):
    part = GaussianMixture(n=N, components=4, shape=shape)
    weights, means, covs = part.parameters()
    data = part.make(Rng(0))
    np.testing.assert_allclose(weights @ means, 0, atol=1e-12)
    np.testing.assert_allclose((weights @ means**2).mean(), 1)
    np.testing.assert_allclose(np.bincount(data.train_labels, minlength=4) / N, weights, atol=0.02)
    for k in range(4):
        mine = data.train[data.train_labels == k]
        np.testing.assert_allclose(mine.mean(axis=0), means[k], atol=0.05)
        np.testing.assert_allclose(np.cov(mine.T), covs[k], atol=0.03)
        axes = np.sqrt(np.linalg.eigvalsh(covs[k]))
        np.testing.assert_allclose([axes[1] / axes[0], np.sqrt(axes[0] * axes[1])], [3.0, 0.2])


def test_the_arrangement_of_a_mixture_depends_on_its_shape_alone():
    a, b = GaussianMixture(shape=1), GaussianMixture(shape=2)
    assert not np.allclose(a.parameters()[1], b.parameters()[1])
    np.testing.assert_array_equal(a.parameters()[1], GaussianMixture(n=50, shape=1).parameters()[1])


@pytest.mark.parametrize("source", [EightGaussians(n=N), GaussianMixture(n=N), GaussianMixture(n=N, components=1, spread=0)])
def test_the_exact_law_has_the_moments_of_the_points(source):
    data = source.make(Rng(0))
    law = data.law
    mean = law.weights @ law.means
    np.testing.assert_allclose(data.train.mean(axis=0), mean, atol=0.04)
    second = np.einsum("k,kij->ij", law.weights, law.covs) + np.einsum("k,ki,kj->ij", law.weights, law.means, law.means)
    np.testing.assert_allclose(data.train.T @ data.train / N, second, atol=0.05)
    np.testing.assert_array_equal(law.classes, np.arange(len(law.weights)))

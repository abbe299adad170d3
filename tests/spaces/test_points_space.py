"""The space of points: an affine map that keeps the geometry."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError, choices
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data._plane import PlaneSource
from rkdiff.data.gaussian_mixture import GaussianMixture
from rkdiff.spaces.points import Points

TOYS = [c for c in choices("data").values() if issubclass(c, PlaneSource)]


def of(train):
    return Dataset("made", "points", train, train)


@pytest.mark.parametrize("toy", TOYS, ids=lambda c: c.name)
def test_decoding_inverts_encoding_also_for_unseen_points(toy):
    data = toy().make(Rng(0))
    space = Points().fit(data, Rng(0))
    y = space.encode(data.held_out)
    np.testing.assert_allclose(space.decode(y, Rng(0)), data.held_out, atol=1e-12)
    assert y.shape == (len(data.held_out), 2)


def test_training_coordinates_have_mean_zero_and_mean_variance_one():
    x = np.random.default_rng(0).normal(size=(500, 3)) * [5, 1, 0.1] + [100, -3, 7]
    y = Points().fit(of(x), Rng(0)).encode(x)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0).mean(), 1)
    np.testing.assert_allclose(y.std(axis=0) / y.std(axis=0)[0], x.std(axis=0) / x.std(axis=0)[0])


def test_distances_keep_their_ratios():
    x = np.random.default_rng(1).normal(size=(40, 2)) * [3, 1]
    space = Points().fit(of(x), Rng(0))
    plain = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.testing.assert_allclose(space.distance(x, x) * space.scale, plain, atol=1e-6)
    assert space.valid(x).all()
    assert not space.valid(np.array([[np.nan, 0.0]]))[0]


@pytest.mark.parametrize("size", [1.0, 1e9, 1e-9, 0.0])
def test_points_that_all_coincide_sit_at_the_origin_and_come_back(size):
    x = np.full((20, 2), 3.7 * size)
    space = Points().fit(of(x), Rng(0))
    assert space.scale == 1
    np.testing.assert_allclose(space.encode(x), 0, atol=1e-6)
    np.testing.assert_allclose(space.decode(space.encode(x), Rng(0)), x)


def test_one_dimension_is_drawn_with_a_zero():
    x = np.random.default_rng(0).normal(size=(10, 1))
    space = Points().fit(of(x), Rng(0))
    assert space.plane(space.encode(x)).shape == (10, 2)


@pytest.mark.parametrize("bad", [np.zeros(5), np.zeros((0, 2)), np.array([[1.0, np.inf]])])
def test_what_is_not_a_cloud_is_refused_in_words(bad):
    with pytest.raises(PartError, match="finite numbers in an"):
        Points().fit(of(bad), Rng(0))


def test_the_law_follows_the_map():
    source = GaussianMixture(n=20000)
    data = source.make(Rng(0))
    space = Points().fit(data, Rng(0))
    law, y = Points().law(data, space), space.encode(data.train)
    np.testing.assert_allclose(law.means, space.encode(data.law.means))
    np.testing.assert_allclose(law.covs, data.law.covs / space.scale**2)
    np.testing.assert_allclose(law.weights @ law.means, y.mean(axis=0), atol=0.03)


def test_no_law_stays_no_law():
    data = of(np.random.default_rng(0).normal(size=(10, 2)))
    assert Points().law(data, Points().fit(data, Rng(0))) is None

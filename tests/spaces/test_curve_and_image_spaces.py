"""Curves and images through kernels: round trips, pre-images that never get worse, plain messages."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.digits import Digits
from rkdiff.data.tecator import Tecator
from rkdiff.kernels.vectors import Kernel
from rkdiff.spaces._preimage import DECODERS, fixed_point, on_simplex, simplex_weights
from rkdiff.spaces.curves import Curves
from rkdiff.spaces.images import Images

SETS = {"curves": (Curves, Tecator), "images": (Images, Digits)}


@pytest.fixture(scope="module", params=SETS)
def modality(request):
    space, source = SETS[request.param]
    return space, source().make(Rng(0))


def relative(found, wanted, train):
    return ((found - wanted) ** 2).sum() / ((wanted - train.mean(0)) ** 2).sum()


def test_training_coordinates_have_mean_zero_and_mean_variance_one(modality):
    space, data = modality
    y = space().fit(data, Rng(0)).encode(data.train)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-8)
    np.testing.assert_allclose(y.var(0).mean(), 1)
    np.testing.assert_allclose(space(smoothness=1.0).fit(data, Rng(0)).encode(data.train).var(0), 1, rtol=1e-6)


def test_the_nearest_decoder_is_exact_on_training_objects_when_all_coordinates_are_kept(modality):
    space, data = modality
    few = Dataset(data.name, data.modality, data.train[:30], data.held_out, meta=data.meta)
    fitted = space(decoder="nearest", r=40, kernel="gaussian").fit(few, Rng(0))
    np.testing.assert_allclose(fitted.decode(fitted.encode(few.train), Rng(0)), few.train, rtol=1e-12)


def test_principal_components_of_curves_decode_linearly_and_like_an_independent_svd():
    data = Tecator().make(Rng(0))
    fitted = Curves(r=5).fit(data, Rng(0))
    y = fitted.encode(data.held_out)
    a, b = fitted.decode(y[:1], Rng(0)), fitted.decode(y[1:2], Rng(0))
    np.testing.assert_allclose(fitted.decode(0.3 * y[:1] + 0.7 * y[1:2], Rng(0)), 0.3 * a + 0.7 * b, atol=1e-9)
    w = np.sqrt(fitted.quadrature)
    mean = data.train.mean(0)
    basis = np.linalg.svd((data.train - mean) * w, full_matrices=False)[2][:5]
    np.testing.assert_allclose(fitted.decode(y, Rng(0)), mean + ((data.held_out - mean) * w @ basis.T @ basis) / w, atol=1e-7)
    assert relative(fitted.decode(y, Rng(0)), data.held_out, data.train) < 1e-3


def test_the_pre_image_of_unseen_objects_beats_the_nearest_training_object(modality):
    space, data = modality
    errors = {}
    for decoder in DECODERS:
        fitted = space(decoder=decoder, r=20, kernel="gaussian").fit(data, Rng(0))
        errors[decoder] = relative(fitted.decode(fitted.encode(data.held_out[:50]), Rng(0)), data.held_out[:50], data.train)
    assert errors["fixed_point"] < 0.6 * errors["nearest"]
    assert errors["simplex"] < 0.85 * errors["nearest"]


@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 50))
@pytest.mark.parametrize("name", SETS)
def test_whatever_the_knobs_objects_come_back_finite_and_valid(name, data, seed):
    space, source = SETS[name]
    made = source(n=60).make(Rng(seed)) if name == "images" else source(points=20).make(Rng(seed))
    fitted = data.draw(members(space)).fit(made, Rng(seed))
    x = np.random.default_rng(seed).normal(size=(4, fitted.dim)) * 3
    found = fitted.decode(x, Rng(seed))
    assert found.shape == fitted.shown(made.train[:4]).shape
    assert fitted.valid(found).all()
    assert found.tobytes() == fitted.decode(x, Rng(seed + 1)).tobytes()
    np.testing.assert_allclose(fitted.weights.mean(), 1)


@pytest.mark.parametrize("name", ["gaussian", "matern", "laplace"])
def test_the_fixed_point_never_moves_away_from_its_target(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    gamma = rng.normal(size=(25, 40)) / 6
    kernel, begin = Kernel(name, 1.0), rng.normal(size=(25, 3))
    height = lambda y: 2 * (gamma * kernel(y, x)).sum(1)
    heights = [height(fixed_point(kernel, x, gamma, begin, n)) for n in (0, 1, 5, 40)]
    for low, high in pairwise(heights):
        assert (high >= low - 1e-12).all()
    assert (heights[-1] > heights[0] + 1e-3).mean() > 0.8


def test_the_fixed_point_of_a_single_object_is_that_object():
    x = np.random.default_rng(0).normal(size=(10, 3))
    found = fixed_point(Kernel("gaussian", 1.5), x, np.eye(10), x[::-1].copy(), 5)
    np.testing.assert_allclose(found, x, atol=1e-6)


def test_simplex_weights_of_an_object_of_the_set_pick_it():
    x = np.random.default_rng(0).normal(size=(6, 3))
    gram = Kernel("gaussian", 0.7)(x, x)
    weights = simplex_weights(np.repeat(gram[None], 6, axis=0), gram, 2000)
    np.testing.assert_allclose(weights, np.eye(6), atol=1e-3)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6))
def test_the_projection_on_the_simplex_is_the_nearest_point(v):
    v = np.array([v])
    w = on_simplex(v)
    assert (w >= 0).all()
    np.testing.assert_allclose(w.sum(), 1)
    for other in np.random.default_rng(0).dirichlet(np.ones(v.shape[1]), 20):
        assert ((w - v) ** 2).sum() <= ((other - v) ** 2).sum() + 1e-9
    np.testing.assert_allclose(on_simplex(w), w, atol=1e-12)


def test_simplex_decoded_pictures_stay_within_the_range_of_the_data():
    data = Digits(n=100).make(Rng(0))
    fitted = Images(decoder="simplex").fit(data, Rng(0))
    found = fitted.decode(np.random.default_rng(0).normal(size=(10, fitted.dim)) * 4, Rng(0))
    assert (found <= data.train.max(0) + 1e-9).all()
    assert (found >= data.train.min(0) - 1e-9).all()


def test_the_norm_of_the_space_does_not_depend_on_the_number_of_grid_points():
    fine, coarse = Tecator(points=100).make(Rng(0)), Tecator(points=50).make(Rng(0))
    a = Curves(r=4).fit(fine, Rng(0)).distance(fine.held_out, fine.held_out)
    b = Curves(r=4).fit(coarse, Rng(0)).distance(coarse.held_out, coarse.held_out)
    np.testing.assert_allclose(a / a.max(), b / b.max(), atol=5e-3)


@pytest.mark.parametrize(
    ("space", "train", "meta", "words"),
    [
        (Curves, np.zeros((3, 1)), {}, "two grid points"),
        (Curves, np.zeros((3, 5)), {"grid": [0.0, 1.0]}, "one value a point"),
        (Curves, np.zeros((3, 5)), {"grid": [0.0, 1.0, 1.0, 2.0, 3.0]}, "increase strictly"),
        (Curves, np.ones((3, 5)), {}, "at least two different"),
        (Curves, np.full((3, 5), np.nan), {}, "finite"),
        (Images, np.zeros((3, 5)), {}, "height, width"),
        (Images, np.zeros((1, 4, 4)), {}, "at least two different"),
        (Images, np.zeros((0, 4, 4)), {}, "at least two"),
    ],
)
def test_data_that_cannot_be_embedded_is_refused_with_a_reason(space, train, meta, words):
    with pytest.raises(ValueError, match=words):
        space().fit(Dataset("made", "any", train, train, meta=meta), Rng(0))


def test_pictures_outside_grey_are_not_valid():
    data = Digits(n=50).make(Rng(0))
    fitted = Images().fit(data, Rng(0))
    odd = np.stack([data.train[0], data.train[0] + 0.5, data.train[0] * np.nan])
    assert fitted.valid(odd).tolist() == [True, False, False]

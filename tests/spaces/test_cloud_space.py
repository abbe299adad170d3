"""Clouds in a Hilbert space: decoding goes back, keeps the identity of points, and stays in the box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from strategies import members

from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.cloud_shapes import CloudShapes
from rkdiff.data.digit_clouds import DigitClouds
from rkdiff.spaces._cloud_decode import DECODERS, in_order_of
from rkdiff.spaces.clouds import Clouds, ordered


@pytest.fixture(scope="module")
def shapes():
    return CloudShapes(n=120, points=40).make(Rng(0))


@pytest.fixture(scope="module")
def fitted(shapes):
    return Clouds(r=30).fit(shapes, Rng(0))


def sw(space, a, b):
    return np.sqrt(((space.vectors(a) - space.vectors(b)) ** 2).sum(1))


def test_coordinates_do_not_see_the_order_of_the_points(fitted, shapes):
    mixed = shapes.held_out[:, ::-1]
    np.testing.assert_allclose(fitted.encode(mixed), fitted.encode(shapes.held_out), atol=1e-9)


def test_with_all_coordinates_training_clouds_come_back(shapes):
    few = Dataset("few", "clouds", shapes.train[:25], shapes.held_out)
    fitted = Clouds(r=60, width=0.5).fit(few, Rng(0))
    back = fitted.decode(fitted.encode(few.train), Rng(0))
    assert np.median(sw(fitted, back, few.train)) < 1e-6
    assert sw(fitted, back, few.train).max() < 0.03


@pytest.mark.parametrize("decoder", [d for d in DECODERS if d not in ("nearest", "average_flow")])
def test_unseen_clouds_come_back_nearer_than_the_nearest_training_cloud(fitted, shapes, decoder):
    objects = shapes.held_out[:40]
    x = fitted.encode(objects)
    back, copy = (fitted.with_decoder(d).decode(x, Rng(0)) for d in (decoder, "nearest"))
    assert sw(fitted, back, objects).mean() < 0.85 * sw(fitted, copy, objects).mean()


def test_the_flow_comes_nearer_in_h_than_the_nearest_training_cloud_on_generated_points(fitted):
    x = np.random.default_rng(0).normal(size=(40, fitted.dim))
    found, copy = fitted.decode(x, Rng(0)), fitted.with_decoder("nearest").decode(x, Rng(0))
    assert fitted.residual(found, x).mean() < 0.8 * fitted.residual(copy, x).mean()
    assert fitted.novel(found).mean() > 0.8
    assert fitted.unique(found) == 1
    assert not fitted.novel(copy).any()


@pytest.mark.parametrize("decoder", ["flow", "nearest"])
def test_points_keep_their_identity_from_frame_to_frame(fitted, shapes, decoder):
    x = fitted.encode(shapes.held_out[:10])
    space = fitted.with_decoder(decoder)
    first = space.decode(x, Rng(0))
    then = space.decode(0.9 * x, Rng(0), start=first)
    apart = np.array([np.linalg.norm(a - b, axis=1).mean() for a, b in zip(first, then, strict=True)])
    best = np.array(
        [cdist(a, b)[linear_sum_assignment(cdist(a, b, "sqeuclidean"))].mean() for a, b in zip(first, then, strict=True)]
    )
    assert (apart < 1.3 * best + 0.02).all()
    shuffled = first[:, ::-1]
    other = space.decode(0.9 * x, Rng(0), start=shuffled)
    np.testing.assert_allclose(other[:, ::-1], then, atol=1e-6)  # the frame before decides which point is which


@pytest.mark.parametrize("decoder", ["flow", "simplex_flow", "conformal_flow"])
def test_pre_images_are_the_same_in_the_span_of_the_training_vectors(fitted, decoder):
    x = np.random.default_rng(0).normal(size=(5, fitted.dim))
    long = fitted.with_decoder(decoder)
    assert long.basis.shape == (16 * 40, 120)
    short = long.decode(x, Rng(0))
    long.basis, long.short, long.short_candidates = None, long.embedding, long.candidates
    np.testing.assert_allclose(long.decode(x, Rng(0)), short, atol=1e-5)


def test_the_best_order_is_the_optimal_assignment():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 12, 2))
    np.testing.assert_allclose(in_order_of(a, (a + 0.001)[:, rng.permutation(12)]), a + 0.001)
    assert in_order_of(a[:0], a[:0]).shape == (0, 12, 2)


def test_clouds_differ_by_their_points_and_not_by_their_order(fitted, shapes):
    mixed = shapes.train[:6, ::-1]
    assert not fitted.novel(mixed).any()
    assert not fitted.novel(mixed + 0.01).any()  # a copy, moved a little
    assert fitted.novel(mixed + 1.0).all()
    assert fitted.unique(np.concatenate([shapes.train[:3], mixed[:3]])) == 0.5
    np.testing.assert_allclose(ordered(mixed), ordered(shapes.train[:6]))
    tie = np.array([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_allclose(ordered(tie)[0], ordered(tie)[1])


def test_valid_is_finite_and_inside_the_widened_box(fitted, shapes):
    low, high = shapes.train.min((0, 1)), shapes.train.max((0, 1))
    cloud = np.tile((low + high) / 2, (4, 40, 1))
    cloud[1, 0] = high + 0.49 * (high - low)
    cloud[2, 0] = high + 0.51 * (high - low)
    cloud[3, 0, 0] = np.nan
    assert fitted.valid(cloud).tolist() == [True, True, False, False]


@settings(max_examples=12)
@given(st.data(), st.integers(0, 50))
def test_whatever_the_knobs_valid_clouds_come_back(data, seed):
    made = CloudShapes(n=30, points=data.draw(st.integers(8, 80))).make(Rng(seed))
    fitted = data.draw(members(Clouds)).fit(made, Rng(seed))
    x = 3 * np.random.default_rng(seed).normal(size=(3, fitted.dim))
    found = fitted.decode(x, Rng(seed))
    assert found.shape == (3, *made.train.shape[1:])
    assert fitted.valid(found).all()
    assert found.tobytes() == fitted.decode(x, Rng(seed + 1)).tobytes()


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (np.zeros((5, 4)), "points"),
        (np.zeros((5, 4, 3)), "points"),
        (np.zeros((5, 0, 2)), "a point or more"),
        (np.zeros((0, 4, 2)), "at least two"),
        (np.zeros((1, 4, 2)), "at least two"),
        (np.zeros((5, 4, 2)), "at least two different"),
        (np.full((5, 4, 2), np.nan), "finite"),
        (np.full((5, 4, 2), np.inf), "finite"),
        (np.repeat(np.random.default_rng(0).normal(size=(1, 4, 2)), 5, axis=0), "at least two different"),
    ],
)
def test_clouds_that_cannot_be_embedded_are_refused_with_a_reason(train, words):
    with pytest.raises(ValueError, match=words):
        Clouds().fit(Dataset("made", "clouds", train, train), Rng(0))


def test_duplicates_and_single_points_are_embedded():
    rng = np.random.default_rng(0)
    for train in (
        np.repeat(rng.normal(size=(3, 5, 2)), 4, axis=0),
        rng.normal(size=(10, 1, 2)),
        1e6 * rng.normal(size=(8, 5, 2)),
    ):
        fitted = Clouds().fit(Dataset("made", "clouds", train, train), Rng(0))
        found = fitted.decode(fitted.encode(train), Rng(0))
        assert fitted.valid(found).all()


def test_digits_as_clouds_keep_their_class_through_embedding_and_decoding():
    data = DigitClouds(n=100, digits="0 and 1").make(Rng(0))
    fitted = Clouds().fit(data, Rng(0))
    back = fitted.decode(fitted.encode(data.held_out[:30]), Rng(0))
    nearest = cdist(fitted.vectors(back), fitted.candidates).argmin(1)
    assert (data.train_labels[nearest] == data.held_out_labels[:30]).mean() > 0.95

"""Point clouds as datasets: their shapes are what their names say, their points have no order, digits keep their ink."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.rng import Rng
from rkdiff.data.cloud_shapes import SETS, CloudShapes, along, outlines
from rkdiff.data.digit_clouds import DigitClouds, scattered
from rkdiff.data.digits import Digits


@given(st.one_of(members(CloudShapes, n=st.integers(4, 40)), members(DigitClouds, n=st.integers(20, 40))), st.integers(0, 5))
def test_clouds_are_finite_labelled_and_equal_for_equal_seeds(source, seed):
    data = source.make(Rng(seed))
    assert data.modality == "clouds"
    assert data.train.shape == (len(data.train_labels), source.points, 2)
    assert data.held_out.shape == (len(data.held_out_labels), source.points, 2)
    assert len(data.held_out) >= 2
    assert np.isfinite(data.train).all()
    assert data.train_labels.max() < len(data.meta["class_names"])
    assert data.train.tobytes() == source.make(Rng(seed)).train.tobytes()


@pytest.mark.parametrize("shapes", SETS)
def test_every_class_is_equally_frequent_and_has_a_name(shapes):
    data = CloudShapes(n=60, shapes=shapes).make(Rng(0))
    names = data.meta["class_names"]
    assert np.bincount(data.train_labels).tolist() == [60 // len(names)] * len(names)
    assert data.train.shape == CloudShapes(n=60, shapes=shapes).fresh(60, Rng(0)).train.shape


def test_fresh_clouds_are_new():
    source = CloudShapes(n=10)
    data, fresh = source.make(Rng(0)), source.fresh(10, Rng(0))
    clouds = [data.train, data.held_out, fresh.train, fresh.held_out]
    assert len({c.tobytes() for part in clouds for c in part}) == 40


@pytest.mark.parametrize(("name", "length"), [("ring", 2 * np.pi), ("square", 4 * np.sqrt(2)), ("triangle", 3 * np.sqrt(3))])
def test_outlines_have_their_lengths_and_are_walked_at_equal_speed(name, length):
    corners = outlines()[name]
    around = np.concatenate([corners, corners[:1]])
    np.testing.assert_allclose(np.linalg.norm(np.diff(around, axis=0), axis=1).sum(), length, rtol=1e-3)
    steps = np.linalg.norm(np.diff(along(corners, np.linspace(0, 1, 3001)), axis=0), axis=1)
    assert np.quantile(steps, 0.02) > 0.98 * length / 3000


@pytest.mark.parametrize("name", outlines())
def test_the_longest_radius_of_an_outline_is_one(name):
    np.testing.assert_allclose(np.linalg.norm(outlines()[name], axis=1).max(), 1, rtol=1e-3)


def test_an_undisturbed_ring_has_all_its_points_on_an_ellipse():
    data = CloudShapes(n=40, shapes="ring and eight", noise=0.0, turn=0.0, stretch=0.0).make(Rng(0))
    ring = data.train[data.train_labels == 0]
    radius = np.linalg.norm(ring - ring.mean(1, keepdims=True), axis=2)
    assert (radius.std(1) < 0.01 * radius.mean(1)).all()
    eight = data.train[data.train_labels == 1]
    radius = np.linalg.norm(eight - eight.mean(1, keepdims=True), axis=2)
    assert (radius.std(1) > 0.2 * radius.mean(1)).all()


def test_points_come_in_no_order():
    data = CloudShapes(n=200, shapes="ring and eight", turn=0.0).make(Rng(0))
    ring = data.train[data.train_labels == 0]
    ring = ring - ring.mean(1, keepdims=True)
    angle = np.arctan2(ring[:, :, 1], ring[:, :, 0])
    following = np.cos(angle[:, 1:] - angle[:, :-1]).mean()
    assert abs(following) < 0.05  # along the outline it would be 0.995


def test_noise_is_the_jitter_of_every_point():
    still = CloudShapes(n=20, noise=0.0).make(Rng(3)).train
    shaken = replace(CloudShapes(n=20), noise=0.1).make(Rng(3)).train
    move = (shaken - still).ravel()
    np.testing.assert_allclose(move.std(), 0.1, rtol=0.05)


def test_a_pixel_gets_points_in_proportion_to_its_ink_rounded_up_or_down():
    pictures = Digits(n=40).make(Rng(0)).train
    points = 50
    clouds = scattered(pictures, points, np.random.default_rng(0))
    column = np.clip(((clouds[:, :, 0] + 1) * 4).astype(int), 0, 7)
    row = np.clip(((1 - clouds[:, :, 1]) * 4).astype(int), 0, 7)
    for picture, r, c in zip(pictures, row, column, strict=True):
        count = np.zeros((8, 8))
        np.add.at(count, (r, c), 1)
        wanted = points * picture / picture.sum()
        assert (np.abs(count - wanted) < 1 + 1e-9).all()
        assert not count[picture == 0].any()


def test_a_blank_picture_is_scattered_everywhere():
    cloud = scattered(np.zeros((1, 4, 4)), 64, np.random.default_rng(0))[0]
    count = np.histogram2d(cloud[:, 0], cloud[:, 1], bins=4, range=[[-1, 1], [-1, 1]])[0]
    assert (count == 4).all()


def test_digit_clouds_keep_the_pictures_and_their_labels():
    clouds, pictures = DigitClouds(n=50, digits="3 and 8").make(Rng(2)), Digits(n=50, digits="3 and 8").make(Rng(2))
    assert clouds.train_labels.tolist() == pictures.train_labels.tolist()
    assert clouds.meta["class_names"] == ["3", "8"]
    ink = pictures.train / pictures.train.sum((1, 2), keepdims=True)
    centre = (ink.sum(1) * (2 * (np.arange(8) + 0.5) / 8 - 1)).sum(1)
    assert np.abs(clouds.train[:, :, 0].mean(1) - centre).max() < 0.1
    assert DigitClouds().fresh(5, Rng(0)) is None

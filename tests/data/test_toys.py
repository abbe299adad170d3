"""Laws that every toy law in the plane obeys, over all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.parts import choices, from_dict, knobs
from rkdiff.core.rng import Rng
from rkdiff.data._plane import PlaneSource
from rkdiff.metrics.clouds import energy_distance, floor

TOYS = {name: c for name, c in choices("data").items() if issubclass(c, PlaneSource)}
every = pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
labelled = pytest.mark.parametrize("toy", [c for c in TOYS.values() if c().class_names()], ids=lambda c: c.name)


def any_knobs(toy):
    """Any knob values within bounds (few points, so that it stays quick)."""
    values = {}
    for k in knobs(toy):
        if k.name == "n":
            values[k.name] = st.integers(50, 400)
        elif k.options:
            values[k.name] = st.sampled_from(k.options)
        else:
            values[k.name] = st.integers(int(k.low), int(k.high)) if k.type is int else st.floats(k.low, k.high)
    return st.fixed_dictionaries(values)


def test_all_eight_are_there():
    wanted = "two_moons eight_gaussians checkerboard spiral pinwheel rings swiss_roll gaussian_mixture"
    assert set(wanted.split()) <= set(TOYS)


@every
def test_same_seed_gives_same_bytes_and_another_seed_other_points(toy):
    a, b, c = toy().make(Rng(3)), toy().make(Rng(3)), toy().make(Rng(4))
    assert a.train.tobytes() == b.train.tobytes()
    assert a.held_out.tobytes() == b.held_out.tobytes()
    assert not np.array_equal(a.train, c.train)
    if a.train_labels is not None:
        assert a.train_labels.tobytes() == b.train_labels.tobytes()


@every
def test_more_points_are_asked_for_with_one_knob(toy):
    data = toy(n=350).make(Rng(0))
    assert data.train.shape == data.held_out.shape == (350, 2)
    fresh = toy(n=350).fresh(77, Rng(0))
    assert fresh.train.shape == fresh.held_out.shape == (77, 2)


@every
def test_training_held_out_and_fresh_points_are_all_different(toy):
    data, fresh = toy().make(Rng(1)), toy().fresh(2000, Rng(1))
    clouds = [data.train, data.held_out, fresh.train, fresh.held_out]
    everything = np.concatenate(clouds)
    assert len(np.unique(everything, axis=0)) == len(everything)


@every
def test_held_out_and_fresh_points_follow_the_law_of_the_training_points(toy):
    def draw(k):
        fresh = toy().fresh(500, Rng(100 + k))
        return fresh.train, fresh.held_out

    mean, sd = floor(energy_distance, draw, 12)
    data = toy(n=500).make(Rng(2))
    assert energy_distance(data.train, data.held_out) < mean + 5 * sd
    assert energy_distance(data.train, draw(50)[0]) < mean + 5 * sd
    assert energy_distance(data.train, data.held_out + 0.4) > mean + 5 * sd


@every
def test_coordinates_have_order_one_and_little_mean(toy):
    x = toy(n=20000).make(Rng(0)).train
    assert 0.7 < np.sqrt(x.var(axis=0).mean()) < 1.4
    assert (x.std(axis=0) > 0.4).all()
    assert np.linalg.norm(x.mean(axis=0)) < 0.4


@labelled
def test_labels_are_the_classes_that_have_names(toy):
    data = toy().make(Rng(0))
    names = toy().class_names()
    assert data.classes == len(names) == len(set(names))
    assert data.meta["class_names"] == list(names)
    assert set(np.unique(data.train_labels)) == set(range(len(names)))
    assert len(data.train_labels) == len(data.train)


@labelled
def test_each_class_has_a_place_of_its_own(toy):
    """A nearest neighbour of another sample names the class far more often than chance."""
    from scipy.spatial import cKDTree

    data = toy().make(Rng(0))
    guess = data.train_labels[cKDTree(data.train).query(data.held_out)[1]]
    assert (guess == data.held_out_labels).mean() > 0.85


@every
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_knob_values_give_finite_points_and_labels_in_range(toy, data):
    part = toy(**data.draw(any_knobs(toy)))
    made = part.make(Rng(0))
    assert made.train.shape == made.held_out.shape == (part.n, 2)
    assert np.isfinite(made.train).all()
    assert np.abs(made.train).max() < 50
    assert from_dict("data", part.to_dict()) == part
    names = part.class_names()
    for labels in (made.train_labels, made.held_out_labels):
        assert (labels is None) == (not names)
        if names:
            assert labels.min() >= 0
            assert labels.max() < len(names)

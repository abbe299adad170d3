"""Classes as coordinates that stand still: one class, far classes, and classes whose shares differ."""

import numpy as np
import pytest

from rkdiff.core.model import ANY
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch
from rkdiff.methods import Problem
from rkdiff.methods._sliced_classes import balanced, corners
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.sliced_step import displacement
from rkdiff.processes.slices import directions


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def fitted(y, labels=None, **knobs):
    return outcome(SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels), Rng(0)))


def end(model, x, labels, steps=40):
    return make("sampler", "exponential_euler").run(model, x, model.grid(steps), Rng(0), labels=labels).x[-1]


def two(m0=60, m1=60):
    labels = np.repeat([0, 1], [m0, m1])
    return 0.3 * normal(m0 + m1, 2, 1) + np.array([[-3.0, 0], [3.0, 1]])[labels], labels


def velocity(model, x, labels, t=0.2):
    return to_numpy(model.drift(to_torch(x), t, label=None if labels is None else to_torch(labels), rng=Rng(3)))


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_classes_stand_at_the_corners_of_a_regular_simplex(count):
    at = corners(count)
    assert at.shape == (count, count - 1)
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    np.testing.assert_allclose(away, np.sqrt(2) * (1 - np.eye(count)), atol=1e-12)
    np.testing.assert_allclose(at.sum(0), 0, atol=1e-12)


def test_with_one_label_the_joint_flow_is_the_plain_flow():
    x, y = normal(30), normal(50, 2, 1) + 2
    joint = velocity(fitted(y, np.full(50, 2), classes="joint"), x, np.full(30, 2))
    np.testing.assert_array_equal(joint, velocity(fitted(y), x, None))


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
def test_without_amplifier_labels_have_no_effect(gap):
    """In law: directions in one dimension more give the same velocity, up to their number."""
    y, labels = two()
    x, wanted = normal(60, 2, 2), np.arange(60) % 2
    many = {"directions": 1024, "gap": gap}
    joint = velocity(fitted(y, labels, classes="joint", amplifier=0.0, **many), x, wanted)
    plain = velocity(fitted(y, **many), x, None)
    assert np.linalg.norm(joint - plain) < 0.06 * np.linalg.norm(plain)


def test_far_classes_flow_as_if_they_were_apart():
    y, labels = two()
    x, wanted = normal(60, 2, 2), np.arange(60) % 2
    apart = velocity(fitted(y, labels, directions=1024), x, wanted)
    far, near = (velocity(fitted(y, labels, classes="joint", directions=1024, amplifier=a), x, wanted) for a in (100.0, 1.0))
    assert np.linalg.norm(far - apart) < 0.1 * np.linalg.norm(apart)
    assert np.linalg.norm(near - apart) > 0.2 * np.linalg.norm(apart)


@pytest.mark.parametrize("shares", [(30, 30), (45, 15), (60, 0)])
def test_with_far_labels_each_group_reaches_its_class(shares):
    y, labels = two(80, 40)
    wanted = np.repeat([0, 1], shares)
    out = end(fitted(y, labels, classes="joint", amplifier=10.0), normal(60, 2, 2), wanted)
    for c in np.unique(wanted):
        np.testing.assert_allclose(out[wanted == c].mean(0), y[labels == c].mean(0), atol=0.1)
        assert np.linalg.norm(out[wanted == c] - y[labels == c].mean(0), axis=1).max() < 1.5


def test_unequal_shares_would_break_it_without_the_weights():
    """Half of the particles ask for a class that has a third of the data: matched by rank alone, some end in the other class."""
    y, labels = two(80, 40)
    wanted = np.repeat([0, 1], 30)
    x, at = normal(60, 2, 2), 10.0 * corners(2)
    for k in range(60):
        theta = directions(3, 12, Rng(k).numpy("directions"))
        move = displacement(np.hstack([x, at[wanted]]), np.hstack([y, at[labels]]), theta)
        x = x + 0.4 * move[:, :2]
    assert np.linalg.norm(x[wanted == 1].mean(0) - y[labels == 1].mean(0)) > 1
    mine = end(fitted(y, labels, classes="joint", amplifier=10.0), normal(60, 2, 2), wanted)
    assert np.linalg.norm(mine[wanted == 1].mean(0) - y[labels == 1].mean(0)) < 0.1


def test_weights_give_the_data_the_shares_of_the_particles():
    labels = np.array([0, 1, 1, 2, 2, 2])
    kept, weights = balanced(np.array([0, 0, 0, 2]), labels)
    np.testing.assert_array_equal(kept, [0, 3, 4, 5])
    np.testing.assert_allclose(weights, [0.75, 1 / 12, 1 / 12, 1 / 12])
    kept, weights = balanced(np.array([2, 1, 1, 2, 0, 2]), labels)
    assert weights is None
    np.testing.assert_array_equal(kept, np.arange(6))


def test_particles_without_a_label_flow_to_all_data_beside_the_others():
    y, labels = two()
    model, x, wanted = fitted(y, labels, classes="joint"), normal(50, 2, 2), np.array([0, 1] * 10 + [ANY] * 30)
    both = velocity(model, x, wanted)
    np.testing.assert_array_equal(both[20:], velocity(fitted(y), x[20:], None))
    np.testing.assert_array_equal(both[:20], velocity(model, x[:20], wanted[:20]))
    np.testing.assert_array_equal(velocity(model, x, None), velocity(fitted(y), x, None))


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
@pytest.mark.parametrize("scaling", ["none", "whiten"])
def test_the_joint_flow_in_torch_is_that_in_numpy(gap, scaling, monkeypatch):
    from rkdiff.methods import _sliced_flow as module

    y, labels = two(50, 20)
    model = fitted(y, labels, classes="joint", gap=gap, scaling=scaling)
    x, wanted = normal(40, 2, 2), np.arange(40) % 3 - 1
    here = velocity(model, x, wanted)
    monkeypatch.setattr(module, "on_cpu", lambda x: False)
    np.testing.assert_allclose(velocity(model, x, wanted), here, atol=1e-11)


def test_directions_of_the_joint_flow_are_given_in_the_plane_of_the_points():
    y, labels = two()
    model = fitted(y, labels, classes="joint", directions=12)
    rows = model.directions(0.3)
    assert rows.shape == (12, 2)
    lengths = np.linalg.norm(rows, axis=1)
    assert lengths.max() <= 1
    assert (lengths**2).mean() == pytest.approx(2 / 3)
    np.testing.assert_allclose(np.linalg.norm(fitted(y, labels).directions(0.3), axis=1), 1)


def test_joint_classes_without_labels_are_the_plain_flow_and_unknown_ones_are_refused():
    y, labels = two()
    np.testing.assert_array_equal(velocity(fitted(y, classes="joint"), y, None), velocity(fitted(y), y, None))
    for c in (7, -2):
        with pytest.raises(ValueError, match=f"no training point has label {c}; choose among \\[-1, 0, 1\\]"):
            velocity(fitted(y, labels, classes="joint"), y, np.full(len(y), c))


def test_one_sort_of_a_kept_target_serves_the_joint_flow():
    y, labels = two()
    x, wanted = normal(60, 2, 2), np.arange(60) % 2
    model = fitted(y, labels, classes="joint", refresh=False)
    np.testing.assert_array_equal(velocity(model, x, wanted, 0.1), velocity(model, x, wanted, 5.0))

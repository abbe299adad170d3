"""The coordinates in which a sliced flow runs: equal spreads, the same start, and nothing left of an axis' unit."""

import numpy as np
import pytest

from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch
from rkdiff.methods import Problem
from rkdiff.methods._sliced_scaling import SHRINKAGE, Scaling
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.sliced_energy import along
from rkdiff.processes.slices import directions


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def fitted(y, labels=None, **knobs):
    return outcome(SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels), Rng(0)))


def run(model, x, steps=30):
    return make("sampler", "exponential_euler").run(model, x, model.grid(steps), Rng(0)).x


MIX = np.array([[2.0, 0.0, 0.0], [1.0, 0.3, 0.0], [-0.5, 0.2, 0.05]])


@pytest.mark.parametrize("kind", ["axes", "whiten"])
def test_standardised_coordinates_have_spread_one_and_lead_back(kind):
    x = normal(400, 3) @ MIX.T + [3.0, 0.0, -1.0]
    s = Scaling.fit(x, kind)
    z = s.to(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(to_numpy(s.back(to_torch(z))) + s.mean, x, atol=1e-12)
    np.testing.assert_allclose(to_numpy(s.to_torch(to_torch(x))), z, atol=1e-13)
    if kind == "axes":
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-12)
        np.testing.assert_array_equal(s.matrix, np.diag(np.diag(s.matrix)))
    else:  # eigenvalue v of the covariance becomes v / ((1 - s) v + s times the mean eigenvalue)
        np.testing.assert_allclose(s.matrix, s.matrix.T, atol=1e-12)
        v = np.linalg.eigvalsh(np.cov(x.T, bias=True))
        expected = v / ((1 - SHRINKAGE) * v + SHRINKAGE * v.mean())
        np.testing.assert_allclose(np.linalg.eigvalsh(np.cov(z.T, bias=True)), np.sort(expected), rtol=1e-9)


def test_a_unit_of_an_axis_changes_nothing_once_axes_are_scaled():
    x, y, unit = normal(60, 3, 1), np.exp(normal(90, 3, 2)), np.array([1.0, 0.02, 40.0])
    velocity = lambda scale, **knobs: to_numpy(fitted(y * scale, **knobs).drift(to_torch(x * scale), 0.3))
    np.testing.assert_allclose(velocity(unit, scaling="axes"), unit * velocity(1.0, scaling="axes"), rtol=1e-9, atol=1e-12)
    plain = unit * velocity(1.0)
    assert np.abs(velocity(unit) - plain).max() > 0.1 * np.abs(plain).max()


def test_one_unit_for_all_axes_changes_nothing_in_any_coordinates():
    x, y = normal(60, 3, 1), normal(90, 3, 2) + 1
    for kind in ("none", "axes", "whiten"):
        one, seven = (to_numpy(fitted(k * y, scaling=kind).drift(to_torch(k * x), 0.3)) for k in (1.0, 7.0))
        np.testing.assert_allclose(seven, 7 * one, atol=1e-9)


def test_without_scaling_the_velocity_is_the_displacement_itself():
    from rkdiff.processes.sliced_step import displacement

    x, y = normal(60, 3, 1), normal(90, 3, 2) + 1
    model = fitted(y)
    np.testing.assert_array_equal(to_numpy(model.drift(to_torch(x), 0.3)), displacement(x, y, model.directions(0.3)))


@pytest.mark.parametrize("kind", ["none", "axes", "whiten"])
def test_the_run_begins_at_the_given_particles_and_brings_their_mean_to_the_data(kind):
    x, y = normal(80, 3, 1), normal(120, 3, 2) @ MIX.T + [3.0, 0.0, -1.0]
    path = run(fitted(y, scaling=kind), x)
    np.testing.assert_array_equal(path[0], x)
    np.testing.assert_allclose(path[-1].mean(0), y.mean(0), atol=1e-6)


@pytest.mark.parametrize("kind", ["none", "axes", "whiten"])
def test_what_lies_along_the_directions_is_what_is_sorted(kind):
    """The public directions, in the space's own coordinates: moving every line by its own gaps gives the velocity."""
    x, y = normal(50, 2, 1), normal(50, 2, 2) * [3.0, 0.2] + 1
    model = fitted(y, scaling=kind)
    rows = model.directions(0.4)
    gaps = np.empty((len(rows), len(x)))
    for gap, row in zip(gaps, rows, strict=True):
        order = np.argsort(x @ row)
        gap[order] = np.sort(y @ row) - (x @ row)[order]
    unit = rows @ model.scaling.inverse
    moved = 2 / len(rows) * gaps.T @ unit @ model.scaling.inverse
    np.testing.assert_allclose(to_numpy(model.drift(to_torch(x), 0.4)), moved, atol=1e-10)


def test_a_thin_coordinate_is_resolved_sooner_in_scaled_coordinates():
    """A pair of modes along an axis that is a fortieth as wide as the other, seen at equal spreads."""
    y = np.stack([10 * normal(600, 1, 1)[:, 0], 0.25 * np.sign(normal(600, 1, 2)[:, 0])], axis=1)
    theta, x = directions(2, 64, Rng(3).numpy("measure")), normal(400, 2, 3)
    s = Scaling.fit(y, "axes")

    def left(kind):
        return along(s.to(run(fitted(y, scaling=kind, tau_max=5), x)[-1])[None], s.to(y), theta)["distance"][0]

    assert left("axes") < 0.7 * left("none")


@pytest.mark.parametrize("kind", ["axes", "whiten"])
@pytest.mark.parametrize("y", [np.ones((9, 3)), np.outer(np.arange(9.0), [0.0, 1.0, 0.0]), np.ones((1, 3))])
def test_constant_coordinates_keep_their_unit_and_are_reached(kind, y):
    path = run(fitted(y, scaling=kind, tau_max=40), normal(20, 3), 60)
    assert np.isfinite(path).all()
    np.testing.assert_allclose(path[-1].mean(0), y.mean(0), atol=1e-6)
    np.testing.assert_allclose(path[-1].std(0), y.std(0), atol=0.25)


def test_an_unknown_scaling_is_refused_by_name():
    with pytest.raises(ValueError, match="scaling is 'log'; choose one of none, axes, whiten"):
        Scaling.fit(normal(5), "log")

"""Clouds that have no spread, single points, single classes, and numbers that are none: an answer or a message, never a hang."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.parts import PartError, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem
from rkdiff.methods._sliced_flow import JITTER
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def fitted(y, labels=None, **knobs):
    return outcome(SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels), Rng(0)))


def path(model, x, steps=30, labels=None):
    return make("sampler", "exponential_euler").run(model, x, model.grid(steps), Rng(0), labels=labels).x


def cloud(kind, n, d, seed=0):
    if kind == "point":
        return np.full((n, d), 0.5)
    if kind == "segment":
        return np.outer(np.linspace(-1, 1, n), np.arange(1.0, d + 1))
    if kind == "pairs":
        return np.repeat(normal(n, d, seed), 2, axis=0)[:n]
    return normal(n, d, seed)


KINDS = ("point", "segment", "pairs", "normal")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS), st.sampled_from(KINDS), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4),
    st.sampled_from(["horizontal", "vertical"]), st.sampled_from(["none", "axes", "whiten"]),
    st.sampled_from(["apart", "joint"]), st.integers(0, 3),
)  # fmt: skip
def test_degenerate_clouds_stay_finite_under_any_knobs(source, target, n, m, d, gap, scaling, classes, count):
    labels = None if count == 0 else np.arange(m) % min(count, m)
    model = fitted(cloud(target, m, d, 1), labels, gap=gap, scaling=scaling, classes=classes)
    wanted = None if labels is None else labels[np.arange(n) % m]
    frames = path(model, cloud(source, n, d), 6, wanted)
    assert frames.shape == (7, n, d)
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("place", ["point", "segment"])
@pytest.mark.parametrize("knobs", [{"scaling": "whiten"}, {"classes": "joint"}, {"gap": "vertical", "tau_max": 40}], ids=str)
def test_particles_without_spread_come_apart_in_every_kind_of_flow(place, knobs):
    y, labels = normal(300, 2, 1), np.arange(300) % 2
    out = path(fitted(y, labels, **knobs), cloud(place, 200, 2), 60, np.arange(200) % 2)[-1]
    assert np.linalg.eigvalsh(np.cov(out.T))[0] > 0.3


def test_the_jitter_changes_ranks_and_never_places():
    """Particles in a point, data in a point: whatever the ranks, the way is straight, and what arrives has no jitter left in it."""
    out = path(fitted(np.full((5, 2), 3.0), tau_max=60), np.zeros((8, 2)), 60)
    np.testing.assert_allclose(out[-1], 3.0, atol=1e-12)
    np.testing.assert_allclose(out, np.broadcast_to(out[:, :1], out.shape), atol=1e-12)
    assert JITTER > 0


def test_one_particle_one_point_and_one_dimension():
    np.testing.assert_allclose(path(fitted(np.array([[2.0]]), tau_max=40), np.array([[-1.0]]))[-1], 2.0, atol=1e-12)
    np.testing.assert_allclose(
        path(fitted(normal(9, 3), tau_max=40), np.zeros((1, 3)))[-1][0], normal(9, 3).mean(0), atol=1e-12
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_counted_and_refused(bad):
    y = normal(20)
    y[3, 1] = y[7, 0] = bad
    with pytest.raises(PartError, match="2 of 20 points have coordinates that are not finite; leave those points out"):
        next(SlicedWassersteinFlow().fit(Problem(y, np.ones(2)), Rng(0)))

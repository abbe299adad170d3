"""The sliced energy: its bound in every step, its closed forms, and how far a run has come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.rng import Rng
from rkdiff.processes.sliced_energy import along, curvature, descent, energy, largest_share
from rkdiff.processes.sliced_step import displacement
from rkdiff.processes.slices import directions


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def drawn(d, count, scheme="orthogonal", seed=0):
    return directions(d, count, Rng(seed).numpy("directions"), scheme)


@pytest.mark.parametrize(("n", "m"), [(40, 40), (40, 61)])
def test_on_the_line_the_energy_is_half_the_squared_distance_of_pot(n, m):
    import ot

    x, y = normal(n, 1, 1), 2 * normal(m, 1, 2) + 1
    assert 2 * energy(x, y, np.ones((1, 1))) == pytest.approx(ot.emd2_1d(x[:, 0], y[:, 0]), rel=1e-12)


def test_the_energy_is_that_of_pot_along_the_same_directions():
    import ot

    x, y, theta = normal(30, 4, 1), normal(47, 4, 2) + 1, drawn(4, 20)
    theirs = ot.sliced_wasserstein_distance(x, y, projections=theta.T.copy()) ** 2
    assert 2 * energy(x, y, theta) == pytest.approx(theirs, rel=1e-11)


def test_samples_of_two_gaussians_come_as_close_to_their_known_distance_as_samples_do():
    """SW2^2 = 0.7221220203, by quadrature over 32 angles; twenty thousand points of each law, drawn apart."""
    s0, s1 = np.array([[1, 0.6], [0.6, 1.5]]), np.array([[0.5, -0.2], [-0.2, 2]])
    x = normal(20000, 2, 1) @ np.linalg.cholesky(s0).T
    y = normal(20000, 2, 2) @ np.linalg.cholesky(s1).T + [1, -0.5]
    assert 2 * energy(x, y, drawn(2, 32, "even")) == pytest.approx(0.7221220203, rel=0.03)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30), st.integers(1, 30), st.integers(1, 7), st.integers(1, 12),
    st.sampled_from(["even", "orthogonal", "iid"]), st.floats(-0.5, 3.0), st.integers(0, 999),
)  # fmt: skip
def test_every_step_of_any_share_and_sizes_obeys_its_bound(n, m, d, count, scheme, share, seed):
    x, y = normal(n, d, seed) ** 3, 0.5 * normal(m, d, seed + 1) + 1
    step = descent(x, y, drawn(d, count, scheme, seed), share)
    assert step.holds
    assert step.to_dict()["holds"]


def test_the_bound_is_reached_by_translations():
    """The squared distance of a translation is a quadratic of curvature 1/d: nothing is lost."""
    x, theta = normal(50, 3), drawn(3, 6)
    step = descent(x, x + [1.0, 2.0, 3.0], theta, 0.7)
    assert step.after == pytest.approx(step.bound, abs=1e-13)
    assert step.after == pytest.approx(0.3**2 * 14 / 3 / 2, abs=1e-13)


@pytest.mark.parametrize(("d", "scheme"), [(2, "even"), (2, "orthogonal"), (8, "orthogonal")])
@pytest.mark.parametrize("share", [0.05, 1.0, 1.5, 1.95])
@pytest.mark.parametrize("m", [60, 83])
def test_whole_bases_lower_the_energy_for_every_share_under_two(d, scheme, share, m):
    x, y, theta = normal(60, d, 1), np.exp(normal(m, d, 2)), drawn(d, 2 * d, scheme)
    assert curvature(theta) == pytest.approx(1 / d, abs=1e-12)
    assert largest_share(theta) == pytest.approx(2)
    for _ in range(5):
        step = descent(x, y, theta, share)
        assert step.bound < step.before
        assert step.after < step.before
        x = x + share * displacement(x, y, theta)


def test_independent_directions_are_only_sure_below_a_smaller_share():
    """d = 32 and 64 directions: the largest eigenvalue is about 2.6 / d, and surely more than 1 / d."""
    theta = drawn(32, 64, "iid")
    assert 0.6 < largest_share(theta) < 1.0
    x, y = normal(40, 32, 1), normal(40, 32, 2) + 1
    assert descent(x, y, theta, 0.99 * largest_share(theta)).bound < descent(x, y, theta, 0.5).before
    rises = descent(x, x + 5 * np.linalg.eigh(theta.T @ theta)[1][:, -1], theta, 1.2 * largest_share(theta))
    assert rises.after > rises.before
    assert rises.holds


def test_the_bound_is_false_with_half_the_curvature():
    """The inequality has no slack to spare: for a translation, a curvature any smaller would promise too much."""
    x, theta = normal(50, 2), drawn(2, 4)
    step = descent(x, x + 1.0, theta, 1.0)
    h = 2.0
    promised = step.before - h * (1 - h * curvature(theta) / 4) * step.speed
    assert step.after > promised + 0.1


def test_progress_of_a_translation_is_one_minus_the_decay():
    x, tau = normal(80, 3), np.array([0.0, 0.4, 1.0, 3.0])
    frames = x + (1 - np.exp(-tau))[:, None, None] * np.array([1.0, -2.0, 0.5])
    found = along(frames, x + [1.0, -2.0, 0.5], drawn(3, 9), tau)
    np.testing.assert_allclose(found["progress"], 1 - np.exp(-tau), atol=1e-13)
    np.testing.assert_allclose(found["scaled"], np.sqrt(3) * found["distance"], rtol=1e-14)
    np.testing.assert_allclose(found["scaled"][0], np.sqrt(5.25), rtol=1e-13)
    np.testing.assert_allclose(found["energy"], found["distance"] ** 2 / 2, rtol=1e-13)
    np.testing.assert_array_equal(found["tau"], tau)


def test_a_run_that_begins_at_the_target_has_all_its_progress():
    x = normal(10)
    np.testing.assert_array_equal(along(np.stack([x, x]), x, drawn(2, 4))["progress"], [1.0, 1.0])
    assert "tau" not in along(np.stack([x, x]), x, drawn(2, 4))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda x: along(x[None], x, drawn(2, 4), np.zeros(2)), "2 times for 1 frames; give one tau for each frame"),
        (lambda x: along(np.zeros((0, 5, 2)), x, drawn(2, 4)), "there is no frame"),
        (lambda x: descent(x, x, drawn(2, 4), np.inf), "share is inf; give a number"),
    ],
)
def test_what_makes_no_sense_for_a_run_is_refused(ask, said):
    with pytest.raises(ValueError, match=said):
        ask(normal(5))

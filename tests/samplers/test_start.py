import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.rng import Rng
from rkdiff.samplers import STARTS, start


@given(st.sampled_from(STARTS), st.integers(1, 300), st.integers(1, 60), st.integers(0, 99))
def test_starts_of_any_size_are_finite_and_repeatable(kind, n, d, seed):
    z = start(kind, n, d, Rng(seed))
    assert z.shape == (n, d)
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(z, start(kind, n, d, Rng(seed)))


@pytest.mark.parametrize("kind", STARTS)
def test_starts_are_standard_normals(kind):
    z = np.stack([start(kind, 500, 2, Rng(seed)) for seed in range(40)]).reshape(-1, 2)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=0.04)
    assert (z < 1).mean() == pytest.approx(0.8413, abs=0.006)


def test_sobol_points_fill_the_plane_more_evenly_than_chance():
    for n in (1000, 1024):
        means = {k: np.array([start(k, n, 2, Rng(s)).mean(0) for s in range(20)]) for k in STARTS}
        assert np.abs(means["sobol"]).mean() < 0.15 * np.abs(means["iid"]).mean()


def test_a_start_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="choose one of sobol, iid"):
        start("grid", 10, 2, Rng(0))
    with pytest.raises(ValueError, match="21201 dimensions"):
        start("sobol", 2, 21202, Rng(0))

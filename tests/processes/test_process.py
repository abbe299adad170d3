import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import parts

from rkdiff.core.parts import choices
from rkdiff.core.rng import Rng
from rkdiff.processes.process import COUPLINGS, corrupt, curves, kept
from rkdiff.processes.schedules import Grid
from rkdiff.processes.schedules.vp_linear import VPLinear

every_coupling = pytest.mark.parametrize("coupling", COUPLINGS)


@every_coupling
@pytest.mark.parametrize("cls", choices("schedule").values(), ids=choices("schedule"))
def test_noised_points_have_the_schedules_mean_and_variance(cls, coupling):
    x0 = np.full((8000, 1), 1.5)
    grid = cls().grid(7)
    path = corrupt(x0, grid, Rng(0), coupling)
    np.testing.assert_allclose(path.x.mean((1, 2)), grid.alpha * 1.5, atol=4 * grid.sigma.max() / np.sqrt(8000))
    np.testing.assert_allclose(path.x.var((1, 2)), grid.sigma**2, rtol=4.5 * np.sqrt(2 / 8000))


@every_coupling
def test_the_data_end_is_the_data(coupling):
    x0 = np.random.default_rng(0).standard_normal((10, 3))
    path = corrupt(x0, VPLinear().grid(5), Rng(0), coupling)
    np.testing.assert_array_equal(path.end, x0)
    assert (path.u[0], path.u[-1]) == (0.0, 1.0)


def test_brownian_noise_has_independent_increments_and_straight_noise_has_none():
    grid = VPLinear().grid(6)
    noise = {c: corrupt(np.zeros((6000, 1)), grid, Rng(0), c).x[..., 0] / grid.alpha[:, None] for c in COUPLINGS}
    fresh = np.diff(noise["brownian"][::-1], axis=0)[1:]
    fresh /= fresh.std(1, keepdims=True)
    np.testing.assert_allclose(fresh @ fresh.T / 6000, np.eye(len(fresh)), atol=0.06)
    one = noise["straight"][:-1] / grid.nu[:-1, None]
    np.testing.assert_allclose(one, np.repeat(one[:1], len(one), axis=0), rtol=1e-9)


@given(parts("schedule"), st.integers(1, 60))
def test_no_curve_is_ever_infinite(schedule, steps):
    shown = curves(schedule.grid(steps))
    assert set(shown) == {"t", "alpha", "sigma", "logsnr"}
    assert all(np.isfinite(c).all() for c in shown.values())
    assert (np.diff(shown["logsnr"]) >= 0).all()


def test_a_transport_shows_its_clock_alone():
    tau = np.linspace(0, 3, 5)
    assert set(curves(Grid(tau, np.ones(5), np.zeros(5), clock="tau"))) == {"tau"}
    with pytest.raises(ValueError, match="belongs to a transport"):
        corrupt(np.zeros((2, 1)), Grid(tau, np.ones(5), np.zeros(5)), Rng(0))


def test_long_wide_trajectories_are_thinned_evenly_with_both_ends(monkeypatch):
    assert len(kept(501, 1000, 2)) == 501
    monkeypatch.setattr("rkdiff.processes.process.ROOM", 10 * 1000 * 2)
    frames = kept(501, 1000, 2)
    assert len(frames) == 10
    assert (frames[0], frames[-1]) == (0, 500)
    assert np.ptp(np.diff(frames)) <= 1


def test_an_unknown_coupling_is_refused():
    with pytest.raises(ValueError, match="straight, brownian"):
        corrupt(np.zeros((2, 1)), VPLinear().grid(3), Rng(0), "cubic")

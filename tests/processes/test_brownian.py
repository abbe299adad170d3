import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.processes.brownian import DEPTH, LOW, SPAN, Brownian, cells

CELL = SPAN / 2**DEPTH


def walk(log_nu, seed=0, n=4000, d=1):
    path = Brownian(n, d, Rng(seed))
    steps = path.steps(log_nu)
    return steps, np.stack([path.increment(s) for s in steps])


def test_increments_of_any_grid_are_independent_standard_normals():
    rng = np.random.default_rng(1)
    log_nu = np.sort(rng.uniform(-4, 3, 12))[::-1]
    _, z = walk(log_nu, n=20000)
    z = z[..., 0]
    assert abs(z.mean(1)).max() < 4 / np.sqrt(20000)
    np.testing.assert_allclose(z @ z.T / 20000, np.eye(len(z)), atol=4.5 * np.sqrt(2 / 20000))
    assert abs((z**4).mean() - 3) < 0.15, "kurtosis of a normal"


def test_a_coarse_grid_walks_the_fine_grids_path():
    fine_times = np.linspace(3, -4, 201)
    fine, z = walk(fine_times)
    coarse, y = walk(fine_times[::20])
    for k, (before, after) in enumerate(coarse):
        inside = [i for i, (b, a) in enumerate(fine) if after <= a and b <= before]
        total = sum(np.sqrt(fine[i][0] - fine[i][1]) * z[i] for i in inside)
        np.testing.assert_allclose(y[k] * np.sqrt(before - after), total, atol=1e-10)


def test_the_path_is_the_same_in_whatever_order_it_is_asked():
    times = [0.3, -2.0, 1.7, -2.0, 0.30001, 5.0]
    path = Brownian(3, 2, Rng(5))
    for t in times:
        np.testing.assert_array_equal(path.at(t), Brownian(3, 2, Rng(5)).at(t))


def test_seeds_give_different_paths():
    assert not np.allclose(walk(np.array([1.0, 0.0]), seed=0)[1], walk(np.array([1.0, 0.0]), seed=1)[1])


def test_times_closer_than_a_cell_still_make_steps():
    log_nu = np.array([1.0, 1.0 - CELL / 10, 1.0 - CELL / 5, 0.5])
    steps, z = walk(log_nu)
    assert all(before > after for before, after in steps)
    assert abs(z.std() - 1) < 0.05


def test_times_outside_the_clock_are_refused():
    with pytest.raises(ValueError, match="clock covers"):
        cells(np.array([LOW - 1.0]))

"""A flow kept as tables: exact on its own particles, close on points it never saw, and as large as it says."""

import numpy as np
import pytest

from rkdiff.core.parts import make
from rkdiff.core.rng import Rng
from rkdiff.processes.sliced_tables import quantiles, swf_tables, unseen_error
from rkdiff.processes.slices import directions

TAU = np.expm1(np.log(11.0) * np.arange(13) / 12)


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def turning(d, count):
    return lambda t: directions(d, count, Rng(0).numpy(f"{t!r}"))


@pytest.mark.parametrize("d", [2, 5])
def test_with_a_quantile_for_each_particle_the_tables_repeat_the_flow(d):
    x, y = normal(40, d, 1), 0.5 * normal(40, d, 2) + 1
    path, tables = swf_tables(x, y, TAU, turning(d, 3 * d), 40, np.float64)
    np.testing.assert_allclose(tables.push(x), path, atol=1e-11)
    assert np.linalg.norm(path[-1] - path[0]) > 1


def test_single_precision_is_enough_until_particles_stand_close():
    x, y = normal(40, 2, 1), 0.5 * normal(40, 2, 2) + 1
    path, tables = swf_tables(x, y, TAU[:4], turning(2, 6), 40)
    assert tables.targets.dtype == np.float32
    np.testing.assert_allclose(tables.push(x), path, atol=1e-5)


def test_points_do_not_push_one_another():
    x, y = normal(50, 2, 1), normal(70, 2, 2) + 2
    _, tables = swf_tables(x, y, TAU, turning(2, 8), 20)
    z = normal(9, 2, 3)
    np.testing.assert_allclose(tables.push(z)[:, 4:5], tables.push(z[4:5]), atol=1e-12)


@pytest.mark.parametrize(("count", "d"), [(10, 2), (25, 3)])
def test_the_size_is_four_bytes_a_number(count, d):
    theta = turning(d, 6)
    _, tables = swf_tables(normal(30, d), normal(20, d, 1), TAU, theta, count)
    assert tables.bytes == 4 * (len(TAU) - 1) * len(theta(0.0)) * (2 * count + d)


def test_quantiles_are_those_of_hazen():
    rows = np.sort(normal(7, 3).T)
    expected = np.quantile(rows, (np.arange(4) + 0.5) / 4, axis=1, method="hazen").T
    np.testing.assert_allclose(quantiles(rows, 4), expected, atol=1e-14)
    np.testing.assert_array_equal(quantiles(rows, 7), rows)


def test_unseen_points_reach_the_data_as_well_as_the_particles_do():
    source = make("data", "eight_gaussians")
    data, fresh, again = source.make(Rng(0)).train, source.fresh(3000, Rng(1)).train, source.fresh(3000, Rng(2)).train
    path, tables = swf_tables(normal(1000, 2, 1), data, TAU, turning(2, 16))
    theta = directions(2, 64, Rng(9).numpy("measure"))
    found = unseen_error(tables, normal(3000, 2, 5), path[-1], fresh, again, theta)
    start = unseen_error(tables, normal(3000, 2, 5), path[0], fresh, again, theta)["particles"]
    assert found["unseen"] < 0.4 * start
    assert found["unseen"] < 1.5 * found["particles"]
    assert 0 < found["floor"] < found["unseen"]
    assert found["bytes"] == tables.bytes


def test_fewer_quantiles_are_further_from_the_flow():
    x, y = normal(300, 2, 1), 0.5 * normal(300, 2, 2) + 1
    z = x[::7]
    errors = []
    for count in (4, 20, 100):
        path, tables = swf_tables(x, y, TAU, turning(2, 8), count)
        errors.append(np.sqrt(((tables.push(z) - path[:, ::7]) ** 2).mean()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_the_particles_of_the_tables_are_those_of_the_method():
    from rkdiff.methods import Problem
    from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow

    x, y = normal(60, 2, 1), normal(80, 2, 2) + 1
    with_progress = SlicedWassersteinFlow(tau_max=10).fit(Problem(y, np.ones(2)), Rng(4))
    next(with_progress)
    with pytest.raises(StopIteration) as end:
        next(with_progress)
    model, rng = end.value.value, Rng(7)
    grid = model.grid(12)
    path = make("sampler", "exponential_euler").run(model, x, grid, rng).x
    steps = {float(t): i for i, t in enumerate(grid.t)}
    mine, _ = swf_tables(x, y, grid.t, lambda t: model.directions(t, rng.child(f"step {steps[t]}")))
    np.testing.assert_allclose(mine, path, atol=1e-12)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda x, y: swf_tables(x, y, np.array([0.0]), turning(2, 4)), "there are 1 times"),
        (lambda x, y: swf_tables(x, y, np.array([0.0, 2.0, 1.0]), turning(2, 4)), "must rise"),
        (lambda x, y: swf_tables(x, y, TAU, turning(2, 4), 1), "number of quantiles is 1; choose 2 or more"),
        (lambda x, y: swf_tables(x, y, TAU, turning(2, 4))[1].push(normal(3, 5)), "have 5 coordinates and the tables 2"),
    ],
)
def test_what_makes_no_table_is_refused(ask, said):
    with pytest.raises(ValueError, match=said):
        ask(normal(6), normal(7, 2, 1))

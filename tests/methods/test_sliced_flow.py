"""The sliced-Wasserstein flow against what is known of it in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.model import ANY
from rkdiff.core.parts import PartError, make
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch
from rkdiff.methods import Problem
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.slices import squared_wasserstein


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def fitted(y, labels=None, seed=0, device="cpu", **knobs):
    steps = SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels, device=device), Rng(seed))
    assert next(steps).total == 1
    with pytest.raises(StopIteration) as end:
        next(steps)
    return end.value.value


def flow(model, x, taus, labels=None, seed=0):
    """All positions of the flow at the given times, by exponential-Euler steps."""
    grid = model.grid(1)
    grid = type(grid)(np.asarray(taus, float), np.ones(len(taus)), np.zeros(len(taus)))
    return make("sampler", "exponential_euler").run(model, x, grid, Rng(seed), labels=labels).x


def moments(x):
    return x.mean(axis=0), np.cov(x.T, bias=True)


def with_moments(x, mean, cov):
    """The cloud carried to an exact mean and covariance."""
    m, s = moments(x)
    return (x - m) @ np.linalg.inv(np.linalg.cholesky(s)).T @ np.linalg.cholesky(cov).T + mean


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 73)])
def test_on_the_line_the_flow_is_displacement_interpolation(n, m):
    import ot

    x, y = normal(n, 1, 1), np.abs(normal(m, 1, 2)) + 1
    taus = np.array([0.0, 0.3, 0.9, 2.5])
    plan = ot.emd_1d(x[:, 0], y[:, 0])
    target = n * plan @ y
    for tau, z in zip(taus, flow(fitted(y), x, taus), strict=True):
        np.testing.assert_allclose(z, x + (1 - np.exp(-tau)) * (target - x), atol=1e-12)


def test_on_the_line_the_end_is_the_monotone_map():
    x, y = normal(60, 1, 1), np.abs(normal(60, 1, 2)) ** 2
    end = flow(fitted(y, tau_max=40), x, [0, 40.0])[-1]
    np.testing.assert_allclose(end[np.argsort(x[:, 0]), 0], np.sort(y[:, 0]), atol=1e-12)


@pytest.mark.parametrize(("d", "scheme"), [(2, "even"), (2, "orthogonal"), (5, "orthogonal")])
def test_the_mean_relaxes_at_rate_one_whatever_the_laws(d, scheme):
    x, y = normal(70, d, 1) ** 3, np.exp(normal(110, d, 2)) + 4
    taus = np.array([0.0, 0.2, 1.0, 3.0])
    for tau, z in zip(taus, flow(fitted(y, scheme=scheme), x, taus), strict=True):
        expected = y.mean(0) + np.exp(-tau) * (x.mean(0) - y.mean(0))
        np.testing.assert_allclose(z.mean(0), expected, atol=1e-11)


@pytest.mark.parametrize("d", [2, 7])
def test_a_translated_copy_is_reached_rigidly(d):
    x, c = normal(100, d, 1), np.arange(1.0, d + 1)
    taus = np.array([0.0, 0.5, 2.0])
    for tau, z in zip(taus, flow(fitted(x[::-1] + c), x, taus), strict=True):
        np.testing.assert_allclose(z, x + (1 - np.exp(-tau)) * c, atol=1e-12)


@pytest.mark.parametrize("d", [2, 8])
def test_round_gaussians_stay_round_and_relax_at_rate_one(d):
    n, s1, m1 = 6000, 0.4, 2.0
    x, y = normal(n, d, 1), s1 * normal(n, d, 2) + m1
    taus = np.linspace(0, 2, 9)
    path = flow(fitted(y), x, taus)
    for tau, z in zip(taus, path, strict=True):
        s = s1 + np.exp(-tau) * (1 - s1)
        assert z.std(axis=0).mean() == pytest.approx(s, rel=0.02)
        expected = m1 + np.exp(-tau) * (0 - m1) + s * x
        assert np.sqrt(((z - expected) ** 2).sum(1).mean() / d) < 0.04 * max(s, 0.4)


def test_gaussians_that_do_not_commute_follow_the_equation_of_their_covariance():
    """dS/dtau = M S + S M with M = 2 E[theta theta^T sqrt(theta'S1 theta / theta'S theta)] - I."""
    from scipy.integrate import solve_ivp

    s0, s1 = np.array([[1, 0.6], [0.6, 1.5]]), np.array([[0.5, -0.2], [-0.2, 2]])
    angle = np.pi * (np.arange(64) + 0.5) / 64
    t = np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def rate(_, flat):
        s = flat.reshape(2, 2)
        q = lambda a: np.einsum("li,ij,lj->l", t, a, t)
        m = 2 * np.einsum("l,li,lj->ij", np.sqrt(q(s1) / q(s)), t, t) / 64 - np.eye(2)
        return (m @ s + s @ m).ravel()

    n, taus = 8000, np.linspace(0, 1.5, 31)
    x, y = with_moments(normal(n, 2, 1), np.zeros(2), s0), with_moments(normal(n, 2, 2), np.array([1, -0.5]), s1)
    exact = solve_ivp(rate, (0, 1.5), s0.ravel(), t_eval=taus, rtol=1e-8).y.T.reshape(-1, 2, 2)
    path = flow(fitted(y), x, taus)
    for k in (5, 10, 20, 30):
        np.testing.assert_allclose(moments(path[k])[1], exact[k], atol=0.03)
    assert np.abs(exact[30] - s0).max() > 0.4


def test_the_grid_grows_from_zero_to_its_end():
    method = SlicedWassersteinFlow(tau_max=20)
    grid = method.grid(48)
    np.testing.assert_allclose(grid.t[[0, -1]], [0, 20])
    assert (np.diff(grid.t, 2) > 0).all()
    np.testing.assert_allclose(1 + grid.t, 21 ** (np.arange(49) / 48))
    assert (grid.alpha == 1).all()
    assert (grid.sigma == 0).all()
    np.testing.assert_array_equal(fitted(normal(5)).grid(3).t, SlicedWassersteinFlow().grid(3).t)


def test_directions_belong_to_the_stream_and_the_time():
    y, x = normal(50, 2, 1), to_torch(normal(40))
    model = fitted(y)
    a, b = model.drift(x, 0.3, rng=Rng(5)), model.drift(x, 0.3, rng=Rng(5))
    assert to_numpy(a).tobytes() == to_numpy(b).tobytes()
    assert not np.array_equal(to_numpy(a), to_numpy(model.drift(x, 0.4, rng=Rng(5))))
    assert not np.array_equal(to_numpy(a), to_numpy(model.drift(x, 0.3, rng=Rng(6))))
    assert np.array_equal(to_numpy(model.drift(x, 0.3)), to_numpy(model.drift(x, 0.3)))


def test_directions_that_are_not_refreshed_stay_for_good():
    kept, fresh = fitted(normal(20), refresh=False), fitted(normal(20))
    assert np.array_equal(kept.directions(0.1, Rng(1)), kept.directions(7.0, Rng(2)))
    assert not np.array_equal(fresh.directions(0.1, Rng(1)), fresh.directions(7.0, Rng(2)))


@pytest.mark.parametrize(("d", "count"), [(1, 1), (2, 16), (3, 12), (8, 32), (20, 40)])
def test_the_number_of_directions_follows_the_dimension(d, count):
    assert fitted(normal(30, d)).directions(0.0, Rng(0)).shape == (count, d)
    if d > 1:
        assert len(fitted(normal(30, d), directions=7, scheme="iid").directions(0.0, Rng(0))) == 7


def test_the_flow_comes_as_close_as_fresh_data_on_eight_gaussians():
    from rkdiff.metrics.quality import quality

    source = make("data", "eight_gaussians")
    data = source.make(Rng(0))
    model = fitted(data.train)
    end = flow(model, normal(1000, 2, 7), model.grid(40).t)[-1]
    q = quality(end, data.train, data.held_out, source.fresh(4000, Rng(0)).train, Rng(0))
    assert q["sliced_wasserstein"].ratio < 1.3
    assert q["energy_distance"].ratio < 1.3


def test_bad_directions_show_where_good_ones_do_not():
    """Fewer, independent directions make the first step noisier: the reason for the default."""
    y, x = normal(500, 2, 1) * [2, 0.3] + 1, to_torch(normal(500, 2, 2))
    reference = to_numpy(fitted(y, directions=512).drift(x, 0.0, rng=Rng(0)))

    def error(**knobs):
        model = fitted(y, directions=8, **knobs)
        return np.mean([((to_numpy(model.drift(x, 0.0, rng=Rng(k))) - reference) ** 2).mean() for k in range(12)])

    assert error(scheme="even") < 0.3 * error(scheme="orthogonal")
    assert error(scheme="orthogonal") < 0.7 * error(scheme="iid")


def three_classes():
    labels = np.repeat([0, 1, 2], [30, 50, 20])
    return normal(100, 2, 1) * 0.3 + np.array([[0, 5], [5, 0], [-5, -5]])[labels], labels


def test_particles_of_a_label_flow_to_the_points_of_that_label():
    y, labels = three_classes()
    wanted = np.array([0] * 20 + [2] * 15 + [1] * 10)
    end = flow(fitted(y, labels, tau_max=20), normal(45, 2, 2), [0, 0.5, 3, 20], wanted)[-1]
    for c in range(3):
        np.testing.assert_allclose(end[wanted == c].mean(0), y[labels == c].mean(0), atol=1e-6)
        assert np.linalg.norm(end[wanted == c] - y[labels == c].mean(0), axis=1).max() < 2


def test_renaming_the_labels_renames_the_flow():
    y, labels = three_classes()
    rename, wanted, x = np.array([2, 0, 1]), np.arange(60) % 3, to_torch(normal(60, 2, 2))
    a = fitted(y, labels).drift(x, 0.2, label=to_torch(wanted), rng=Rng(1))
    b = fitted(y, rename[labels]).drift(x, 0.2, label=to_torch(rename[wanted]), rng=Rng(1))
    np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


def test_no_label_is_all_data_and_one_label_is_its_data_alone():
    y, labels = three_classes()
    model, x = fitted(y, labels), to_torch(normal(30, 2, 2))
    assert model.classes == 3
    every = to_torch(np.full(30, ANY))
    np.testing.assert_array_equal(to_numpy(model.drift(x, 0.2, label=every)), to_numpy(model.drift(x, 0.2)))
    one = to_torch(np.full(30, 1))
    alone = fitted(y[labels == 1]).drift(x, 0.2)
    np.testing.assert_array_equal(to_numpy(model.drift(x, 0.2, label=one)), to_numpy(alone))


def test_a_label_without_data_is_refused_in_words():
    y, labels = three_classes()
    with pytest.raises(ValueError, match="no training point has label 7; choose among"):
        fitted(y, labels).drift(to_torch(normal(3)), 0.1, label=to_torch(np.array([0, 7, 1])))
    with pytest.raises(PartError, match="at least one point"):
        next(SlicedWassersteinFlow().fit(Problem(np.zeros((0, 2)), np.ones(2)), Rng(0)))


def test_one_particle_goes_to_the_mean():
    y = normal(40, 2, 1) + 3
    np.testing.assert_allclose(flow(fitted(y), normal(1, 2), [0, 30.0])[-1][0], y.mean(0), atol=1e-9)


@pytest.mark.parametrize("place", ["point", "segment"])
def test_particles_on_a_point_or_a_segment_come_apart(place):
    """Ties everywhere: without the jitter of their ranks a segment would stay a segment for ever."""
    y = normal(400, 2, 1)
    x = np.zeros((300, 2))
    if place == "segment":
        x[:, 0] = np.linspace(-2, 2, 300)
    model = fitted(y)
    end = flow(model, x, model.grid(40).t)[-1]
    mean, cov = moments(end)
    np.testing.assert_allclose(mean, y.mean(0), atol=1e-6)
    np.testing.assert_allclose(cov, moments(y)[1], atol=0.1)


@pytest.mark.parametrize("y", [np.ones((30, 2)), np.stack([np.linspace(0, 1, 30), np.zeros(30)], axis=1), np.ones((1, 2))])
def test_data_on_a_point_or_a_segment_is_reached(y):
    from rkdiff.metrics.clouds import energy_distance

    model = fitted(y, tau_max=40)
    end = flow(model, normal(30, 2, 3), model.grid(60).t)[-1]
    assert energy_distance(end, y) < 0.05


@pytest.mark.parametrize("gap", ["horizontal", "vertical"])
def test_the_torch_path_gives_the_numpy_path(gap, monkeypatch):
    """What a GPU runs, run on the CPU."""
    import torch

    from rkdiff.methods import _sliced_flow as module

    y, labels = three_classes()
    model, x, wanted = fitted(y, labels, gap=gap), to_torch(normal(40, 2, 2)), to_torch(np.arange(40) % 4 - 1)
    here = to_numpy(model.drift(x, 0.2, label=wanted, rng=Rng(3)))
    monkeypatch.setattr(module, "on_cpu", lambda x: False)
    there = model.drift(x, 0.2, label=wanted, rng=Rng(3))
    assert there.dtype == torch.float64
    np.testing.assert_allclose(to_numpy(there), here, atol=1e-12)
    single = model.drift(x.float(), 0.2, label=wanted, rng=Rng(3))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(to_numpy(single), here, atol=1e-2)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.sampled_from(["horizontal", "vertical"]),
    st.sampled_from(["even", "orthogonal", "iid"]), st.integers(0, 9), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_any_sizes_and_knobs_give_finite_clouds(n, m, d, gap, scheme, count, refresh, seed):
    model = fitted(normal(m, d, seed), gap=gap, scheme=scheme, directions=count, refresh=refresh)
    path = flow(model, normal(n, d, seed + 1), model.grid(5).t)
    assert path.shape == (6, n, d)
    assert np.isfinite(path).all()


@pytest.mark.parametrize("d", [1, 2, 9])
def test_the_vertical_flow_brings_a_round_gaussian_back_at_rate_two(d):
    """Linearised, the gap of distribution functions is the density, whose mean along a line is 1 / (2 sqrt(pi) s)."""
    x, off = 1.5 * normal(20000, d, 1), 0.05 * np.ones(d)
    back = to_numpy(fitted(x + off, gap="vertical", directions=64).drift(to_torch(x[:10000]), 0.1, rng=Rng(0)))
    other = to_numpy(fitted(x - off, gap="vertical", directions=64).drift(to_torch(x[:10000]), 0.1, rng=Rng(0)))
    np.testing.assert_allclose((back - other).mean(0) / 2, 2 * off, rtol=0.08)


def test_the_vertical_flow_has_bounded_speed_however_far_the_data():
    speeds = []
    for far in (1e2, 1e4):
        v = to_numpy(fitted(normal(50, 2, 1) + far, gap="vertical", directions=256).drift(to_torch(normal(60)), 0.0))
        speeds.append(np.linalg.norm(v, axis=1).mean())
    assert speeds[1] == pytest.approx(speeds[0], rel=0.02)


def test_steps_of_the_vertical_flow_shrink_to_its_end():
    grid = SlicedWassersteinFlow(gap="vertical", tau_max=12).grid(30)
    np.testing.assert_allclose(grid.t, 12 * (1 - (1 - np.arange(31) / 30) ** 2))
    assert (np.diff(grid.t, 2) < 0).all()


def test_short_steps_of_the_vertical_flow_lower_the_energy_distance():
    from rkdiff.metrics.clouds import energy_distance

    y = 0.5 * normal(150, 2, 2) + 1
    path = flow(fitted(y, gap="vertical", directions=64), normal(100, 2, 1), 0.05 * np.arange(60))
    values = [energy_distance(x, y) for x in path]
    assert (np.diff(values) < 1e-4).all()
    assert values[-1] < 0.1 * values[0]


@pytest.mark.parametrize(("steps", "bar"), [(10, 0.5), (40, 0.42)])
def test_the_vertical_flow_comes_most_of_the_way_in_the_usual_time(steps, bar):
    y = make("data", "two_moons", n=500).make(Rng(0)).train
    y = (y - y.mean(0)) / y.std()
    model, x, theta = fitted(y, gap="vertical"), normal(500, 2, 3), normal(64, 2, 4)
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)

    def away(z):
        return np.sqrt(squared_wasserstein(np.sort(theta @ z.T), np.sort(theta @ y.T)).mean())

    assert away(flow(model, x, model.grid(steps).t)[-1]) < bar * away(x)

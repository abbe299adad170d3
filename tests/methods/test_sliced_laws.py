"""What is exact in a sliced flow, to rounding; how close particles come where they are many; and the same bytes for the same seed."""

import numpy as np
import pytest

from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.schedules import Grid

TAUS = np.array([0.0, 0.2, 0.7, 1.1, 3.0])


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def standard(n, d, seed):
    x = normal(n, d, seed)
    return (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T


def flow(y, x, taus=TAUS, seed=0, labels=None, wanted=None, **knobs):
    model = outcome(SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels), Rng(seed)))
    grid = Grid(np.asarray(taus, float), np.ones(len(taus)), np.zeros(len(taus)))
    return make("sampler", "exponential_euler").run(model, x, grid, Rng(seed), labels=wanted).x


def test_the_line_is_interpolated_to_rounding_over_several_steps():
    x, y = normal(60, 1, 1), normal(60, 1, 2) * 0.5 + 1
    target = np.sort(y, axis=0)[np.argsort(np.argsort(x[:, 0]))]
    for tau, z in zip(TAUS, flow(y, x), strict=True):
        np.testing.assert_allclose(z, np.exp(-tau) * x + (1 - np.exp(-tau)) * target, atol=1e-14)


@pytest.mark.parametrize("d", [2, 8, 32])
@pytest.mark.parametrize("m", [50, 83])
def test_means_relax_to_rounding_whatever_the_laws(d, m):
    x, y = np.random.default_rng(1).uniform(-1, 1, (50, d)), np.random.default_rng(2).exponential(1, (m, d))
    for tau, z in zip(TAUS, flow(y, x), strict=True):
        np.testing.assert_allclose(z.mean(0), y.mean(0) + np.exp(-tau) * (x.mean(0) - y.mean(0)), atol=1e-13)


@pytest.mark.parametrize("d", [2, 8])
def test_translations_are_rigid_to_rounding(d):
    x = np.random.default_rng(1).uniform(-1, 1, (60, d))
    c = np.linspace(-1, 1, d)
    for tau, z in zip(TAUS, flow(x[::-1] + c, x), strict=True):
        np.testing.assert_allclose(z, x + (1 - np.exp(-tau)) * c, atol=1e-14)


@pytest.mark.parametrize(("d", "count"), [(2, 16), (8, 32), (32, 64)])
def test_eight_thousand_particles_of_round_gaussians_follow_the_known_map(d, count):
    """m(tau) + s(tau) / s0 (x - m0) with s(tau) = s* + e^-tau (s0 - s*)."""
    taus, s1 = np.array([0.0, 0.3, 0.6]), 0.5
    x, y = standard(8000, d, 1), s1 * standard(8000, d, 2) + 2.0
    for tau, z in zip(taus, flow(y, x, taus, directions=count), strict=True):
        s = s1 + np.exp(-tau) * (1 - s1)
        assert z.std(axis=0).mean() == pytest.approx(s, abs=3e-4)
        away = z - (2.0 * (1 - np.exp(-tau)) + s * x)
        assert np.sqrt((away**2).mean()) < 6e-3 * np.sqrt((z**2).mean())


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"gap": "vertical"},
        {"entropy": 0.1},
        {"scaling": "whiten"},
        {"classes": "joint"},
        {"refresh": False, "scheme": "iid"},
    ],
    ids=str,
)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(knobs):
    y, labels, wanted = normal(70, 2, 1), np.arange(70) % 2, np.arange(50) % 2
    first, again, other = (flow(y, normal(50, 2, 2), TAUS, s, labels, wanted, **knobs) for s in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()

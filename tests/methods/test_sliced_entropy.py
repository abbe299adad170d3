"""The entropic sliced flow: the spread at which noise and pull balance, and where entropy has no meaning."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.schedules import Grid


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def fitted(y, labels=None, **knobs):
    return outcome(SlicedWassersteinFlow(**knobs).fit(Problem(y, np.ones(y.shape[1]), labels), Rng(0)))


def flow(model, x, taus, labels=None, seed=0):
    grid = Grid(np.asarray(taus, float), np.ones(len(taus)), np.zeros(len(taus)))
    return make("sampler", "exponential_euler").run(model, x, grid, Rng(seed), labels=labels).x


def fixed_point(entropy, step, spread):
    """Where s^2 = (e^-D s + (1 - e^-D) s*)^2 + entropy s*^2 (1 - e^-2D)."""
    s, decay = spread, np.exp(-step)
    for _ in range(10000):
        s = np.sqrt((decay * s + (1 - decay) * spread) ** 2 + entropy * spread**2 * (1 - decay**2))
    return s


@pytest.mark.parametrize(("d", "entropy", "step"), [(1, 0.3, 0.3), (2, 0.2, 0.1), (2, 0.2, 0.5), (6, 0.05, 0.2)])
def test_the_spread_settles_where_noise_and_pull_balance(d, entropy, step):
    y = normal(2000, d, 1)
    y = (y - y.mean(0)) / y.std() * 1.5
    expected = fixed_point(entropy, step, 1.5)
    assert expected > 1.03 * 1.5
    path = flow(fitted(y, entropy=entropy), 1.5 * normal(2000, d, 2), np.arange(0, 6 + 30 * step, step))
    assert path[-30:].std(axis=1).mean() == pytest.approx(expected, rel=0.01)


def test_with_short_steps_the_spread_nears_that_of_the_continuous_flow():
    continuous = 0.5 * (1 + np.sqrt(1 + 4 * 0.2)) * 1.5
    assert continuous == pytest.approx(1.7562, abs=1e-4)
    away = [continuous - fixed_point(0.2, step, 1.5) for step in (0.1, 0.01, 0.001)]
    assert away[0] > 5 * away[1] > 25 * away[2] > 0


def test_the_noise_of_a_step_composes_as_that_of_a_relaxing_process():
    """Two steps of dtau add up to one of 2 dtau: v2 = v1 e^-2dtau + v1."""
    model = fitted(3 * normal(100), entropy=0.3)
    once, twice = model.noise(1.0, 1.5), model.noise(1.0, 2.0)
    assert twice**2 == pytest.approx(once**2 * (1 + np.exp(-1.0)))
    assert model.noise(0, 50.0) ** 2 == pytest.approx(0.3 * (3 * normal(100)).var(axis=0).mean())
    assert fitted(normal(100)).noise(0.0, 3.0) == 0.0


def test_noise_keeps_particles_off_the_training_points():
    from scipy.spatial import KDTree

    y, x = normal(150, 2, 1), normal(150, 2, 2)
    near = [
        np.median(KDTree(y).query(flow(fitted(y, entropy=e), x, SlicedWassersteinFlow().grid(40).t)[-1])[0])
        for e in (0.0, 0.05)
    ]
    assert near[1] > 1.5 * near[0]


def test_entropy_is_the_same_for_every_class():
    y, labels = np.concatenate([0.01 * normal(50, 2, 1), 5 + normal(50, 2, 2)]), np.repeat([0, 1], 50)
    model = fitted(y, labels, entropy=0.1)
    assert model.noise(0, 50.0) ** 2 == pytest.approx(0.1 * y.var(axis=0).mean())


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"gap": "vertical"}, "entropy 0.1 .* gap is 'vertical'; choose gap 'horizontal', or entropy 0"),
        ({"scaling": "axes"}, "entropy 0.1 .* scaling is 'axes'; choose scaling 'none', or entropy 0"),
        ({"scaling": "whiten"}, "entropy 0.1 .* scaling is 'whiten'"),
    ],
)
def test_entropy_is_refused_where_it_has_no_meaning(knobs, said):
    with pytest.raises(PartError, match=said):
        fitted(normal(10), entropy=0.1, **knobs)
    fitted(normal(10), entropy=0.0, **knobs)

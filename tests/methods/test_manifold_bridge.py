"""Bridges trained on the circle and the sphere, against the bridge on a grid and against symmetry."""

import math

import numpy as np
import pytest

from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods._ipf_regressors import Network
from rkdiff.methods._manifold_bridge import fit_manifold_bridge
from rkdiff.transport.circle_bridge import circle_bridge, circle_grid
from rkdiff.transport.manifolds import Sphere, Torus

X = circle_grid()
DENSITY = np.exp(1.5 * np.cos(2 * X) + 0.7 * np.cos(X - 1))


def angles(weights, n, seed=0):
    generator = np.random.default_rng(seed)
    arc = 2 * math.pi / len(X)
    return generator.choice(X, n, p=weights / weights.sum())[:, None] + arc * (generator.random((n, 1)) - 0.5)


def uniform(n, seed=7):
    return np.random.default_rng(seed).uniform(-math.pi, math.pi, (n, 1))


def on_sphere(n, pull, seed=0):
    """Points gathered about the third axis."""
    x = np.random.default_rng(seed).standard_normal((n, 3)) + [0.0, 0.0, pull]
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def waves(x, weights=None):
    """The first three Fourier coefficients of points, or of weights of the grid."""
    k = np.arange(1, 4)
    if weights is None:
        return np.exp(1j * k * x).mean(0)
    return weights @ np.exp(1j * k * X[:, None])


@pytest.fixture(scope="module")
def circle():
    bridge = outcome(fit_manifold_bridge(Torus(), None, angles(DENSITY, 20_000), Rng(0), steps=40, half_steps=5, paths=20_000))
    return bridge, bridge.paths(uniform(20_000), Rng(1), last_noise=True)


def test_a_trained_circle_bridge_has_the_marginals_of_the_grid(circle):
    exact, (_, paths) = circle_bridge(np.ones(360), DENSITY, 1.0), circle
    for t in (0.25, 0.5, 0.75, 1.0):
        np.testing.assert_allclose(waves(paths[int(40 * t)]), waves(None, exact.marginal(t)), atol=0.06)


def test_a_trained_circle_bridge_couples_its_ends_as_the_grid_does(circle):
    exact, (_, paths) = circle_bridge(np.ones(360), DENSITY, 1.0), circle
    turned = (np.cos(X[:, None] - X) * exact.plan).sum()
    assert np.cos(paths[-1] - paths[0]).mean() == pytest.approx(turned, abs=0.03)


def test_a_trained_circle_bridge_has_the_drift_of_the_grid(circle):
    """Least squares in four harmonics, averaged over neighbouring nodes, whose noise is independent."""
    exact, (bridge, _) = circle_bridge(np.ones(360), DENSITY, 1.0), circle
    times = np.arange(10, 31) / 40
    seen, wanted = (np.mean([f(t) for t in times], axis=0) for f in (lambda t: bridge.drift(X[:, None], t)[:, 0], exact.drift))
    assert np.sqrt(((seen - wanted) ** 2).mean()) < 0.2 * np.sqrt((wanted**2).mean())


def test_its_way_back_ends_at_the_source(circle):
    bridge, _ = circle
    paths = bridge.paths(angles(DENSITY, 20_000, 3), Rng(2), to_data=False)
    assert np.abs(waves(paths[0])).max() < 0.06
    np.testing.assert_allclose(waves(paths[-1]), waves(None, DENSITY / DENSITY.sum()), atol=0.02)


@pytest.mark.parametrize("manifold", [Torus(), Torus(2), Sphere()], ids=str)
def test_from_uniform_to_uniform_nothing_pulls(manifold):
    generator = np.random.default_rng(0)
    x = on_sphere(20_000, 0.0) if isinstance(manifold, Sphere) else generator.uniform(-math.pi, math.pi, (20_000, manifold.dim))
    bridge = outcome(fit_manifold_bridge(manifold, None, x, Rng(0), steps=8, half_steps=3, paths=20_000))
    assert np.sqrt((bridge.drift(x[:500], 0.5) ** 2).sum(1).mean()) < 0.12 * np.sqrt(manifold.dim)
    pulled = on_sphere(20_000, 1.5) if isinstance(manifold, Sphere) else np.tile(angles(DENSITY, 20_000), (1, manifold.dim))
    other = outcome(fit_manifold_bridge(manifold, None, pulled, Rng(0), steps=8, half_steps=3, paths=20_000))
    assert np.sqrt((other.drift(x[:500], 0.5) ** 2).sum(1).mean()) > 0.4


@pytest.mark.parametrize(
    "regressor",
    [None, Network(iterations=80, width=16, layers=2, batch=128, refresh=80, fourier=0)],
    ids=["squares", "network"],
)
def test_a_bridge_on_the_sphere_gathers_points_where_the_data_is(regressor):
    data = on_sphere(5000, 2.0)
    bridge = outcome(
        fit_manifold_bridge(
            Sphere(), None, data, Rng(0), steps=15, half_steps=5, regressor=regressor, paths=3000, law="geometric"
        )
    )
    paths = bridge.paths(on_sphere(4000, 0.0, 9), Rng(1))
    assert np.abs(np.linalg.norm(paths, axis=-1) - 1).max() < 1e-6
    np.testing.assert_allclose(paths[-1].mean(0), data.mean(0), atol=0.06)
    np.testing.assert_allclose((paths[-1] ** 2).mean(0), (data**2).mean(0), atol=0.06)
    tangent = (bridge.drift(data[:50], 0.5) * data[:50]).sum(1)
    np.testing.assert_allclose(tangent, 0.0, atol=1e-6)


def test_a_source_of_points_is_taken_as_it_is():
    source, data = on_sphere(3000, 3.0), -on_sphere(3000, 3.0, 1)
    bridge = outcome(fit_manifold_bridge(Sphere(), source, data, Rng(0), steps=20, half_steps=5))
    paths = bridge.paths(source, Rng(1))
    np.testing.assert_allclose(paths[-1].mean(0), data.mean(0), atol=0.12)


@pytest.mark.parametrize("x", [np.array([[0.0, 0.0, 1.0]]), np.tile([[0.6, 0.0, 0.8]], (50, 1))], ids=["one", "coincident"])
def test_a_single_place_is_reached(x):
    bridge = outcome(fit_manifold_bridge(Sphere(), None, x, Rng(0), steps=20, half_steps=1, law="geometric"))
    end = bridge.paths(on_sphere(500, 0.0), Rng(1))[-1]
    assert (end @ x[0]).mean() > 0.95


@pytest.mark.parametrize(
    ("manifold", "data", "said"),
    [
        (Sphere(), np.ones((5, 2)), "3 finite numbers"),
        (Sphere(), np.full((5, 3), np.nan), "finite"),
        (Sphere(), np.zeros((0, 3)), "at least one point"),
        (Sphere(), np.ones((5, 3)), "length 1.73"),
        (Torus(), np.full((5, 1), np.inf), "finite"),
    ],
)
def test_points_off_the_manifold_are_refused(manifold, data, said):
    with pytest.raises(ValueError, match=said):
        outcome(fit_manifold_bridge(manifold, None, data, Rng(0)))


def test_impossible_bridges_are_refused():
    x = on_sphere(5, 0.0)
    for wrong in ({"sigma": 0.0}, {"steps": 0}, {"half_steps": 0}, {"paths": 1}, {"law": "odd"}):
        with pytest.raises(ValueError, match="give"):
            outcome(fit_manifold_bridge(Sphere(), None, x, Rng(0), **wrong))

"""Geodesics are inverse to their logarithms, walks stay on their manifold and forget at the rate of the Laplacian."""

import math

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.transport.manifolds import Flat, Sphere, Torus, geodesic_walk, wrap

MANIFOLDS = [Sphere(), Sphere(1), Sphere(4), Torus(), Torus(2)]
LIKE = torch.zeros(1, dtype=torch.float64)


def points(m, n=400, seed=0):
    return m.uniform(n, Rng(seed).torch("points"), LIKE)


def tangents(m, x, size, seed=1):
    return m.project(x, size * torch.randn(x.shape, generator=Rng(seed).torch("v"), dtype=torch.float64))


@pytest.mark.parametrize("m", MANIFOLDS, ids=str)
def test_the_logarithm_undoes_a_geodesic(m):
    x = points(m)
    v = tangents(m, x, 0.5)
    near = v.norm(dim=1) < 2.5
    back, defined = m.log(x, m.exp(x, v))
    assert bool(defined[near].all())
    torch.testing.assert_close(back[near], v[near], atol=1e-9, rtol=0)
    torch.testing.assert_close(m.project(x, v), v)


@pytest.mark.parametrize("m", MANIFOLDS, ids=str)
def test_a_geodesic_undoes_the_logarithm(m):
    x, y = points(m), points(m, seed=5)
    v, defined = m.log(x, y)
    gap = m.log(y, m.exp(x, v))[0].norm(dim=1)
    assert float(gap[defined].max()) < 1e-8
    assert float(defined.double().mean()) > 0.95


def test_no_direction_leads_to_the_opposite_point():
    x = points(Sphere())
    v, defined = Sphere().log(x, -x)
    assert not bool(defined.any())
    assert float(v.abs().max()) == 0.0
    a = points(Torus(2))
    opposite = wrap(a + torch.tensor([math.pi, 0.3]))
    v, defined = Torus(2).log(a, opposite)
    assert not bool(defined.any())
    same, here = Sphere().log(x, x)
    assert bool(here.all())
    assert float(same.norm(dim=1).max()) < 1e-7


def test_angles_stay_in_their_turn():
    a = torch.tensor([math.pi, -math.pi, 3.5, -3.5, 100.0, 0.0], dtype=torch.float64)
    w = wrap(a)
    assert float(w.max()) <= math.pi
    assert float(w.min()) > -math.pi
    torch.testing.assert_close(torch.cos(w), torch.cos(a))
    torch.testing.assert_close(w[:2], torch.full((2,), math.pi, dtype=torch.float64))


@pytest.mark.parametrize(("m", "rate"), [(Sphere(), 1.0), (Torus(), 0.5), (Sphere(1), 0.5)], ids=str)
def test_brownian_motion_forgets_at_the_rate_of_the_laplacian(m, rate):
    """The generator is half the Laplacian, whose first eigenvalue is d on the sphere of dimension d and 1 on the circle."""
    x = points(m, 40_000)
    frames = geodesic_walk(m, x, Rng(2).torch("walk"), time=0.5, steps=50)
    seen = (m.embed(frames[0]) * m.embed(frames[-1])).sum(-1).mean()
    assert float(seen) == pytest.approx(math.exp(-rate * 0.5), abs=0.008)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_walks_stay_on_the_sphere(dtype):
    x = points(Sphere()).to(dtype)
    frames = geodesic_walk(Sphere(), x, Rng(2).torch("walk"), time=20.0, steps=200, sigma=2.0)
    assert frames.shape == (201, 400, 3)
    assert float((frames.norm(dim=-1) - 1).abs().max()) < 1e-6


def test_without_noise_a_walk_follows_its_drift():
    """Turning about the axis: after a whole turn every point is back, and half way its first two coordinates are reversed."""
    turn = lambda x, t: 2 * math.pi * torch.stack([-x[:, 1], x[:, 0], 0 * x[:, 0]], dim=1)
    x = points(Sphere(), 50)
    frames = geodesic_walk(Sphere(), x, Rng(0).torch("w"), steps=2000, sigma=0.0, drift=turn)
    torch.testing.assert_close(frames[-1], x, atol=0.02, rtol=0)
    torch.testing.assert_close(frames[1000], x * torch.tensor([-1.0, -1.0, 1.0]).double(), atol=0.02, rtol=0)


def test_flat_space_is_flat():
    x = torch.randn(5, 3, generator=Rng(0).torch("x"))
    v, defined = Flat().log(x, 2 * x)
    torch.testing.assert_close(v, x)
    assert bool(defined.all())
    assert geodesic_walk(Flat(), x, Rng(0).torch("w"), steps=3).shape == (4, 5, 3)
    with pytest.raises(ValueError, match="no uniform law"):
        Flat().uniform(2, Rng(0).torch("u"), x)


@pytest.mark.parametrize("m", MANIFOLDS, ids=str)
def test_the_uniform_law_has_no_direction(m):
    x = m.embed(points(m, 20_000))
    assert float(x.mean(0).abs().max()) < 0.02
    basis = m.basis(points(m, 50))
    assert basis.shape[0] == 50
    assert bool(torch.isfinite(basis).all())


def test_impossible_walks_are_refused():
    x = points(Sphere(), 5)
    for wrong in ({"steps": 0}, {"time": 0.0}, {"sigma": -1.0}):
        with pytest.raises(ValueError, match="give steps >= 1"):
            geodesic_walk(Sphere(), x, Rng(0).torch("w"), **wrong)
    with pytest.raises(ValueError, match=r"give \(n, 1\)"):
        geodesic_walk(Torus(), x, Rng(0).torch("w"))
    assert np.isfinite(geodesic_walk(Torus(3), x, Rng(0).torch("w")).numpy()).all()

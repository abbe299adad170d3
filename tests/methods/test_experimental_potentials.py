"""Experimental: input-convex networks and the dual they train, against the closed form between Gaussians."""

import inspect

import numpy as np
import pytest
import torch

from rkdiff.core.parts import choices
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods.experimental.dual import fit_dual
from rkdiff.methods.experimental.icnn import Icnn, conjugate
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import distance as gaussian_distance
from rkdiff.processes.gaussians.transport import optimal_map
from rkdiff.transport import exact

A = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
B = Gaussian(np.zeros(2), np.array([[0.5, -0.2], [-0.2, 2]]))


def with_moments_of(gaussian, n, seed):
    """Normal points moved to have the mean and covariance exactly."""
    z = np.random.default_rng(seed).normal(size=(n, gaussian.dim))
    z -= z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
    return gaussian.mean + z @ np.linalg.cholesky(gaussian.cov).T


def network(dim=3, seed=0):
    """A network far from its start, in double precision."""
    net = Icnn(dim, (16, 12, 8))
    like = torch.zeros(1, dtype=torch.float64)
    theta = net.start(Rng(seed).torch("start"), like)
    return net, theta + torch.randn(theta.shape, generator=Rng(seed).torch("far"), dtype=torch.float64)


def test_every_parameter_gives_a_convex_function_with_a_symmetric_positive_jacobian():
    for seed in range(3):
        net, theta = network(seed=seed)
        x, y = (2 * torch.randn((200, 3), generator=Rng(seed).torch(name), dtype=torch.float64) for name in "xy")
        assert bool((net(theta, (x + y) / 2) <= (net(theta, x) + net(theta, y)) / 2).all())
        jacobian = net.hessian(theta, x)[1].detach()
        assert (jacobian - jacobian.transpose(1, 2)).abs().max() < 1e-12
        assert torch.linalg.eigvalsh(jacobian).min() > 0


def test_the_gradient_and_the_jacobian_are_those_of_differences():
    net, theta = network()
    x = torch.randn((5, 3), generator=Rng(0).torch("x"), dtype=torch.float64)
    step = 1e-5 * torch.randn((5, 3), generator=Rng(0).torch("step"), dtype=torch.float64)
    g, h = (z.detach() for z in net.hessian(theta, x))
    assert torch.allclose(net(theta, x + step) - net(theta, x - step), 2 * (g * step).sum(1), atol=1e-12)
    change = net.gradient(theta, x + step) - net.gradient(theta, x - step)
    assert torch.allclose(change, 2 * torch.einsum("nij,nj->ni", h, step), atol=1e-11)


def test_the_map_starts_near_the_identity():
    net = Icnn(2, (32, 32))
    theta = net.start(Rng(0).torch("start"), torch.zeros(1, dtype=torch.float64))
    x = torch.randn((100, 2), generator=Rng(0).torch("x"), dtype=torch.float64)
    assert (net.gradient(theta, x) - x).pow(2).mean() < 0.1 * x.pow(2).mean()


def test_the_conjugate_is_attained_where_newton_stops():
    net, theta = network()
    y = 3 * torch.randn((50, 3), generator=Rng(0).torch("y"), dtype=torch.float64)
    x = conjugate(net, theta, y, torch.zeros_like(y), steps=20)
    assert (net.gradient(theta, x) - y).abs().max() < 1e-8
    best = (x * y).sum(1) - net(theta, x)
    for _ in range(5):
        other = x + torch.randn((50, 3), generator=Rng(1).torch("other"), dtype=torch.float64)
        assert bool(((other * y).sum(1) - net(theta, other) < best).all())


@pytest.mark.parametrize(("amortisation", "inner", "near"), [("regression", 1, 0.04), ("objective", 4, 0.07)])
def test_between_gaussians_the_dual_nears_half_the_squared_distance_from_below(amortisation, inner, near):
    x, y = with_moments_of(A, 700, 0), with_moments_of(B, 700, 1)
    closed = gaussian_distance(A, B) ** 2 / 2
    assert closed == pytest.approx(0.1865023249, abs=1e-9)
    work = fit_dual(x, y, Rng(0), widths=(32, 32), iterations=300, batch=256, rate=2e-2, amortisation=amortisation, inner=inner)
    found = outcome(work)
    assert found.residual < 1e-5
    assert found.value <= exact.distance(x, y) ** 2 / 2 + 1e-5
    assert found.value == pytest.approx(closed, rel=near)
    moved, true = found.forward(x), x @ optimal_map(A, B)
    assert np.abs(np.cov(moved.T, bias=True) - B.cov).max() < 0.15
    assert ((moved - true) ** 2).sum(1).mean() < 0.15 * ((x - true) ** 2).sum(1).mean()
    assert ((found.back(moved) - x) ** 2).sum(1).mean() < 0.15 * ((x - true) ** 2).sum(1).mean()
    assert set(found.to_dict()) == {"value", "residual", "parameters"}


def test_the_same_seed_gives_the_same_potentials_and_reports_come():
    x, y = with_moments_of(A, 60, 0), with_moments_of(B, 50, 1)

    def work():
        return fit_dual(x, y, Rng(3), widths=(8,), iterations=4, batch=16, inner=2, amortisation="objective")

    assert [p.done for p in work()] == [1, 2, 3, 4]
    assert np.array_equal(outcome(work()).f, outcome(work()).f)


def test_what_cannot_be_is_refused_and_nothing_here_is_a_method():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match="choose one of objective, regression"):
        outcome(fit_dual(x, x, Rng(0), iterations=0))
    for wrong, words in ((np.zeros((4, 3)), "the same d"), (x[:0], "n >= 1"), (np.full((4, 2), np.nan), "not finite")):
        with pytest.raises(ValueError, match=words):
            outcome(inspect.unwrap(fit_dual)(x, wrong, Rng(0), iterations=1))
    with pytest.raises(ValueError, match="at least one coordinate"):
        Icnn(2, ())
    assert not [cls for cls in choices("method").values() if "experimental" in cls.__module__]

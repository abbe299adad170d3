"""The closed forms of a mixture plan: against Gaussians, quadrature, the published formulas and Sinkhorn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._light_fit import Components, contrast, log_normals, logits
from rkdiff.methods._light_plan import LightPlan
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.bridge import Bridge
from rkdiff.processes.gaussians.transport import entropic_coupling

EPS = 0.4
A = Gaussian(np.array([0.3, -0.2]), np.array([[1, 0.6], [0.6, 1.5]]))
B = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))


def optimum(a=A, b=B, eps=EPS):
    """S = C^T S0^{-1} and r = m1 - S m0: the mixture of one component whose plan is the entropic one."""
    s = entropic_coupling(a, b, eps).T @ np.linalg.inv(a.cov)
    return s, b.mean - s @ a.mean


def plan_of(weights, centres, covs, eps):
    """Any mixture, with full covariances S_k."""
    values, turns = np.linalg.eigh(covs)
    rows = torch.as_tensor(np.log(weights))
    return LightPlan(eps, rows, torch.as_tensor(centres), torch.as_tensor(values), torch.as_tensor(turns))


def three(d=2, eps=0.3, seed=0):
    """Three components, with the arrays they are made of."""
    g = np.random.default_rng(seed)
    half = g.normal(size=(3, d, d)) / 2
    covs = half @ half.transpose(0, 2, 1) + 0.1 * np.eye(d)
    weights, centres = np.array([0.2, 0.5, 0.3]), g.normal(size=(3, d))
    return plan_of(weights, centres, covs, eps), weights, centres, covs


def with_moments(law, n=400, seed=0):
    """Points that have a Gaussian's mean and covariance exactly."""
    z = np.random.default_rng(seed).normal(size=(n, law.dim))
    z = z - z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
    return torch.as_tensor(z @ np.linalg.cholesky(law.cov).T + law.mean)


def test_one_component_at_the_optimum_is_symmetric_and_carries_the_covariance():
    s, _ = optimum()
    np.testing.assert_allclose(s, [[0.5895711445, -0.2358284578], [-0.2358284578, 1.1001985492]], atol=1e-10)
    np.testing.assert_allclose(s @ A.cov @ s + EPS * s, B.cov, atol=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.999, 1.0])
def test_one_component_is_the_gaussian_bridge(t):
    s, r = optimum()
    plan, x = plan_of(np.ones(1), r[None], s[None], EPS), np.random.default_rng(1).normal(size=(20, 2)) * 2
    if t < 1:
        np.testing.assert_allclose(to_numpy(plan.drift(torch.as_tensor(x), t)), Bridge(A, B, EPS).drift(x, t), atol=1e-10)
    else:  # the oracle is a ratio of two small numbers there
        near = Bridge(A, B, EPS).drift(x, 1 - 1e-7)
        np.testing.assert_allclose(to_numpy(plan.drift(torch.as_tensor(x), t)), near, atol=1e-5)


def test_the_loss_is_least_and_flat_at_the_optimum():
    x, y = with_moments(A), with_moments(B, seed=1)
    s, r = optimum()
    shape = Components(1, 2, True)

    def loss(lower, centre):
        at_source = logits(x, centre[None], lower[None], EPS)
        return contrast(at_source, log_normals(y, centre[None], lower[None], EPS))

    lower, centre = torch.as_tensor(np.linalg.cholesky(s)).requires_grad_(), torch.as_tensor(r).requires_grad_()
    least = loss(lower, centre)
    along_lower, along_centre = torch.autograd.grad(least, (lower, centre))
    assert float(along_lower.tril().abs().max()) < 1e-10
    assert float(along_centre.abs().max()) < 1e-10
    g = np.random.default_rng(2)
    for size in (0.02, 0.3):
        moved = torch.as_tensor(np.linalg.cholesky(s) + size * np.tril(g.normal(size=(2, 2))))
        assert float(loss(moved, torch.as_tensor(r + size * g.normal(size=2)))) > float(least.detach())
    a, _, start = shape.read(torch.as_tensor(shape.start(r[None])))
    assert float(a.abs().max()) == 0
    np.testing.assert_allclose(to_numpy(start[0] @ start[0].T), 0.1 * np.eye(2), atol=1e-12)


def test_diagonal_and_full_components_have_the_same_logarithms():
    g = np.random.default_rng(0)
    x, r, s = (torch.as_tensor(v) for v in (g.normal(size=(7, 3)), g.normal(size=(4, 3)), g.uniform(0.2, 2, (4, 3))))
    lower = torch.diag_embed(s.sqrt())
    torch.testing.assert_close(logits(x, r, s, 0.3), logits(x, r, lower, 0.3))
    torch.testing.assert_close(log_normals(x, r, s, 0.3), log_normals(x, r, lower, 0.3))
    exact = np.stack([multivariate_normal(r[k].numpy(), 0.3 * np.diag(s[k].numpy())).logpdf(x.numpy()) for k in range(4)], 1)
    np.testing.assert_allclose(log_normals(x, r, s, 0.3).numpy(), exact)


@pytest.mark.parametrize("t", [0.0, 0.4, 0.9])
def test_the_drift_on_the_line_is_the_quadrature_of_the_bridge(t):
    plan, weights, centres, covs = three(1)
    y = np.linspace(-12, 12, 40001)
    v = sum(w * multivariate_normal(c, plan.eps * s).pdf(y) for w, c, s in zip(weights, centres, covs, strict=True))
    x = np.linspace(-2, 2, 9)
    logs = np.log(v + 1e-300) + y**2 / (2 * plan.eps) - (y - x[:, None]) ** 2 / (2 * plan.eps * (1 - t))
    share = np.exp(logs - logs.max(1, keepdims=True))
    mean = (share * y).sum(1) / share.sum(1)
    np.testing.assert_allclose(to_numpy(plan.mean(torch.as_tensor(x[:, None]), t))[:, 0], mean, atol=1e-8)
    np.testing.assert_allclose(to_numpy(plan.drift(torch.as_tensor(x[:, None]), t))[:, 0], (mean - x) / (1 - t), atol=1e-7)


def test_the_drift_is_the_published_one():
    """With A_k = t / (eps (1 - t)) I + (eps S_k)^{-1} and c_k = x / (eps (1 - t)) + (eps S_k)^{-1} r_k."""
    plan, weights, centres, covs = three()
    t, eps, x = 0.6, plan.eps, np.random.default_rng(3).normal(size=(6, 2))
    logs, means = [], []
    for w, r, s in zip(weights, centres, covs, strict=True):
        precise = np.linalg.inv(eps * s)
        a, c = t / (eps * (1 - t)) * np.eye(2) + precise, x / (eps * (1 - t)) + precise @ r
        half = np.linalg.solve(a, c.T).T
        dets = -(np.linalg.slogdet(s)[1] + np.linalg.slogdet(a)[1]) / 2
        logs.append(np.log(w) + dets - r @ precise @ r / 2 + (c * half).sum(1) / 2)
        means.append(half)
    share = np.exp(np.array(logs) - np.max(logs, axis=0))
    mean = np.einsum("kn,knd->nd", share / share.sum(0), np.array(means))
    np.testing.assert_allclose(to_numpy(plan.drift(torch.as_tensor(x), t)), (mean - x) / (1 - t), atol=1e-10)


def test_a_turned_plan_drifts_as_the_turned_points():
    g = np.random.default_rng(4)
    plain = LightPlan(
        0.2,
        torch.zeros(3, dtype=torch.float64),
        *(torch.as_tensor(v) for v in (g.normal(size=(3, 2)), g.uniform(0.1, 2, (3, 2)))),
    )
    turn = torch.linalg.qr(torch.as_tensor(g.normal(size=(2, 2))))[0]
    turned = LightPlan(0.2, plain.weights, plain.centres @ turn.T, plain.variances, turn.expand(3, 2, 2))
    x = torch.as_tensor(g.normal(size=(9, 2)))
    torch.testing.assert_close(turned.drift(x @ turn.T, 0.3), plain.drift(x, 0.3) @ turn.T)
    torch.testing.assert_close(turned.log_density(x @ turn.T, x @ turn.T), plain.log_density(x, x))
    torch.testing.assert_close(turned.draw(x @ turn.T, 0.3, Rng(1)), plain.draw(x, 0.3, Rng(1)) @ turn.T)


def test_the_density_of_the_plan_is_its_mixture_and_draws_have_its_moments():
    plan, weights, centres, covs = three()
    x, y = np.array([[0.4, -0.7]]), np.random.default_rng(5).normal(size=(11, 2))
    log_w = np.log(weights) + (np.einsum("d,kde,e->k", x[0], covs, x[0]) + 2 * centres @ x[0]) / (2 * plan.eps)
    w = np.exp(log_w - log_w.max())
    laws = [multivariate_normal(r + s @ x[0], plan.eps * s) for r, s in zip(centres, covs, strict=True)]
    density = sum(p * law.pdf(y) for p, law in zip(w / w.sum(), laws, strict=True))
    many = torch.as_tensor(np.repeat(x, 11, 0))
    np.testing.assert_allclose(np.exp(to_numpy(plan.log_density(many, torch.as_tensor(y)))), density, rtol=1e-10)
    n = 40000
    drawn = to_numpy(plan.draw(torch.as_tensor(np.repeat(x, n, 0)), 0.0, Rng(0)))
    mean = sum(p * law.mean for p, law in zip(w / w.sum(), laws, strict=True))
    second = sum(p * (law.cov + np.outer(law.mean, law.mean)) for p, law in zip(w / w.sum(), laws, strict=True))
    np.testing.assert_allclose(to_numpy(plan.mean(torch.as_tensor(x)))[0], mean, atol=1e-12)
    np.testing.assert_array_less(np.abs(drawn.mean(0) - mean), 4 * drawn.std(0) / n**0.5)
    np.testing.assert_allclose(drawn.T @ drawn / n, second, atol=0.03)


def test_the_plan_is_the_one_sinkhorn_finds_between_its_ends():
    """POT's cost is |x - y|^2, so that the same plan has reg = 2 eps."""
    import ot

    plan, *_ = three(eps=0.5)
    n = 1200
    x = torch.as_tensor(np.random.default_rng(6).normal(size=(n, 2)))
    y = to_numpy(plan.draw(x, 0.0, Rng(2)))
    discrete = ot.sinkhorn(np.ones(n) / n, np.ones(n) / n, ot.dist(x.numpy(), y), 2 * plan.eps)
    projected, expected = n * discrete @ y, to_numpy(plan.mean(x))
    spread = np.sqrt(((expected - expected.mean(0)) ** 2).sum(1).mean())
    assert np.sqrt(((projected - expected) ** 2).sum(1).mean()) < 0.1 * spread
    assert np.sqrt(((x.numpy() - expected) ** 2).sum(1).mean()) > 0.5 * spread

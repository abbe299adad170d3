import numpy as np
import pytest
from closed_forms import fitted, three_modes

from rkdiff.core.parts import PartError
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods import Problem
from rkdiff.methods._ridge import kernel, ridge
from rkdiff.methods._robust import leading, robust
from rkdiff.methods.kernel_diffusion import KernelDiffusion

G = np.random.default_rng(0)
X = torch.as_tensor(G.standard_normal((60, 2)))
Y = torch.as_tensor(np.sin(2 * X.numpy()) @ G.standard_normal((2, 3)) + 0.3 * G.standard_normal((60, 3)))
PENALTY = 1e-2
K = kernel(X, X, 0.8) + 1e-9 * torch.eye(60, dtype=torch.float64)
MODES = three_modes().sample(200, np.random.default_rng(0))[0]
QUICK = {"landmarks": 30, "noisy": 200, "levels": 4}


def sharp(loss, threshold, gram=K, between=K):
    return robust(gram, between, Y, PENALTY, loss, threshold=threshold, steps=4000, tolerance=1e-12)


def norms(r):
    return torch.linalg.norm(r, dim=1)


def gap(fit, loss, gram, between):
    """Primal plus dual objective, times N: 0 at the optimum and nowhere else. The dual's kernel is K_Nm K_mm^-1 K_mN."""
    n, t, b = len(Y), fit.threshold, fit.coefficients
    size = norms(Y - gram @ b)
    if loss == "huber":
        cost = torch.where(size <= t, size**2 / 2, t * size - t**2 / 2)
    else:
        cost = (size - t).clamp_min(0) ** 2 / 2
    primal = cost.sum() + n * PENALTY / 2 * (b * (between @ b)).sum()
    a = Y - fit.correction - gram @ b
    if loss == "huber":  # made feasible
        a = a * (t / norms(a).clamp_min(1e-300)).clamp_max(1.0)[:, None]
    nystroem = gram @ torch.linalg.solve(between, gram.T)
    dual = (a**2).sum() / 2 - (a * Y).sum() + (a * (nystroem @ a)).sum() / (2 * n * PENALTY)
    if loss == "insensitive":
        dual = dual + t * norms(a).sum()
    return float(primal + dual)


@pytest.mark.parametrize("landmarks", [60, 12])
@pytest.mark.parametrize("loss", ["huber", "insensitive"])
def test_primal_and_dual_meet(loss, landmarks):
    gram, between = K[:, :landmarks], K[:landmarks, :landmarks]
    fit = sharp(loss, 0.25, gram, between)
    assert (norms(fit.correction) > 1e-9).any()
    assert -1e-9 < gap(fit, loss, gram, between) < 1e-7
    loose = robust(gram, between, Y, PENALTY, loss, threshold=0.25, steps=1, tolerance=0.0)
    assert gap(loose, loss, gram, between) > 1e-4


def test_huber_keeps_small_residuals_and_cuts_large_ones():
    fit = sharp("huber", 0.25)
    r, a = Y - fit.predicted, Y - fit.correction - fit.predicted
    small = norms(r) < 0.25
    assert 0 < small.sum() < 60
    torch.testing.assert_close(a[small], r[small])
    torch.testing.assert_close(a[~small], 0.25 * r[~small] / norms(r)[~small, None])
    torch.testing.assert_close(fit.coefficients, a / (60 * PENALTY), atol=1e-4, rtol=1e-4)


def test_rows_within_eps_do_not_count():
    fit = sharp("insensitive", 0.4)
    a = norms(Y - fit.correction - fit.predicted)
    inside = norms(Y - fit.predicted) < 0.4 - 1e-6
    assert 0 < inside.sum() < 60
    assert float(a[inside].max()) < 1e-8
    torch.testing.assert_close(a[~inside], (norms(Y - fit.predicted) - 0.4)[~inside], atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(("loss", "threshold"), [("huber", 1e9), ("insensitive", 0.0)])
def test_an_endless_kappa_and_no_eps_are_ridge(loss, threshold):
    plain = torch.linalg.solve(K + 60 * PENALTY * torch.eye(60, dtype=torch.float64), Y)
    torch.testing.assert_close(K @ sharp(loss, threshold).coefficients, K @ plain, atol=1e-8, rtol=1e-8)
    ours = ridge(X, X, Y, 0.8, "gaussian", PENALTY)[0]
    torch.testing.assert_close(K @ sharp(loss, threshold).coefficients, K @ ours, atol=1e-6, rtol=1e-6)


def test_one_wild_target_bends_ridge_and_not_huber():
    wild = Y.clone()
    wild[7] += 100.0
    clean = K @ robust(K, K, Y, PENALTY, "huber", threshold=1e9).coefficients
    rest = torch.arange(60) != 7

    def moved(threshold):
        fit = robust(K, K, wild, PENALTY, "huber", threshold=threshold, steps=2000, tolerance=1e-9)
        return float((fit.predicted - clean)[rest].square().mean().sqrt())

    assert moved(1.0) < 0.05 * moved(1e9)


@pytest.mark.parametrize("seed", range(5))
def test_with_a_tenth_of_the_targets_wild_huber_is_nearer_the_truth(seed):
    g = np.random.default_rng(seed)
    truth = torch.as_tensor(np.sin(2 * X.numpy()))
    y = truth + torch.as_tensor(0.1 * g.standard_normal((60, 2)))
    y[:6] += torch.as_tensor(5 * g.standard_normal((6, 2)))
    plain, huber = (robust(K, K, y, 1e-3, "huber", threshold=t, steps=2000, tolerance=1e-8).predicted for t in (1e9, 0.3))
    assert (huber - truth).square().mean() < 0.5 * (plain - truth).square().mean()


def test_the_energy_lost_by_a_rank_is_the_tail_of_the_singular_values():
    f = torch.as_tensor(G.standard_normal((50, 6)) * np.linspace(2, 0.1, 6))
    s = torch.linalg.svdvals(f)
    for p in range(1, 7):
        torch.testing.assert_close((f - f @ leading(f, p)).square().sum(), s[p:].square().sum(), atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("loss", ["squared", "huber", "insensitive"])
def test_full_rank_is_no_rank_and_rank_one_moves_along_a_line(loss):
    p = Problem(MODES, np.array([0.5, 1.5]))
    x = torch.as_tensor(MODES[:50])
    full, two, one = (fitted(KernelDiffusion(**QUICK, loss=loss, rank=r), p) for r in (0, 2, 1))
    torch.testing.assert_close(two.denoise(x, 0.5), full.denoise(x, 0.5), rtol=0, atol=0)
    assert all(torch.linalg.matrix_rank(b, rtol=1e-8) == 1 for b in one.heads[-1].coefficients)
    assert not torch.allclose(one.denoise(x, 0.5), full.denoise(x, 0.5))


def test_in_the_diffusion_a_quantile_of_one_is_the_ridge_itself():
    p, x = Problem(MODES, np.array([0.5, 1.5])), torch.as_tensor(MODES[:50])
    plain, same, other = (
        fitted(KernelDiffusion(**QUICK, ridge=1e-4, **more), p).denoise(x, 0.5)
        for more in ({}, {"loss": "huber", "threshold": 1.0}, {"loss": "huber", "threshold": 0.3})
    )
    torch.testing.assert_close(same, plain, atol=1e-6, rtol=1e-6)
    assert not torch.allclose(other, plain, atol=1e-3)
    none = fitted(KernelDiffusion(**QUICK, ridge=1e-4, loss="insensitive", threshold=0.0), p)
    assert np.isfinite(to_numpy(none.denoise(x, 0.5))).all()


def test_a_robust_loss_that_would_fill_the_memory_is_refused():
    with pytest.raises(PartError, match="keeps 30000 x 2000 numbers; choose"):
        fitted(KernelDiffusion(loss="huber", noisy=30_000, landmarks=2000), Problem(MODES, np.ones(2)))

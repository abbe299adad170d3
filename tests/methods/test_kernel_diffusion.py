import numpy as np
import pytest
from closed_forms import fitted, three_modes

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.methods import Problem
from rkdiff.methods.exact import Atoms
from rkdiff.methods.kernel_diffusion import HIGHEST, LOWEST, KernelDiffusion

X, LABELS = three_modes().sample(300, np.random.default_rng(0))
PROBLEM, LABELLED = Problem(X, np.ones(2)), Problem(X, np.ones(2), LABELS)
MEAN, COV = torch.as_tensor(X.mean(0)), torch.as_tensor(np.cov(X.T, bias=True))
UNIT = float(COV.diagonal().mean().sqrt())


def wiener(x, nu):
    return MEAN + (x - MEAN) @ torch.linalg.solve(COV + nu**2 * torch.eye(2, dtype=COV.dtype), COV)


def left(nu):
    """The root of the covariance that the linear denoiser leaves."""
    values, vectors = torch.linalg.eigh(COV)
    return (vectors * (nu * torch.sqrt(values / (values + nu**2)))) @ vectors.T


def scaled(x, r):
    """Points at level r (in units of the spread) as distances see them, turned back to the coordinates."""
    return (x - MEAN) / UNIT @ left(r * UNIT) / (r * UNIT)


def cloud(nu, n=200, seed=1):
    g = np.random.default_rng(seed)
    return torch.as_tensor(X[g.integers(0, len(X), n)] + nu * g.standard_normal((n, 2)))


def test_an_endless_ridge_leaves_the_linear_denoiser():
    model = fitted(KernelDiffusion(ridge=1.0, noisy=300, landmarks=50, levels=8, width=0.2), PROBLEM)
    loose = fitted(KernelDiffusion(ridge=1e-8, noisy=300, landmarks=50, levels=8, width=0.2), PROBLEM)
    x = cloud(0.5)
    assert (model.denoise(x, 0.5) - wiener(x, 0.5)).square().mean() < 0.05 * (
        loose.denoise(x, 0.5) - wiener(x, 0.5)
    ).square().mean()


def test_many_narrow_landmarks_and_no_ridge_repeat_the_memoriser():
    model = fitted(KernelDiffusion(landmarks=600, noisy=2000, ridge=1e-12), PROBLEM)
    for nu in (0.3, 1.0):
        x = cloud(nu)
        missed = (wiener(x, nu) - Atoms(X).denoise(x, nu)).square().mean()
        assert (model.denoise(x, nu) - Atoms(X).denoise(x, nu)).square().mean() < 0.02 * missed


def test_plain_targets_learn_the_same_function_with_more_noise():
    plain = fitted(KernelDiffusion(averaged_targets=False, noisy=6000, landmarks=80, levels=8, ridge=1e-5), PROBLEM)
    x = cloud(0.5)
    missed = (wiener(x, 0.5) - Atoms(X).denoise(x, 0.5)).square().mean()
    assert (plain.denoise(x, 0.5) - Atoms(X).denoise(x, 0.5)).square().mean() < 0.2 * missed


def test_between_two_levels_the_correction_is_linear_in_log_noise():
    model = fitted(KernelDiffusion(landmarks=30, noisy=200, levels=6), PROBLEM)
    low, high = model.heads[-1].levels[2:4]
    u = torch.linspace(-2, 2, 14, dtype=torch.float64).view(-1, 2)

    def f(r):
        unit = scaled(MEAN + torch.eye(2, dtype=torch.float64), r)
        x = MEAN + u @ torch.linalg.inv(unit)
        torch.testing.assert_close(scaled(x, r), u)
        return (model.denoise(x, r * UNIT) - wiener(x, r * UNIT)) @ torch.linalg.inv(left(r * UNIT))

    middle = np.sqrt(low * high)
    torch.testing.assert_close(f(middle), (f(low) + f(high)) / 2)


def test_beyond_the_ladder_the_linear_denoiser_takes_over():
    model = fitted(KernelDiffusion(landmarks=30, noisy=200, levels=6), PROBLEM)
    for nu in (LOWEST * UNIT / 100, HIGHEST * UNIT * 100):
        x = cloud(nu)
        assert float((model.denoise(x, nu) - wiener(x, nu)).abs().max()) < 0.01
    torch.testing.assert_close(model.denoise(cloud(0.1), 0.0), cloud(0.1))


def test_classes_cost_as_much_as_the_whole():
    heads = fitted(KernelDiffusion(landmarks=100, noisy=500, levels=4), LABELLED).heads
    assert sum(len(heads[c].point) ** 2 for c in (0, 1)) == pytest.approx(len(heads[-1].point) ** 2, rel=0.05)


def test_without_classes_a_label_is_refused_with_the_reason():
    quick = {"landmarks": 20, "noisy": 100, "levels": 4}
    x = torch.zeros(2, 2, dtype=torch.float64)
    for model in (fitted(KernelDiffusion(**quick), PROBLEM), fitted(KernelDiffusion(**quick, conditional=False), LABELLED)):
        assert model.classes == 0
        assert torch.isfinite(model.denoise(x, 1.0, torch.tensor([-1, -1]))).all()
        with pytest.raises(PartError, match="no classes, not class 1"):
            model.denoise(x, 1.0, torch.tensor([1, -1]))


def test_the_state_rebuilds_the_denoiser():
    model = fitted(KernelDiffusion(landmarks=20, noisy=100, levels=4), LABELLED)
    s = {k.split("/")[1]: v for k, v in model.state().items() if k.startswith("class 1/")}
    k, x = 2, cloud(1.0, 20).numpy()
    r, v = s["levels"][k], (s["deviation"] / s["unit"]) ** 2
    z = (x @ s["axes"] - s["mean"]) / s["unit"]
    w = v / (v + r**2)
    gap2 = (w * (z[:, None] - (s["point"] + r * s["noise"])[None]) ** 2).sum(2)
    f = np.exp(-gap2 / (2 * s["widths"][k] ** 2)) @ s["coefficients"][k]
    nu = r * s["unit"]
    by_hand = (s["mean"] + s["unit"] * (w * z + r * np.sqrt(w) * f)) @ s["axes"].T
    ours = model.denoise(torch.as_tensor(x), float(nu), torch.ones(20, dtype=torch.int64))
    np.testing.assert_allclose(ours.numpy(), by_hand, rtol=1e-4, atol=1e-4)


def test_the_loss_of_each_level_is_reported_in_order():
    events = list(KernelDiffusion(landmarks=20, noisy=100, levels=4).fit(LABELLED, Rng(0)))
    assert [(e.done, e.total) for e in events] == [(k, 12) for k in range(1, 13)]


def embedded(wide, n=400):
    """The plane's three modes in `wide` coordinates, turned at random, so that every coordinate is correlated with every other."""
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((wide, wide)))[0]
    return np.pad(three_modes().sample(n, np.random.default_rng(0))[0], ((0, 0), (0, wide - 2))) @ turn, turn


def test_data_of_two_directions_is_learned_in_sixteen_correlated_coordinates():
    x, turn = embedded(16)
    flat = x @ turn.T[:, :2]
    model = fitted(KernelDiffusion(landmarks=120, noisy=1200, levels=12), Problem(x, np.ones(16)))
    g = np.random.default_rng(1)
    for nu in (0.3, 1.0):
        clean = np.pad(flat[g.integers(0, len(x), 200)], ((0, 0), (0, 14))) @ turn
        noisy = torch.as_tensor(clean + nu * g.standard_normal(clean.shape))
        exact, ours = Atoms(x).denoise(noisy, nu), model.denoise(noisy, nu)
        mean, cov = torch.as_tensor(x.mean(0)), torch.as_tensor(np.cov(x.T, bias=True))
        linear = mean + (noisy - mean) @ torch.linalg.solve(cov + nu**2 * torch.eye(16, dtype=cov.dtype), cov)
        assert (ours - exact).square().mean() < 0.15 * (linear - exact).square().mean()
        np.testing.assert_allclose(((ours - mean).numpy() @ turn.T)[:, 2:], 0, atol=1e-9)

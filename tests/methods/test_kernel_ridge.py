import numpy as np
import pytest
from scipy.spatial.distance import cdist

from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods import _ridge
from rkdiff.methods._ridge import KERNELS, kernel, posterior_mean, ridge
from rkdiff.methods.exact import Atoms

G = np.random.default_rng(0)
X, Y = G.standard_normal((60, 2)), G.standard_normal((60, 3))
NEW = G.standard_normal((20, 2))


def by_hand(a, b, width, kind):
    r = cdist(a, b) / width
    return np.exp(-(r**2) / 2) if kind == "gaussian" else (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r)


def predict(x, landmarks, y, new, width, kind, penalty):
    b, _ = ridge(torch.as_tensor(x), torch.as_tensor(landmarks), torch.as_tensor(y), width, kind, penalty)
    return to_numpy(kernel(torch.as_tensor(new), torch.as_tensor(landmarks), width, kind) @ b)


@pytest.mark.parametrize("kind", KERNELS)
def test_kernels_are_their_formulas(kind):
    k = kernel(torch.as_tensor(X), torch.as_tensor(NEW), 0.7, kind)
    np.testing.assert_allclose(to_numpy(k), by_hand(X, NEW, 0.7, kind), atol=1e-7)


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("penalty", [1e-4, 1e-2])
def test_with_every_point_a_landmark_it_is_exact_kernel_ridge_regression(kind, penalty):
    gram = by_hand(X, X, 0.8, kind)
    exact = by_hand(NEW, X, 0.8, kind) @ np.linalg.solve(gram + len(X) * penalty * np.eye(len(X)), Y)
    np.testing.assert_allclose(predict(X, X, Y, NEW, 0.8, kind, penalty), exact, atol=1e-6)


@pytest.mark.parametrize("kind", KERNELS)
def test_with_few_landmarks_it_solves_the_nystroem_equations(kind):
    few = X[:15]
    k, between = by_hand(X, few, 0.8, kind), by_hand(few, few, 0.8, kind)
    exact = by_hand(NEW, few, 0.8, kind) @ np.linalg.solve(k.T @ k + len(X) * 1e-3 * between, k.T @ Y)
    np.testing.assert_allclose(predict(X, few, Y, NEW, 0.8, kind, 1e-3), exact, atol=1e-7)


def test_blocks_of_points_change_nothing(monkeypatch):
    whole = predict(X, X[:10], Y, NEW, 0.8, "gaussian", 1e-3)
    monkeypatch.setattr(_ridge, "BLOCK", 70)
    np.testing.assert_allclose(predict(X, X[:10], Y, NEW, 0.8, "gaussian", 1e-3), whole, atol=1e-9)


def test_landmarks_that_repeat_each_other_give_the_same_function():
    once = predict(X, X[:10], Y, NEW, 0.8, "gaussian", 1e-3)
    twice = predict(X, np.concatenate([X[:10], X[:10]]), Y, NEW, 0.8, "gaussian", 1e-3)
    np.testing.assert_allclose(twice, once, atol=1e-5)


def test_a_wide_kernel_learns_a_linear_map():
    a = np.array([[1.0, -0.5], [0.3, 2.0]])
    np.testing.assert_allclose(predict(X, X, X @ a, NEW / 2, 20.0, "gaussian", 1e-11), NEW / 2 @ a, atol=1e-2)


def test_an_endless_penalty_leaves_nothing():
    assert np.abs(predict(X, X, Y, NEW, 0.8, "gaussian", 1e9)).max() < 1e-6


@pytest.mark.parametrize("nu", [0.05, 0.5, 5.0])
def test_a_posterior_mean_is_the_memorising_denoiser(nu, monkeypatch):
    x = torch.as_tensor(X[:40] + nu * NEW[:1])
    exact = Atoms(X).denoise(x, nu)
    torch.testing.assert_close(posterior_mean(x, nu, torch.as_tensor(X)), exact, atol=2e-4, rtol=1e-4)
    monkeypatch.setattr(_ridge, "BLOCK", 130)
    torch.testing.assert_close(posterior_mean(x, nu, torch.as_tensor(X)), exact, atol=2e-4, rtol=1e-4)

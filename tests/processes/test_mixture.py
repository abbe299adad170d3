import numpy as np
import pytest
from closed_forms import three_modes
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.processes.mixture import Mixture

levels = st.tuples(st.floats(0.01, 50.0), st.floats(0.01, 1.0))


def points(n=50, spread=2.0, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, 2)) * spread)


def gradient(f, x):
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(x).sum(), x)
    return g


def flat() -> Mixture:
    """A point, a segment and a blob: singular covariances."""
    covs = np.array([np.zeros((2, 2)), [[1.0, 1.0], [1.0, 1.0]], np.eye(2)])
    return Mixture(np.array([0.2, 0.3, 0.5]), np.array([[0.0, 0.0], [2.0, 0.0], [-1.0, 1.0]]), covs)


@pytest.mark.parametrize("law", [three_modes(), flat()], ids=["full rank", "singular"])
@given(level=levels)
def test_score_is_the_gradient_of_the_log_density(law, level):
    sigma, alpha = level
    x = alpha * points(spread=1.0) + sigma * points(seed=1)
    score = law.score(x, sigma, alpha)
    expected = gradient(lambda v: law.log_density(v, sigma, alpha), x)
    torch.testing.assert_close(score, expected, rtol=1e-8, atol=1e-8 / sigma**2 * 1e-2)


@given(level=levels)
def test_denoiser_and_score_obey_tweedies_formula(level):
    sigma, alpha = level
    law, x = three_modes(), points()
    torch.testing.assert_close(
        law.denoise(x, sigma, alpha), (x + sigma**2 * law.score(x, sigma, alpha)) / alpha, rtol=1e-7, atol=1e-7
    )


def test_density_and_denoiser_agree_with_quadrature_on_the_line():
    law = Mixture(np.array([0.4, 0.6]), np.array([[-1.0], [0.7]]), np.array([[[0.05]], [[0.3]]]))
    x0 = np.linspace(-8, 8, 20001)
    parts = [
        0.4 * np.exp(-((x0 + 1) ** 2) / 0.1) / np.sqrt(0.1 * np.pi),
        0.6 * np.exp(-((x0 - 0.7) ** 2) / 0.6) / np.sqrt(0.6 * np.pi),
    ]
    x = np.array([-2.0, 0.0, 0.4, 1.5])
    alpha, sigma = 0.8, 0.5
    joint = sum(parts) * np.exp(-((x[:, None] - alpha * x0) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)
    density = np.trapezoid(joint, x0)
    tensor = torch.as_tensor(x)[:, None]
    np.testing.assert_allclose(to_numpy(law.log_density(tensor, sigma, alpha)), np.log(density), rtol=1e-9)
    np.testing.assert_allclose(
        to_numpy(law.denoise(tensor, sigma, alpha))[:, 0], np.trapezoid(joint * x0, x0) / density, rtol=1e-9
    )


def test_gradient_of_the_class_posterior_is_a_difference_of_scores():
    law, x, sigma = three_modes(), points(), 0.4
    for c in (0, 1):
        slope = gradient(lambda v, c=c: law.class_posterior(v, sigma)[:, c].log(), x)
        torch.testing.assert_close(slope, law.class_conditional(c).score(x, sigma) - law.score(x, sigma), rtol=1e-8, atol=1e-8)


def test_class_laws_add_up_to_the_whole():
    law, x = three_modes(), points()
    post = law.class_posterior(x, 0.3)
    torch.testing.assert_close(post.sum(1), torch.ones(len(x), dtype=x.dtype))
    mixed = sum(post[:, c, None] * law.class_conditional(c).denoise(x, 0.3) for c in (0, 1))
    torch.testing.assert_close(mixed, law.denoise(x, 0.3))


def test_far_away_and_at_every_level_the_answer_is_finite():
    law, x = flat(), points() * 1e4
    for sigma in (1e-3, 1.0, 1e4):
        assert torch.isfinite(law.score(x, sigma)).all()
        assert torch.isfinite(law.denoise(x, sigma)).all()
        assert torch.isfinite(law.log_density(x, sigma)).all()


def test_samples_have_the_laws_moments_weights_and_classes():
    law = three_modes()
    x, labels = law.sample(40000, np.random.default_rng(0))
    np.testing.assert_allclose(x.mean(0), law.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), law.cov, atol=0.02)
    assert labels.mean() == pytest.approx(0.7, abs=0.01)
    np.testing.assert_allclose(x[labels == 0].mean(0), law.means[0], atol=0.01)


def test_affine_is_the_law_of_shifted_and_scaled_points():
    law, shift, scale = three_modes(), np.array([0.3, -1.0]), np.array([2.0, 0.5])
    x = points()
    moved = law.affine(shift, scale).log_density((x - torch.as_tensor(shift)) / torch.as_tensor(scale))
    torch.testing.assert_close(moved, law.log_density(x) + np.log(scale).sum())
    np.testing.assert_allclose(law.affine(0.0, 2.0).cov, law.cov / 4)


@given(st.floats(0.0, 1.0))
def test_smoothing_keeps_mean_and_covariance(h):
    law = three_modes()
    np.testing.assert_allclose(law.smoothed(h).mean, law.mean, atol=1e-12)
    np.testing.assert_allclose(law.smoothed(h).cov, law.cov, atol=1e-12)


def test_order_of_components_does_not_matter():
    law, turn, x = three_modes(), [2, 0, 1], points()
    other = Mixture(law.weights[turn], law.means[turn], law.covs[turn], law.classes[turn])
    torch.testing.assert_close(other.score(x, 0.5), law.score(x, 0.5))
    torch.testing.assert_close(other.class_posterior(x, 0.5), law.class_posterior(x, 0.5))


def test_working_in_chunks_changes_nothing(monkeypatch):
    law, x = three_modes(), points()
    whole = law.score(x, 0.5), law.log_density(x, 0.5)
    monkeypatch.setattr("rkdiff.processes.mixture.ROOM", 7 * 6)
    torch.testing.assert_close(law.score(x, 0.5), whole[0])
    torch.testing.assert_close(law.log_density(x, 0.5), whole[1])


def test_what_is_no_mixture_is_refused():
    eye = np.eye(2)[None]
    with pytest.raises(ValueError, match=r"sum to 0\.5"):
        Mixture(np.array([0.5]), np.zeros((1, 2)), eye)
    with pytest.raises(ValueError, match="positive semi-definite"):
        Mixture(np.ones(1), np.zeros((1, 2)), -eye)
    with pytest.raises(ValueError, match="not symmetric"):
        Mixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 0.5], [0.0, 1.0]]]))
    with pytest.raises(PartError, match="no class 7; choose one of 0, 1"):
        three_modes().class_conditional(7)

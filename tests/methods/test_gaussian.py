import numpy as np
import pytest
from closed_forms import fitted, one_gaussian, three_modes
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError, make
from rkdiff.core.tensors import torch
from rkdiff.methods import Problem
from rkdiff.methods.exact import Atoms
from rkdiff.methods.gaussian import Gaussian

X, LABELS = three_modes().sample(60, np.random.default_rng(0))
CLOUD = torch.as_tensor(np.random.default_rng(1).standard_normal((40, 2)) * 1.5)


@given(st.floats(0.02, 100.0))
def test_it_is_the_exact_score_smoothed_to_the_end(nu):
    model = fitted(make("method", "gaussian"), Problem(X, np.ones(2)))
    torch.testing.assert_close(model.denoise(CLOUD, nu), Atoms(X, smoothing=1.0).denoise(CLOUD, nu), rtol=1e-9, atol=1e-9)


def test_each_class_has_moments_of_its_own():
    model = fitted(Gaussian(), Problem(X, np.ones(2), LABELS))
    label = torch.as_tensor(np.arange(40) % 3 - 1)
    answer = model.denoise(CLOUD, 0.5, label)
    for c, x in {-1: X, 0: X[LABELS == 0], 1: X[LABELS == 1]}.items():
        alone = Atoms(x, smoothing=1.0).denoise(CLOUD[label == c], 0.5)
        torch.testing.assert_close(answer[label == c], alone, rtol=1e-9, atol=1e-9)
    assert model.classes == 2
    with pytest.raises(PartError, match="no class 7; choose a label from 0 to 1"):
        model.denoise(CLOUD, 0.5, torch.full((40,), 7))


def test_on_gaussian_data_nothing_is_missed_but_the_moments_own_error():
    law = one_gaussian()
    x, _ = law.sample(20_000, np.random.default_rng(0))
    model = fitted(Gaussian(), Problem(x, np.ones(2)))
    torch.testing.assert_close(model.denoise(CLOUD, 0.7), law.denoise(CLOUD, 0.7), atol=0.03, rtol=0.0)


def test_its_state_is_its_moments():
    state = fitted(Gaussian(), Problem(X, np.ones(2), LABELS)).state()
    turn = state["class 1/turn"]
    ours = X[LABELS == 1]
    np.testing.assert_allclose(turn * state["class 1/variances"] @ turn.T, np.cov(ours.T, bias=True), atol=1e-12)
    np.testing.assert_allclose(state["any/mean"], X.mean(0))


@pytest.mark.parametrize("x", [np.array([[0.3, -0.2]]), np.tile([[5.0, 1.0]], (30, 1))], ids=["one point", "equal points"])
def test_a_single_place_is_always_the_answer(x):
    answer = fitted(Gaussian(), Problem(x, np.ones(2))).denoise(CLOUD, 0.5)
    torch.testing.assert_close(answer, torch.as_tensor(x[:1]).expand(40, 2))
    torch.testing.assert_close(fitted(Gaussian(), Problem(x, np.ones(2))).denoise(CLOUD, 0.0), CLOUD)


@pytest.mark.parametrize("x", [np.zeros((0, 2)), np.array([[0.0, np.nan]])], ids=["no points", "nan"])
def test_data_that_is_none_is_refused(x):
    with pytest.raises(PartError, match="finite"):
        fitted(Gaussian(), Problem(x, np.ones(2)))

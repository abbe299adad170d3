"""Three laws at once: closed forms between Gaussians, paths, and what cannot be walked."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch
from rkdiff.methods._simplex import SimplexTraining, along, mixed, train_simplex
from rkdiff.processes.gaussians import Gaussian

LAWS = [
    Gaussian(np.zeros(2), np.eye(2)),
    Gaussian(np.array([2.0, 0.0]), np.array([[0.5, 0.3], [0.3, 0.8]])),
    Gaussian(np.array([0.0, -2.0]), np.array([[0.7, -0.4], [-0.4, 0.5]])),
]
HOW = SimplexTraining(steps=500, batch=128, width=32, layers=2, rate=0.01, fourier=0)


@pytest.fixture(scope="module")
def model():
    return outcome(train_simplex([law.sample for law in LAWS], HOW, rng=Rng(0)))


@pytest.mark.parametrize("alpha", [(1 / 3, 1 / 3, 1 / 3), (0.6, 0.3, 0.1), (0.0, 0.5, 0.5), (0.2, 0.0, 0.8)])
def test_what_each_gaussian_contributes_is_the_closed_form(model, alpha):
    weights = np.array(alpha)
    whole = sum(a**2 * law.cov for a, law in zip(weights, LAWS, strict=True))
    middle = sum(a * law.mean for a, law in zip(weights, LAWS, strict=True))
    x = middle + np.random.default_rng(0).standard_normal((400, 2)) @ np.linalg.cholesky(whole).T
    found = to_numpy(model.means(to_torch(x), weights))
    for k, (a, law) in enumerate(zip(weights, LAWS, strict=True)):
        exact = law.mean + a * (x - middle) @ np.linalg.inv(whole) @ law.cov
        missed = np.sqrt(((found[:, k] - exact) ** 2).sum(1).mean())
        assert missed < 0.2 * np.sqrt(np.trace(law.cov))
    assert np.sqrt(((np.einsum("k,nkd->nd", weights, found) - x) ** 2).mean()) < 0.1


def test_a_walk_over_the_triangle_meets_every_law(model):
    corners = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0.5, 0.25, 0.25]])
    weights = along(corners, 30)
    samples = [law.sample for law in LAWS]
    frames = model.walk(mixed(samples, weights[0], 2000, Rng(1)), weights)
    for corner in corners:
        at = frames[np.abs(weights - corner).sum(axis=1).argmin()]
        mean = sum(a * law.mean for a, law in zip(corner, LAWS, strict=True))
        cov = sum(a**2 * law.cov for a, law in zip(corner, LAWS, strict=True))
        assert at.mean(axis=0) == pytest.approx(mean, abs=0.1)
        assert np.abs(np.cov(at.T) - cov).max() < 0.12


def test_a_path_passes_its_corners_in_even_steps():
    weights = along(np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0.5, 0.5]]), 30)
    assert len(weights) == 31
    assert (weights[[0, 20, 30]] == [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]).all()
    assert np.abs(np.diff(weights, axis=0)).sum(axis=1) == pytest.approx(np.full(30, 0.1))
    assert weights.sum(axis=1) == pytest.approx(np.ones(31))


def test_what_is_no_path_or_no_company_is_refused_with_the_reason():
    with pytest.raises(PartError, match="two weights or more"):
        along(np.array([[1.0, 0, 0]]), 10)
    with pytest.raises(PartError, match="each different"):
        along(np.array([[1.0, 0, 0], [1.0, 0, 0]]), 10)
    with pytest.raises(PartError, match="give two or more"):
        outcome(train_simplex([LAWS[0].sample], HOW, rng=Rng(0)))
    with pytest.raises(PartError, match="laws of the same space"):
        outcome(train_simplex([LAWS[0].sample, lambda n, g: g.standard_normal((n, 3))], HOW, rng=Rng(0)))

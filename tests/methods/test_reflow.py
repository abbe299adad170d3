"""Rectifying: paths become straight, the law stays, and for Gaussians the map that was not optimal stays as it was."""

import numpy as np
import pytest

from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem
from rkdiff.methods._pairs import coupled
from rkdiff.methods._reflow import ends_of, redrawn, reflow
from rkdiff.methods._velocity import Training
from rkdiff.methods._velocity_training import flowed, train_velocity
from rkdiff.methods.flow_matching import FlowMatching
from rkdiff.metrics.straightness import flow_straightness
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.flows import matching_map
from rkdiff.processes.gaussians.transport import optimal_map

A = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
B = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))
HOW = Training(steps=500, batch=256, width=32, layers=2, rate=0.01, fourier=0)
EMPTY = np.zeros((0, 2))


@pytest.fixture(scope="module")
def first():
    return outcome(train_velocity(coupled(A.sample, B.sample), HOW, rng=Rng(0)))


def spread_cost(move, z):
    """The mean squared displacement less that of the mean, of a map of the points z."""
    return ((move - move.mean(0)) ** 2).sum(1).mean()


def test_pairs_are_the_two_ends_of_one_path_in_either_direction(first):
    z = A.sample(200, np.random.default_rng(0))
    ahead = ends_of(first, z, EMPTY, steps=40)
    assert (ahead.x0 == z).all()
    assert (ahead.x1 == flowed(first, z, 40, heun=True)).all()
    back = ends_of(first, EMPTY, ahead.x1, steps=40)
    assert (back.x1 == ahead.x1).all()
    assert np.sqrt(((back.x0 - z) ** 2).mean()) < 0.01
    both = ends_of(first, z, ahead.x1)
    assert both.x0.shape == both.x1.shape == (400, 2)
    drawn = redrawn(ahead)(50, np.random.default_rng(1))
    assert set(map(tuple, np.hstack([drawn.x0, drawn.x1]))) <= set(map(tuple, np.hstack([ahead.x0, ahead.x1])))


def test_reflow_straightens_and_leaves_a_map_that_is_not_optimal_as_it_is(first):
    z = A.sample(1000, np.random.default_rng(7))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, bias=True))).T @ np.linalg.cholesky(A.cov).T
    kept, best = (spread_cost(z @ (m - np.eye(2)).T, z) for m in (matching_map(A, B), optimal_map(A, B)))
    assert (kept, best) == pytest.approx((0.45885, 0.37300), abs=1e-4)
    pairs = ends_of(first, A.sample(2000, np.random.default_rng(1)), B.sample(2000, np.random.default_rng(2)))
    again = outcome(reflow(first, pairs, HOW, rng=Rng(1)))
    before, after = (flow_straightness(m, z, steps=20) for m in (first, again))
    assert after.gap < 0.01 * before.gap
    assert after.one_step < 0.1 * before.one_step
    for model in (first, again):
        assert spread_cost(flowed(model, z, 20, heun=True) - z, z) == pytest.approx(kept, abs=0.03)  # far from the best, .373


@pytest.mark.parametrize(
    "changed", [{"normalised": True}, {"time_law": "exponential"}, {"pairs_from": "noise"}, {"pairs": 300}, {"reflow": 2}]
)
def test_every_knob_of_reflow_changes_what_is_learned(changed):
    x = np.random.default_rng(0).standard_normal((80, 2)) * 0.3 + np.array([[1.0, 0.0]])
    usual = {"steps": 25, "batch": 32, "width": 8, "layers": 1, "fourier": 0, "pairs": 200, "reflow": 1}
    models = [outcome(FlowMatching(**{**usual, **c}).fit(Problem(x, np.ones(2)), Rng(0))) for c in ({}, changed)]
    assert (models[0].state()["theta"] != models[1].state()["theta"]).any()
    z = np.random.default_rng(1).standard_normal((300, 2))
    for m in models:
        assert flowed(m, z, 20, heun=True).mean(axis=0) == pytest.approx(x.mean(axis=0), abs=0.2)


def test_rounds_after_a_noisy_path_go_straight_and_know_classes():
    g, labels = np.random.default_rng(0), np.arange(100) % 2
    x = 0.2 * g.standard_normal((100, 2)) + np.where(labels[:, None] == 0, -1.5, 1.5)
    knobs = {"steps": 250, "batch": 64, "width": 16, "layers": 2, "fourier": 0, "rate": 0.01, "pairs": 1000, "class_share": 0.6}
    method = FlowMatching(interpolant="brownian", reflow=1, noise=0.0, **knobs)
    model = outcome(method.fit(Problem(x, np.ones(2), labels), Rng(0)))
    assert not model.interpolant.noisy
    asked = np.arange(200) % 2
    end = flowed(model, g.standard_normal((200, 2)), 20, label=asked)
    assert ((end.sum(axis=1) > 0) == (asked == 1)).mean() > 0.95

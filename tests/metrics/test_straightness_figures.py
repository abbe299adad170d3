"""Straightness: known values between Gaussians, straight flows, curved paths, and the best assignment of ends."""

import math

import numpy as np
import ot
import pytest

from rkdiff.core.model import Model
from rkdiff.core.tensors import to_torch, torch
from rkdiff.methods.exact import Atoms, TrueLaw
from rkdiff.metrics.straightness import StraightClock, assignment_cost, ends_only, flow_straightness, frames_straightness
from rkdiff.processes.gaussians import Gaussian, line
from rkdiff.processes.gaussians.flows import matching_map, matching_slope, straightness
from rkdiff.processes.mixture import Mixture


class Matching(Model):
    """The exact velocity of flow matching between Gaussians."""

    family = "transport"

    def __init__(self, a, b, coupling=None, noise=0.0):
        self.a, self.b, self.coupling, self.sd = a, b, coupling, noise

    def drift(self, x, t, *, label=None, rng=None):
        slope = to_torch(matching_slope(self.a, self.b, self.coupling, t))
        m0, m1 = to_torch(self.a.mean), to_torch(self.b.mean)
        return m1 - m0 + (x - (1 - t) * m0 - t * m1) @ slope.T

    def noise(self, before, after):
        return self.sd


def exactly_normal(n):
    """Points on the line with the quantiles of the standard normal law, scaled to variance one."""
    from scipy.special import ndtri

    z = ndtri((np.arange(n) + 0.5) / n)[:, None]
    return z / z.std()


def test_on_the_line_the_gap_is_the_known_one():
    found = flow_straightness(Matching(line(0, 1), line(2, 0.5)), exactly_normal(400))
    assert found.gap == pytest.approx(0.2146017722, rel=1e-3)
    assert found.cost == pytest.approx(4 + 0.25, rel=1e-3)
    assert found.share == pytest.approx(found.gap / found.cost)
    assert found.ratio == pytest.approx(1, abs=1e-3)
    assert found.one_step == pytest.approx(0.5, rel=1e-3)  # one Euler step goes to the mean: it misses by the deviation


def test_in_the_plane_it_is_that_of_the_closed_form_and_the_map_is_not_optimal():
    a = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
    b = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))
    z = a.sample(1500, np.random.default_rng(0))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, bias=True))).T @ np.linalg.cholesky(a.cov).T
    found = flow_straightness(Matching(a, b), z, steps=60)
    off = matching_map(a, b) - np.eye(2)
    assert found.gap == pytest.approx(straightness(a, b), rel=2e-3)
    assert found.cost == pytest.approx(1.25 + np.trace(off @ a.cov @ off.T), rel=1e-3)  # 1.25 of it moves the mean
    assert 1.03 < found.ratio < 1.08  # (1.25 + .45885) / (1.25 + .37300) = 1.053 for the laws


def test_a_translation_is_straight_even_and_optimal():
    found = flow_straightness(Matching(line(0, 1), line(3, 1), np.eye(1)), exactly_normal(50), steps=7)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert (found.stretch, found.one_step, found.ratio) == pytest.approx((1, 0, 1), abs=1e-9)


def test_half_a_circle_is_longer_than_its_chord_by_half_pi():
    angle = np.linspace(0, np.pi, 400)
    path = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None, :]
    found = frames_straightness(np.concatenate([path, 2 * path], axis=1))
    assert found.stretch == pytest.approx(math.pi / 2, rel=1e-4)
    assert (found.gap, found.share, found.one_step) == (None, None, None)
    assert found.cost == pytest.approx((4 + 16) / 2)


def test_crossed_pairs_cost_more_than_their_best_assignment():
    x, y = np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]])
    found = ends_only(x, y)
    assert (found.cost, found.optimal, found.stretch) == (1.0, 0.0, None)
    assert found.ratio == math.inf
    assert ends_only(x, x).ratio == 1.0


def test_the_best_assignment_costs_what_linear_programming_finds():
    g = np.random.default_rng(0)
    x, y = g.standard_normal((60, 3)), g.standard_normal((60, 3)) + 1
    assert assignment_cost(x, y) == pytest.approx(ot.emd2([], [], ot.dist(x, y)), rel=1e-10)
    assert assignment_cost(x, y, most=20) == pytest.approx(ot.emd2([], [], ot.dist(x[:20], y[:20])), rel=1e-10)


def test_a_diffusion_on_the_straight_clock_is_flow_matching():
    x = torch.tensor([[-0.5], [0.3], [2.0]], dtype=torch.float64)
    law = Mixture(np.ones(1), np.array([[2.0]]), np.array([[[0.25]]]))
    for t in (0.1, 0.5, 0.9):
        theirs = Matching(line(0, 1), line(2, 0.5)).drift(x, t)
        assert StraightClock(TrueLaw(law)).drift(x, t).numpy() == pytest.approx(theirs.numpy(), rel=1e-9)


def test_the_velocity_to_points_is_a_softmax_over_them():
    g, t = np.random.default_rng(0), 0.4
    points, x = g.standard_normal((5, 2)), g.standard_normal((7, 2))
    logits = -((x[:, None] - t * points) ** 2).sum(2) / (2 * (1 - t) ** 2)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    expected = ((weights / weights.sum(1, keepdims=True)) @ points - x) / (1 - t)
    found = StraightClock(Atoms(points)).drift(torch.as_tensor(x), t)
    assert found.numpy() == pytest.approx(expected, rel=1e-9)


def test_what_has_no_straightness_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="wrap it in StraightClock"):
        flow_straightness(Atoms(np.zeros((1, 1))), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="use ends_only"):
        flow_straightness(Matching(line(0, 1), line(0, 1), noise=0.1), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="as many points of each"):
        assignment_cost(np.zeros((2, 1)), np.zeros((3, 1)))

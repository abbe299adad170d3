"""Brownian bridge steps: the exact law of the path where the end can be drawn, first order where only its mean is known."""

import numpy as np
import pytest

from rkdiff.core.model import Model
from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._bridges import grid_to_data, walk, walked_back
from rkdiff.methods._light_plan import LightPlan
from rkdiff.methods.light_schrodinger_bridge import LightBridge
from rkdiff.processes.gaussians import Gaussian, line
from rkdiff.processes.gaussians.bridge import Bridge as GaussianBridge
from rkdiff.processes.gaussians.transport import entropic_coupling
from rkdiff.processes.schedules import Grid
from rkdiff.samplers import Walk
from rkdiff.samplers.brownian_bridge import Bridge, BrownianBridge
from rkdiff.samplers.transport_euler import TransportEuler

EPS = 0.4
A = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
B = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))


class Known(Bridge):
    """A Gaussian bridge that tells the mean of its end alone."""

    def __init__(self, oracle):
        self.oracle, self.sigma = oracle, oracle.eps**0.5

    def endpoint_mean(self, x, t, label=None):
        t = min(t, 1 - 1e-9)
        return x + (1 - t) * torch.as_tensor(self.oracle.drift(x.numpy(), t))


def exact_model():
    s = entropic_coupling(A, B, EPS).T @ np.linalg.inv(A.cov)
    values, turns = (torch.as_tensor(v) for v in np.linalg.eigh(s))
    centre = torch.as_tensor(B.mean - s @ A.mean)
    return LightBridge(LightPlan(EPS, torch.zeros(1, dtype=torch.float64), centre[None], values[None], turns[None]))


def even(steps):
    t = np.linspace(0, 1, steps + 1)
    return Grid(t, np.ones(steps + 1), np.zeros(steps + 1))


def test_a_drawn_end_makes_the_joint_law_of_the_path_exact():
    """At uneven times, within 5 standard errors: laws, covariances with both ends, and between two moments."""
    n, times = 20000, np.array([0.0, 0.2, 0.55, 0.9, 1.0])
    x0 = A.sample(n, np.random.default_rng(0))
    path = BrownianBridge().run(exact_model(), x0, Grid(times, np.ones(5), np.zeros(5)), Rng(0)).x
    oracle = GaussianBridge(A, B, EPS)
    c, error = oracle.c, 5 / n**0.5
    for t, x in zip(times, path, strict=True):
        law = oracle.at(t)
        assert np.abs(x.mean(0) - law.mean).max() < error * law.cov.max() ** 0.5
        assert np.abs(np.cov(x.T) - law.cov).max() < 2**0.5 * error * law.cov.max()
        assert np.abs(x0.T @ (x - x.mean(0)) / n - ((1 - t) * A.cov + t * c)).max() < 2 * error * 2
        assert np.abs(x.T @ (path[-1] - path[-1].mean(0)) / n - ((1 - t) * c + t * B.cov)).max() < 2 * error * 2
    s, t = times[1], times[3]
    between = (1 - s) * (1 - t) * A.cov + (1 - s) * t * c + s * (1 - t) * c.T + s * t * B.cov + EPS * s * (1 - t) * np.eye(2)
    assert np.abs(path[1].T @ (path[3] - path[3].mean(0)) / n - between).max() < 2 * error * 2


def test_one_step_or_many_end_at_the_same_draw_of_the_plan():
    model, x0 = exact_model(), A.sample(50, np.random.default_rng(0))
    ends = [BrownianBridge().run(model, x0, g, Rng(3)).end for g in (even(1), even(7), grid_to_data(20))]
    drawn = to_numpy(model.endpoint_draw(torch.as_tensor(x0), 0.0, Rng(3).child("endpoint")))
    for end in ends:
        np.testing.assert_allclose(end, drawn, atol=1e-12)


def test_calls_of_the_model_are_one_for_a_drawn_end_and_one_a_step_for_its_mean():
    x0 = A.sample(5, np.random.default_rng(0))
    assert BrownianBridge().run(exact_model(), x0, even(9), Rng(0)).calls == 1
    assert BrownianBridge().run(Known(GaussianBridge(A, B, EPS)), x0, even(9), Rng(0)).calls == 9


def test_a_step_to_the_expected_end_has_the_bridge_s_mean_and_noise():
    model, n, t, after = Known(GaussianBridge(A, B, EPS)), 40000, 0.3, 0.7
    x = torch.as_tensor(np.repeat([[0.5, -1.0]], n, 0))
    grid = Grid(np.array([t, after, 1.0]), np.ones(3), np.zeros(3))
    walked = Walk(model, grid, Rng(0), (n, 2), None, "cpu")
    y = to_numpy(BrownianBridge().step(walked, 0, x))
    mean = to_numpy(x[:1] + (after - t) * model.drift(x[:1], t))[0]
    variance = EPS * (after - t) * (1 - after) / (1 - t)
    np.testing.assert_allclose(y.mean(0), mean, atol=5 * (variance / n) ** 0.5)
    np.testing.assert_allclose(y.var(0), variance, rtol=5 * (2 / n) ** 0.5)
    last = BrownianBridge().step(walked, 1, x)
    torch.testing.assert_close(last, model.endpoint_mean(x, after))


class Probe(Walk):
    """A walk in which the normals of each step are a coordinate of their own."""

    def normals(self, i):
        out = torch.zeros(self.shape, dtype=torch.float64)
        out[0, i + 1] = 1.0
        return out


class Scalar(Known):
    """The same scalar bridge in every coordinate."""

    def endpoint_mean(self, x, t, label=None):
        return super().endpoint_mean(x.reshape(-1, 1), t).reshape(x.shape)


def end_variance(sampler, steps, eps=1.0, start=1.0, end=1.0, grid=even):
    """The variance at the end, without Monte-Carlo, between centred normals on the line."""
    model = Scalar(GaussianBridge(line(0, start), line(0, end), eps))
    walked = Probe(model, grid(steps), Rng(0), (1, steps + 1), None, "cpu")
    x = torch.zeros((1, steps + 1), dtype=torch.float64)
    x[0, 0] = start
    for i in range(steps):
        x = sampler.step(walked, i, x)
    return float((x**2).sum())


@pytest.mark.parametrize("sampler", [BrownianBridge(), TransportEuler()], ids=["bridge", "euler"])
def test_the_variance_at_the_end_is_of_first_order(sampler):
    errors = np.array([end_variance(sampler, n) - 1 for n in (100, 200, 400)])
    order = np.log2(errors[:-1] / errors[1:])
    assert abs(errors[-1]) < 0.03
    np.testing.assert_array_less(np.abs(order - 1), 0.25)  # a logarithm beside the first power


def test_the_last_step_s_noise_belongs_to_smooth_data_and_is_too_much_for_sharp_data():
    smooth = [abs(end_variance(s, 50) - 1) for s in (TransportEuler(), BrownianBridge())]
    assert smooth[0] < 0.5 * smooth[1]
    sharp = [abs(end_variance(s, 50, end=0.05) - 0.05**2) for s in (TransportEuler(), BrownianBridge())]
    assert sharp[1] < 0.5 * sharp[0]
    assert sharp[0] == pytest.approx(1 / 50, rel=0.2), "the noise of one step, sigma^2 h, instead of the data's variance"


def test_times_that_draw_together_at_the_data_cure_the_noise_of_the_last_step():
    plain, drawn = (end_variance(TransportEuler(), 50, end=0.05, grid=g) for g in (even, grid_to_data))
    assert abs(drawn - 0.05**2) < 0.1 * abs(plain - 0.05**2)
    t = grid_to_data(50).t
    np.testing.assert_allclose(t[[0, 25, 50]], [0, 0.75, 1])
    assert (np.diff(t, 2) < 0).all()


def test_a_model_that_is_no_bridge_is_refused():
    class Still(Model):
        family = "transport"

        def drift(self, x, t, *, label=None, rng=None):
            return 0 * x

    with pytest.raises(PartError, match=r"walks bridges and this model \(Still\) is none"):
        BrownianBridge().run(Still(), np.zeros((3, 2)), even(2), Rng(0))


def test_a_class_that_was_not_learned_is_refused_and_none_is_not():
    model, x0 = exact_model(), np.zeros((3, 2))
    assert np.isfinite(BrownianBridge().run(model, x0, even(2), Rng(0), labels=np.full(3, -1)).end).all()
    for sampler in (BrownianBridge(), TransportEuler()):
        with pytest.raises(ValueError, match="LightBridge learned no classes"):
            sampler.run(model, x0, even(2), Rng(0), labels=np.array([0, -1, 0]))


def test_walks_are_euler_steps_and_back_frames_begin_at_the_source():
    x = torch.ones(4, 2, dtype=torch.float64)
    *_, end = walk(lambda y, s: -y, x, [0.0, 0.5, 1.0], 0.0, Rng(0).torch("x"))
    torch.testing.assert_close(end, 0.25 * x)
    frames = walked_back(lambda y, s: -y, x.numpy(), even(2), 0.0, Rng(0), "cpu")
    np.testing.assert_allclose(frames[:, 0, 0], [0.25, 0.5, 1.0])
    noisy = list(walk(lambda y, s: 0 * y, torch.zeros(20000, 1), [0.0, 0.3, 1.0], 0.7, Rng(0).torch("x")))
    np.testing.assert_allclose([float(v.var()) for v in noisy[1:]], [0.49 * 0.3, 0.49], rtol=0.05)

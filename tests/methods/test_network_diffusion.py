import numpy as np
import pytest
from closed_forms import fitted, three_modes

from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.methods import Problem
from rkdiff.methods._lessons import RAW, Lessons
from rkdiff.methods._mlp import Adam, Perceptron
from rkdiff.methods._moments import Moments
from rkdiff.methods.exact import Atoms
from rkdiff.methods.network_diffusion import LOOKS, NetworkDiffusion

X, LABELS = three_modes().sample(200, np.random.default_rng(0))
PROBLEM = Problem(X, np.ones(2), LABELS)


def test_before_training_it_is_nearly_the_linear_denoiser():
    model = NetworkDiffusion()._untrained(PROBLEM, Lessons.of(PROBLEM, 8, True, Rng(0).torch("x")), Rng(0))
    m, s2 = torch.as_tensor(X.mean(0)), torch.as_tensor(X.var(0))
    for nu in (0.01, 0.3, 1.0, 10.0):
        x = torch.as_tensor(X) * (1 + nu)
        linear = m + s2 / (s2 + nu**2) * (x - m)
        assert float((model.denoise(x, nu) - linear).square().mean().sqrt()) < 0.35 * float(model.moments.left(nu).mean())


def test_adam_walks_as_torchs_own():
    theta = torch.linspace(-1, 1, 7)
    twin = theta.clone().requires_grad_()
    ours, theirs = Adam(theta), torch.optim.Adam([twin], lr=0.1, betas=(0.9, 0.99))
    for k in range(5):
        gradient = torch.cos(theta * (k + 1))
        twin.grad = gradient.clone()
        ours.step(gradient, 0.1)
        theirs.step()
    torch.testing.assert_close(theta, twin.detach())


def test_the_perceptron_is_matrices_and_silu():
    net = Perceptron((3, 4, 2))
    theta = net.start(Rng(0).torch("t"), torch.zeros(1), 1.0)
    w1, b1, w2, b2 = theta.split(list(net.sizes))
    x = torch.ones(5, 3)
    h = x @ w1.view(3, 4) + b1
    torch.testing.assert_close(net(theta, x), h * torch.sigmoid(h) @ w2.view(4, 2) + b2)


@pytest.mark.parametrize("labelled", [True, False])
def test_averaged_targets_are_the_posterior_means_of_the_class_that_is_asked_for(labelled):
    problem = PROBLEM if labelled else Problem(X, np.ones(2))
    moments = Moments.of(X, "cpu")
    exact = Atoms((X - X.mean(0)) / moments.unit, problem.labels)
    lesson = Lessons.of(problem, 64, True, Rng(0).torch("lessons")).next()
    seen = set()
    for i in range(64):
        t, xt = lesson.t[i, 0].double(), lesson.x[i : i + 1].double()
        if t < RAW:
            continue
        label = None if lesson.label is None else lesson.label[i : i + 1]
        seen.add(None if label is None else int(label))
        nu = float(t / (1 - t)) * moments.unit
        d = exact.denoise(xt / (1 - t), nu / moments.unit, label)
        linear = (moments.wiener(xt / (1 - t) * moments.unit + moments.mean, nu) - moments.mean) / moments.unit
        torch.testing.assert_close(lesson.target[i : i + 1].double(), (d - linear) / t, atol=5e-3, rtol=5e-3)
    assert seen == ({-1, 0, 1} if labelled else {None})


def test_with_many_points_the_posterior_is_estimated_without_bias():
    many = Problem(three_modes().sample(3000, np.random.default_rng(1))[0], np.ones(2))
    gaps = []
    for averaged in (True, False):
        lessons = Lessons.of(many, 256, averaged, Rng(0).torch("lessons"))
        drawn = [lessons.next() for _ in range(60)]
        t, v = torch.cat([b.t for b in drawn])[:, 0], torch.cat([b.target for b in drawn])
        gaps.append((v[(t > 0.3) & (t < 0.7)].mean(0), float(v[(t > 0.3) & (t < 0.7)].var())))
    (mean_a, var_a), (mean_b, var_b) = gaps
    assert float((mean_a - mean_b).abs().max()) < 0.06
    assert var_a < 0.5 * var_b, "averaging takes the noise out"


def test_times_are_stratified():
    t = Lessons.of(PROBLEM, 50, True, Rng(0).torch("lessons")).next().t[:, 0]
    np.testing.assert_array_equal(np.floor(t.numpy() * 50), np.arange(50))


def test_a_coordinate_without_weight_is_not_learned():
    g = np.random.default_rng(0)
    x = np.sign(g.standard_normal((400, 2))) + 0.1 * g.standard_normal((400, 2))
    model = fitted(NetworkDiffusion(steps=150), Problem(x, np.array([2.0, 0.0])))
    xt = torch.as_tensor(x + 0.5 * g.standard_normal(x.shape))
    miss = (model.denoise(xt, 0.5) - Atoms(x).denoise(xt, 0.5)).square().mean(0)
    linear = (model.moments.wiener(xt, 0.5) - Atoms(x).denoise(xt, 0.5)).square().mean(0)
    assert miss[0] < 0.2 * linear[0]
    assert miss[1] > 0.5 * linear[1]


def test_fourier_features_can_be_off():
    model = fitted(NetworkDiffusion(steps=5, fourier=0), PROBLEM)
    assert model.state()["frequencies"].shape == (2, 0)
    assert fitted(NetworkDiffusion(steps=5, fourier=7), PROBLEM).state()["frequencies"].shape == (2, 7)


@pytest.mark.parametrize("steps", [300, 1000])
def test_the_cloud_is_shown_at_least_eight_times(steps):
    method = NetworkDiffusion(steps=steps, width=4, layers=1, batch=8)
    looks = [e.done for e in method.fit(PROBLEM, Rng(0)) if e.snapshot is not None]
    assert 8 <= len(looks) <= LOOKS + 1
    assert looks[-1] == steps

"""Interpolants: their weights, and what is known of their velocity and score between Gaussians without learning."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._interpolant_moments import Ends
from rkdiff.methods._interpolants import INTERPOLANTS, MARGIN, Interpolant
from rkdiff.methods._pairs import Pairs
from rkdiff.methods._velocity import Training, VelocityModel
from rkdiff.methods.flow_matching import FlowMatching
from rkdiff.processes.gaussians import line
from rkdiff.processes.gaussians.flows import matching_slope
from rkdiff.samplers.transport_euler import TransportEuler
from rkdiff.samplers.transport_heun import TransportHeun


def line_model(name, sigma=0.7, s0=1.0, m1=2.0, s1=0.5, c=0.0, noise=0.0):
    """A model between N(0, s0^2) and N(m1, s1^2) on the line whose network says nothing: its line is the whole velocity."""
    ends = Ends(*(torch.tensor([v], dtype=torch.float64) for v in (0.0, m1, s0, s1, c)))
    model = VelocityModel.untrained(ends, Training(width=4, layers=1), Interpolant(name, sigma), Rng(0).torch("network"))
    model.theta, model.noise_rate = torch.zeros_like(model.theta, dtype=torch.float64), noise
    model.pitch = model.pitch.double()
    return model


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_a_path_begins_at_the_source_and_ends_at_the_target(name):
    mix = Interpolant(name, 0.7).at(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert to_numpy(mix.alpha) == pytest.approx([1, 0], abs=1e-15)
    assert to_numpy(mix.beta) == pytest.approx([0, 1], abs=1e-15)
    assert to_numpy(mix.gamma) == pytest.approx([0, 0], abs=1e-15)


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_slopes_are_those_of_the_weights(name):
    t = torch.tensor([0.1, 0.3, 0.45, 0.6, 0.9], dtype=torch.float64, requires_grad=True)
    mix = Interpolant(name, 0.7).at(t)
    for weight, slope in ((mix.alpha, mix.alpha_slope), (mix.beta, mix.beta_slope), (mix.gamma, mix.gamma_slope)):
        found = torch.autograd.grad(weight.sum(), t, retain_graph=True)[0] if weight.requires_grad else torch.zeros_like(t)
        assert to_numpy(slope) == pytest.approx(to_numpy(found), abs=1e-12)


def test_the_bridge_has_its_variance_and_the_quarter_circle_keeps_one():
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    assert to_numpy(Interpolant("brownian", 0.7).at(t).gamma ** 2) == pytest.approx(to_numpy(0.49 * t * (1 - t)), abs=1e-15)
    mix = Interpolant("trigonometric").at(t)
    assert to_numpy(mix.alpha**2 + mix.beta**2) == pytest.approx(np.ones(9))
    half = Interpolant("encoding_decoding", 0.7).at(t[4:5])
    assert (float(half.alpha), float(half.beta), float(half.gamma)) == pytest.approx((0, 0, 0.7), abs=1e-15)


@pytest.mark.parametrize("c", [0.0, 0.3, -0.2])
def test_between_gaussians_the_line_is_the_closed_form_velocity(c):
    model, x = line_model("linear", c=c), torch.tensor([[-1.0], [0.4], [2.0]], dtype=torch.float64)
    for t in (0.0, 0.3, 0.8):  # variances are held up by a thousandth of the ends' together: slopes are off by about as much
        slope = matching_slope(line(0, 1), line(2, 0.5), np.array([[c]]), t)[0, 0]
        assert to_numpy(model.drift(x, t)) == pytest.approx(2 + slope * (to_numpy(x) - 2 * t), rel=2e-2, abs=0.03)


@pytest.mark.parametrize("name", ["brownian", "encoding_decoding"])
def test_between_gaussians_the_score_is_the_closed_form_one(name):
    model, x = line_model(name), torch.tensor([[-1.0], [0.4], [2.0]], dtype=torch.float64)
    for t in (0.2, 0.5, 0.8):
        mix = Interpolant(name, 0.7).at(torch.tensor(t, dtype=torch.float64))
        var = float(mix.alpha**2 + 0.25 * mix.beta**2 + mix.gamma**2)
        assert to_numpy(model.score(x, t)) == pytest.approx(-(to_numpy(x) - 2 * float(mix.beta)) / var, rel=1e-2)


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_every_path_on_the_line_ends_at_the_same_increasing_map(name):
    z = np.linspace(-2, 2, 9)[:, None]
    t = TransportHeun().run(line_model(name), z, FlowMatching().grid(100), Rng(0))
    assert np.abs(t.end - (2 + 0.5 * z)).max() < 0.01


@pytest.mark.parametrize(
    ("name", "noise", "sampler"),
    [
        ("brownian", 0.0, TransportHeun()),
        ("brownian", 2.0, TransportEuler()),
        ("brownian", 2.0, TransportHeun()),
        ("encoding_decoding", 2.0, TransportHeun()),
    ],
)
def test_noise_in_the_walk_leaves_every_law_as_it_is(name, noise, sampler):
    model, z = line_model(name, noise=noise), np.random.default_rng(0).standard_normal((8000, 1))
    z = (z - z.mean()) / z.std()
    t = sampler.run(model, z, FlowMatching().grid(60), Rng(1))
    half = Interpolant(name, 0.7).at(torch.tensor(0.5, dtype=torch.float64))
    var = float(half.alpha**2 + 0.25 * half.beta**2 + half.gamma**2)
    assert t.x[30].mean() == pytest.approx(2 * float(half.beta), abs=0.04)
    assert t.x[30].var() == pytest.approx(var, rel=0.07)
    assert t.end.mean() == pytest.approx(2, abs=0.03)
    assert t.end.std() == pytest.approx(0.5, rel=0.04)
    moved = np.corrcoef(z[:, 0], t.end[:, 0])[0, 1]
    assert moved > 0.999 if noise == 0 else moved < 0.9


def test_the_noise_of_a_step_is_the_integral_over_it():
    model = line_model("brownian", sigma=0.7, noise=1.5)
    t = np.linspace(0.2, 0.5, 20001)
    whole = 2 * 1.5 * 0.49 * float(np.trapezoid(t * (1 - t), t))
    assert model.noise(0.2, 0.5) ** 2 == pytest.approx(whole, rel=1e-7)
    assert line_model("linear", noise=1.5).noise(0.2, 0.5) == 0
    assert model.noise(0.2, 0.5) ** 2 == pytest.approx(model.noise(0.2, 0.3) ** 2 + model.noise(0.3, 0.5) ** 2)


def test_noisy_times_stay_off_the_ends_where_the_bridge_has_no_slope():
    t = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    assert to_numpy(Interpolant("brownian", 1.0).inside(t)).tolist() == [MARGIN, 0.5, 1 - MARGIN]
    assert to_numpy(Interpolant("linear").inside(t)).tolist() == [0, 0.5, 1]


def test_moments_of_the_ends_are_those_of_the_pairs():
    g = np.random.default_rng(0)
    x0 = g.standard_normal((50, 2))
    ends = Ends.of(Pairs(x0, 3 * x0 + 1))
    assert to_numpy(ends.cross) == pytest.approx(3 * x0.var(axis=0))
    assert to_numpy(ends.deviation1) == pytest.approx(3 * x0.std(axis=0))


def test_what_is_no_interpolant_is_refused_with_the_reason():
    with pytest.raises(PartError, match="choose one of linear, trigonometric"):
        Interpolant("straight")
    with pytest.raises(PartError, match="needs sigma > 0"):
        Interpolant("brownian", 0.0)
    with pytest.raises(ValueError, match="no score was learned"):
        line_model("linear").score(torch.zeros(1, 1, dtype=torch.float64), 0.5)

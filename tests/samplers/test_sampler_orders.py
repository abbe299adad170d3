"""How fast each sampler converges, on exact scores and between fixed noise levels: paths by Richardson, variances by their recursion."""

import numpy as np
import pytest
from closed_forms import Linear, even_in_logsnr, output_variance, part_of, three_modes

from rkdiff.core.parts import choices
from rkdiff.core.rng import Rng
from rkdiff.methods.exact import TrueLaw
from rkdiff.samplers.ancestral import Ancestral
from rkdiff.samplers.annealed_langevin import AnnealedLangevin
from rkdiff.samplers.churn import Churn
from rkdiff.samplers.ddim import DDIM
from rkdiff.samplers.dpm_solver_2m import DPMSolver2M
from rkdiff.samplers.dpm_solver_2s import DPMSolver2S
from rkdiff.samplers.dpm_solver_3m import DPMSolver3M, weights
from rkdiff.samplers.euler_maruyama import EulerMaruyama
from rkdiff.samplers.flow import Euler, Heun
from rkdiff.samplers.predictor_corrector import PredictorCorrector

MODEL = TrueLaw(three_modes())
#: Schedules whose log-SNR neither breaks nor nearly stands still between these levels, so that 80 even steps in t resolve it.
GENTLE = ("vp_linear", "cosine", "karras", "flow_matching", "sigmoid", "geometric", "log_linear")
GENTLE = [c() for name, c in choices("schedule").items() if name in GENTLE]
C = 0.25

#: Deterministic: the sampler, its order, and the error at 40 and 160 steps from nu = 10 to 0.05.
PATHS = {
    "euler": (Euler(), 1),
    "ddim": (DDIM(), 1),
    "heun": (Heun(), 2),
    "dpm_solver_2s": (DPMSolver2S(), 2),
    "dpm_solver_2m": (DPMSolver2M(), 2),
    "dpm_solver_2m heun": (DPMSolver2M(variant="heun"), 2),
    "dpm_solver_3m": (DPMSolver3M(), 3),
    "dpm_solver_3m published": (DPMSolver3M(coefficients="published"), 2),
}
#: Stochastic: the sampler, its order, and its variance error at 100, 200 and 400 steps from nu = 10 to 0.02 on data of variance 1/4.
VARIANCES = {
    "euler_maruyama": (EulerMaruyama(), 1, (1.62e-2, 7.92e-3, 3.92e-3)),
    "ddim eta 1": (DDIM(eta=1.0), 1, (-1.49e-2, -7.61e-3, -3.84e-3)),
    "ddim eta 0": (DDIM(), 1, (-7.6e-3, -3.8e-3, -1.9e-3)),
    "ancestral": (Ancestral(), 1, (-1.49e-2, -7.61e-3, -3.84e-3)),
    "ancestral fixed_large": (Ancestral(variance="fixed_large"), 1, (6.88e-3, 3.41e-3, 1.70e-3)),
    "dpm_solver_2m stochastic": (DPMSolver2M(stochastic=True), 2, (3.2e-4, 8.0e-5, 2.0e-5)),
    "dpm_solver_2m stochastic heun": (DPMSolver2M(stochastic=True, variant="heun"), 2, (6.54e-4, 1.62e-4, 4.02e-5)),
    "churn": (Churn(), 2, (1.53e-3, 3.97e-4, 1.01e-4)),
    "churn 40": (Churn(s_churn=40.0), 2, (2.7e-3, 7.2e-4, 1.9e-4)),
}
#: Shown by a test of their own below, or in `test_soft_mixture`.
ELSEWHERE = {"predictor_corrector", "annealed_langevin", "soft_mixture"}


def observed_order(sampler, grids, model=MODEL):
    """log2 of the ratio of differences when the steps are doubled twice."""
    z = np.random.default_rng(0).standard_normal((24, 2))
    ends = [sampler.run(model, z, g, Rng(0)).end / g.alpha[-1] for g in grids]
    return np.log2(np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - ends[2]))


def variance_error(sampler, steps, bottom=0.02, draws=1):
    grid = even_in_logsnr(steps, 10.0, bottom)
    return output_variance(sampler, Linear(C), grid, C + 100.0, draws=draws) - (C + bottom**2)


def test_every_diffusion_sampler_has_its_order_tested():
    names = {name for name, c in choices("sampler").items() if c.family == "diffusion"}
    assert {name.split()[0] for name in (*PATHS, *VARIANCES)} | ELSEWHERE == names


@pytest.mark.parametrize("name", [*PATHS, *VARIANCES])
def test_the_order_a_sampler_states_is_the_one_that_is_measured(name):
    sampler, order, *_ = (PATHS | VARIANCES)[name]
    assert order == sampler.order
    assert f"rder {order}" in type(sampler).__doc__ or sampler.name in ("euler", "heun", "ddim", "euler_maruyama")


@pytest.mark.parametrize("name", PATHS)
def test_deterministic_samplers_converge_at_their_order(name):
    sampler, order = PATHS[name]
    assert observed_order(sampler, [even_in_logsnr(n, 10.0, 0.05) for n in (160, 320, 640)]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("schedule", GENTLE, ids=lambda s: s.name)
@pytest.mark.parametrize("clock", ["sigma", "t"])
@pytest.mark.parametrize("cls", [Euler, Heun])
def test_flow_samplers_converge_at_their_order_on_either_clock(cls, clock, schedule):
    grids = [part_of(schedule, n, 10.0, 0.05) for n in (80, 160, 320)]
    assert observed_order(cls(clock=clock), grids, Linear(C)) == pytest.approx(cls.order, abs=0.15)


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_error_on_gaussian_data_falls_at_the_order(name):
    sampler, order, errors = VARIANCES[name]
    seen = [variance_error(sampler, n) for n in (100, 200, 400)]
    np.testing.assert_allclose(seen, errors, rtol=0.03)
    assert np.log2(seen[1] / seen[2]) == pytest.approx(order, abs=0.15)


def test_the_measured_variance_makes_the_ancestral_sampler_exact_on_isotropic_gaussians():
    assert [variance_error(Ancestral(variance="analytic"), n) for n in (1, 3, 50)] == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("sampler", "draws", "move"),
    [(PredictorCorrector(reach=0.5), 1, 2 * 0.5**2), (AnnealedLangevin(moves=1, share=0.5), 3, 0.5)],
    ids=["predictor_corrector", "annealed_langevin"],
)
def test_langevin_moves_converge_at_order_one_down_to_where_they_settle(sampler, draws, move):
    errors = [variance_error(sampler, n, bottom=1e-3, draws=draws) for n in (400, 800)]
    assert sampler.order == 1
    assert "rder 1" in type(sampler).__doc__
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.15)
    v, length = C + 5.0**2, move * 5.0**2
    settled = v / (1 - length / (2 * v)) - v
    assert variance_error(sampler, 300, bottom=5.0, draws=draws) == pytest.approx(settled, rel=0.01)


def test_half_fresh_noise_lies_between_none_and_all():
    grid = even_in_logsnr(100, 10.0, 0.02)
    ends = [output_variance(DDIM(eta=e), Linear(0.25), grid, 100.25) for e in (0.0, 0.5, 1.0)]
    assert ends[0] > ends[1] > ends[2]


def test_the_weights_of_the_third_order_are_the_integrals_they_stand_for():
    """Integrals over [0, h] of exp(-(h - s)), of that times s, and times s^2 / 2: -p1, h p2, -h^2 p3."""
    for h in (1e-5, 0.009, 0.011, 0.5, 3.0):
        s, w = np.polynomial.legendre.leggauss(40)
        s, w = h * (s + 1) / 2, h * w / 2 * np.exp(-(h - h * (s + 1) / 2))
        p1, p2, p3 = weights(h)
        np.testing.assert_allclose([-p1, h * p2, -(h**2) * p3], [w.sum(), w @ s, w @ s**2 / 2], rtol=1e-9)


def test_only_the_exact_kernel_and_jumps_of_a_map_make_no_error_by_their_steps():
    assert {n for n, c in choices("sampler").items() if c.order == 0} == {"flow_map", "soft_mixture"}

from itertools import pairwise

import numpy as np
import pytest
from closed_forms import Linear, even_in_logsnr, one_gaussian, output_variance, three_modes
from hypothesis import given
from hypothesis import strategies as st
from strategies import parts

from rkdiff.core.model import Model, Reversible
from rkdiff.core.parts import PartError, choices
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.methods.exact import Atoms, TrueLaw
from rkdiff.processes.mixture import Mixture
from rkdiff.processes.schedules import Grid
from rkdiff.processes.schedules.karras import Karras
from rkdiff.processes.schedules.vp_linear import VPLinear
from rkdiff.samplers import start
from rkdiff.samplers.ancestral import Ancestral
from rkdiff.samplers.ddim import DDIM
from rkdiff.samplers.dpm_solver_2m import DPMSolver2M
from rkdiff.samplers.dpm_solver_3m import DPMSolver3M
from rkdiff.samplers.exponential_euler import ExponentialEuler
from rkdiff.samplers.flow import Euler, Heun
from rkdiff.samplers.predictor_corrector import PredictorCorrector

DIFFUSION = {n: c for n, c in choices("sampler").items() if c.family == "diffusion"}
every_sampler = pytest.mark.parametrize("sampler", [c() for c in DIFFUSION.values()], ids=DIFFUSION)
#: Every sampler, and the knobs that change what it does.
VARIANTS = {n: c() for n, c in DIFFUSION.items()} | {
    "ddim eta 1": DDIM(eta=1.0),
    "ancestral fixed_large": Ancestral(variance="fixed_large"),
    "ancestral analytic": Ancestral(variance="analytic"),
    "dpm_solver_2m heun": DPMSolver2M(variant="heun"),
    "dpm_solver_2m stochastic": DPMSolver2M(stochastic=True),
    "dpm_solver_2m stochastic heun": DPMSolver2M(variant="heun", stochastic=True),
    "dpm_solver_3m published": DPMSolver3M(coefficients="published"),
    "predictor_corrector 3": PredictorCorrector(corrections=3),
}
every_variant = pytest.mark.parametrize("sampler", VARIANTS.values(), ids=VARIANTS)
#: Calls in ten steps that end at the data.
CALLS = dict.fromkeys(VARIANTS, 10) | {
    "heun": 19, "churn": 19, "dpm_solver_2s": 19, "dpm_solver_3m": 11, "ancestral analytic": 19,
    "predictor_corrector": 19, "predictor_corrector 3": 10 + 9 * 3, "annealed_langevin": 10 * 10 + 1,
}  # fmt: skip
#: Those whose noise is one path of a clock.
NOISY = [
    "euler_maruyama",
    "churn",
    "soft_mixture",
    *(n for n in VARIANTS if "stochastic" in n or "ancestral" in n or "eta 1" in n),
]


class Counting(Reversible):
    """Counts how often it is asked, and can be told to break below a noise level."""

    def __init__(self, inner, breaks_below=-1.0):
        self.inner, self.asked, self.breaks_below, self.classes = inner, 0, breaks_below, inner.classes

    def reverse(self, x, nu, after, u, z, label=None):
        self.asked += 1
        return self.inner.reverse(x, nu, after, u, z, label) * (np.nan if nu < self.breaks_below else 1.0)

    def denoise(self, x, nu, label=None):
        self.asked += 1
        return self.inner.denoise(x, nu, label) * (np.nan if nu < self.breaks_below else 1.0)


def refined(grid, longest):
    """The levels of a grid and evenly in log nu as many between them as it takes; the last one, without noise, stays."""
    log_nu = np.log(grid.nu[:-1])
    parts_ = [np.linspace(a, b, int(np.ceil((a - b) / longest)) + 1)[:-1] for a, b in pairwise(log_nu)]
    last = np.linspace(
        log_nu[-1], min(log_nu[-1], np.log(0.02)), int(max(np.ceil((log_nu[-1] - np.log(0.02)) / longest), 0)) + 1
    )
    nu = np.append(np.exp(np.concatenate([*parts_, last])), 0.0)
    return Grid(nu, np.ones_like(nu), nu, prior=grid.begin)


class Pull(Model):
    """A transport that pulls every particle to one point: x(tau) = m + exp(-tau) (x(0) - m)."""

    family = "transport"

    def drift(self, x, t, *, label=None, rng=None):
        return 2.0 - x


def transport_grid(steps, end=3.0):
    tau = np.linspace(0.0, end, steps + 1)
    return Grid(tau, np.ones_like(tau), np.zeros_like(tau))


@every_variant
def test_gaussian_data_stays_gaussian_with_the_right_moments(sampler):
    law = one_gaussian()
    z = start("sobol", 2048, 2, Rng(0))
    x = sampler.run(TrueLaw(law), z, Karras().grid(200), Rng(1)).end
    np.testing.assert_allclose(x.mean(0), law.mean, atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), law.cov, atol=0.06)
    w = np.linalg.solve(np.linalg.cholesky(np.cov(x.T)), (x - x.mean(0)).T)
    assert abs((w**3).mean(1)).max() < 4 * np.sqrt(15 / 2048), "no skew"
    assert abs((w**4).mean(1) - 3).max() < 4 * np.sqrt(96 / 2048), "kurtosis of a normal"


@pytest.mark.parametrize("cls", choices("schedule").values(), ids=choices("schedule"))
def test_every_sampler_keeps_the_variance_of_gaussian_data_on_every_schedule(cls):
    """Without Monte-Carlo, with steps put between the schedule's own until none is longer than 0.15 in log nu."""
    grid, c = refined(cls().grid(30), 0.15), 0.6
    started = grid.begin**2 / (c + grid.nu[0] ** 2)  # what the start has too little of
    for name, sampler in VARIANTS.items():
        draws = {"annealed_langevin": 21, "predictor_corrector 3": 4}.get(name, 1)
        n = 1 + draws * (len(grid.t) - 1)
        model = Linear(c) if name != "soft_mixture" else TrueLaw(Mixture(np.ones(1), np.zeros((1, n)), c * np.eye(n)[None]))
        found = output_variance(sampler, model, grid, grid.begin**2, draws=draws) / c
        exact = name in ("soft_mixture", "ancestral analytic")
        assert found == pytest.approx(
            1, abs=1 - min(started, 1) + (0.002 if exact else 0.18 if sampler.order == 1 else 0.03)
        ), name


@given(
    parts("schedule"),
    parts("spacing"),
    parts("sampler", where=lambda c: c.family == "diffusion"),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_any_knobs_and_steps_give_a_finite_trajectory(schedule, spacing, sampler, steps, seed):
    points = np.random.default_rng(0).standard_normal((30, 2))
    try:
        grid = spacing.grid(schedule, steps)
    except PartError:
        return  # a spacing that does not fit says so
    path = sampler.run(Atoms(points), start("sobol", 13, 2, Rng(seed)), grid, Rng(seed))
    assert path.x.shape == (len(grid.t), 13, 2)
    assert np.isfinite(path.x).all()
    assert all(np.isfinite(c).all() for c in path.curves.values())


@pytest.mark.parametrize("steps", [1, 2, 3])
@every_variant
def test_one_two_and_three_steps_work_with_the_last_noise_removed_or_kept(sampler, steps):
    z, model = start("iid", 9, 2, Rng(0)), TrueLaw(three_modes())
    for grid in (Karras().grid(steps), even_in_logsnr(steps, 20.0, 0.1)):
        path = sampler.run(model, z, grid, Rng(0))
        assert path.x.shape == (steps + 1, 9, 2)
        assert np.isfinite(path.x).all()


@every_variant
def test_very_large_and_very_small_levels_are_walked(sampler):
    nu = np.append(np.geomspace(16000.0, 1e-4, 60), 0.0)
    path = sampler.run(TrueLaw(three_modes()), start("iid", 5, 2, Rng(0)), Grid(nu, np.ones_like(nu), nu), Rng(0))
    assert np.isfinite(path.x).all()
    assert np.abs(path.end).max() < 10


def test_ddim_without_fresh_noise_is_euler():
    z = start("iid", 20, 2, Rng(0))
    a, b = (s.run(TrueLaw(three_modes()), z, VPLinear().grid(15), Rng(0)).x for s in (DDIM(), Euler()))
    np.testing.assert_allclose(a, b, atol=1e-9)


def test_euler_in_time_on_straight_lines_is_euler_of_flow_matching():
    from rkdiff.processes.schedules.flow_matching import FlowMatching

    grid, z = FlowMatching().grid(12), start("iid", 20, 2, Rng(0))
    model, y = TrueLaw(three_modes()), torch.as_tensor(grid.sigma[0] * z)
    for i in range(12):
        s, a = float(grid.sigma[i]), float(grid.alpha[i])
        y = y + float(grid.sigma[i + 1] - grid.sigma[i]) * (y - model.denoise(y / a, s / a)) / s
    path = Euler(clock="t").run(model, z, grid, Rng(0))
    np.testing.assert_allclose(path.end, y.numpy(), atol=1e-9)


def test_the_clock_does_not_matter_where_signal_is_not_scaled():
    """With alpha = 1 and rho = 1 the schedule's time is the noise level itself."""
    z, grid = start("iid", 20, 2, Rng(0)), Karras(rho=1.0).grid(9)
    for cls in (Euler, Heun):
        a, b = (cls(clock=c).run(TrueLaw(three_modes()), z, grid, Rng(0)).x for c in ("sigma", "t"))
        np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("sampler", [s for s in VARIANTS.values() if not s.needs], ids=lambda s: s.name)
def test_one_step_from_pure_noise_gives_the_mean(sampler):
    x = sampler.run(TrueLaw(three_modes()), start("iid", 50, 2, Rng(0)), Karras(sigma_max=100.0).grid(1), Rng(0)).end
    np.testing.assert_allclose(x, np.broadcast_to(three_modes().mean, x.shape), atol=0.05)


@pytest.mark.parametrize("name", VARIANTS)
def test_calls_are_those_that_were_made(name):
    model = Counting(TrueLaw(three_modes()))
    path = VARIANTS[name].run(model, start("iid", 5, 2, Rng(0)), Karras().grid(10), Rng(0))
    assert path.calls == model.asked == CALLS[name]


@every_sampler
def test_the_trajectory_is_in_the_schedules_coordinates_on_the_screens_clock(sampler):
    z, grid = start("iid", 5, 2, Rng(0)), VPLinear().grid(10)
    path = sampler.run(TrueLaw(three_modes()), z, grid, Rng(0))
    np.testing.assert_allclose(path.x[0], z)
    np.testing.assert_allclose(path.u, np.linspace(0, 1, 11))
    np.testing.assert_array_equal(path.curves["sigma"], grid.sigma)


@every_sampler
def test_the_same_seed_gives_the_same_bytes(sampler):
    def run():
        return sampler.run(TrueLaw(three_modes()), start("sobol", 64, 2, Rng(3)), Karras().grid(8), Rng(4)).x.tobytes()

    assert run() == run()


@every_sampler
def test_progress_counts_every_step(sampler):
    work = sampler.stream(TrueLaw(three_modes()), start("iid", 5, 2, Rng(0)), Karras().grid(6), Rng(0))
    assert [(p.stage, p.done, p.total) for p in work] == [("sampling", i, 6) for i in range(1, 7)]


@every_variant
def test_particles_do_not_see_each_other_and_labels_go_with_them(sampler):
    """Moving one particle moves no other, and asking it for another class neither; the measured variance is one for all."""
    z, labels = start("iid", 40, 2, Rng(0)), np.arange(40) % 3 - 1
    other, asked = z.copy(), labels.copy()
    other[0], asked[1] = 1.0, 1 - labels[1]
    model, grid = TrueLaw(three_modes()), Karras().grid(8)
    a = sampler.run(model, z, grid, Rng(0), labels=labels)
    b = sampler.run(model, other, grid, Rng(0), labels=asked)
    moved = np.abs(b.end - a.end).max(axis=1)
    shared = getattr(sampler, "variance", "") == "analytic"
    assert moved[2:].max() < (0.1 if shared else 1e-12)
    assert moved[1] > 1e-6
    np.testing.assert_array_equal(b.labels, asked)


@pytest.mark.parametrize("name", NOISY)
def test_many_steps_follow_the_path_of_few(name):
    model = TrueLaw(Mixture(np.ones(1), np.zeros((1, 2)), 0.5 * np.eye(2)[None]))
    z = start("iid", 30, 2, Rng(0))

    def end(steps, seed):
        return VARIANTS[name].run(model, z, even_in_logsnr(steps, 20.0, 0.05), Rng(seed)).end

    fine = end(320, 0)
    gaps = [np.linalg.norm(end(n, 0) - fine) for n in (10, 40, 160)]
    assert gaps[0] < 0.5 * np.linalg.norm(end(10, 1) - fine), "another path ends elsewhere"
    assert gaps[1] < 0.6 * gaps[0]
    assert gaps[2] < 0.6 * gaps[1]


def test_the_exponential_step_is_exact_for_a_linear_pull_at_any_length():
    z = start("iid", 10, 3, Rng(0))
    for steps in (1, 7):
        path = ExponentialEuler().run(Pull(), z, transport_grid(steps), Rng(0))
        np.testing.assert_allclose(path.end, 2 + np.exp(-3.0) * (z - 2), atol=1e-12)
        np.testing.assert_array_equal(path.x[0], z)
        assert set(path.curves) == {"t"}
        assert path.calls == steps


def test_each_step_of_a_transport_gets_a_stream_of_its_own():
    seen = []

    class Listening(Pull):
        def drift(self, x, t, *, label=None, rng=None):
            seen.append(rng.integer("directions"))
            return -x

    ExponentialEuler().run(Listening(), np.zeros((2, 2)), transport_grid(5), Rng(0))
    assert len(set(seen)) == 5


def test_a_model_of_the_other_family_is_refused():
    with pytest.raises(PartError, match="'heun' walks a diffusion, but this model is a transport"):
        Heun().run(Pull(), np.zeros((2, 2)), Karras().grid(3), Rng(0))
    with pytest.raises(PartError, match="'exponential_euler' walks a transport"):
        ExponentialEuler().run(Linear(1.0), np.zeros((2, 2)), transport_grid(3), Rng(0))


@every_sampler
def test_leaving_the_finite_numbers_stops_the_walk_and_says_where(sampler):
    model = Counting(TrueLaw(three_modes()), breaks_below=1.0)
    with pytest.raises(ValueError, match=rf"{sampler.name} left the finite numbers at step [34] of 6"):
        sampler.run(model, start("iid", 5, 2, Rng(0)), Karras().grid(6), Rng(0))


def test_the_clock_t_needs_derivatives():
    grid = Karras().grid(4)
    with pytest.raises(ValueError, match="take the grid of a schedule"):
        Euler(clock="t").run(Linear(1.0), np.zeros((2, 2)), Grid(grid.t, grid.alpha, grid.sigma), Rng(0))


def test_a_long_wide_walk_keeps_fewer_frames_and_the_same_end(monkeypatch):
    z, grid, model = start("iid", 30, 2, Rng(0)), Karras().grid(50), TrueLaw(three_modes())
    full = Heun().run(model, z, grid, Rng(0))
    monkeypatch.setattr("rkdiff.processes.process.ROOM", 12 * 60)
    thin = Heun().run(model, z, grid, Rng(0))
    assert len(thin.u) == 12
    np.testing.assert_array_equal(thin.end, full.end)
    np.testing.assert_allclose(thin.x[3], full.at(thin.u[3:4])[0], atol=1e-12)
    np.testing.assert_array_equal(thin.curves["sigma"], full.curve("sigma", thin.u))

"""Fitting by turns with least squares in the middle: exact between Gaussians, so every figure has its closed form."""

import numpy as np
import pytest

from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, torch
from rkdiff.methods._ipf import TARGETS, fit_ipf, moves
from rkdiff.methods._ipf_chain import Chain, node_times, simulate
from rkdiff.methods._ipf_ends import normals, regressed, resampled
from rkdiff.methods._ipf_regressors import Corrected, LeastSquares, Network
from rkdiff.processes.gaussians import line
from rkdiff.processes.gaussians.bridge import Bridge
from rkdiff.processes.gaussians.fitting import ipf
from rkdiff.processes.gaussians.transport import distance
from rkdiff.transport.manifolds import Flat, Sphere

LIKE = torch.zeros(1, 1, dtype=torch.float64)


def gaussian(mean, sd, d=1, dtype=torch.float64):
    like = torch.zeros(1, d, dtype=dtype)
    return lambda n, generator: (mean + sd * randn((n, d), generator, like), None)


def fitted(data, source, chain, regressor=None, **asked):
    asked = {"half_steps": 11, "paths": 20_000, "rng": Rng(0)} | asked
    return outcome(fit_ipf(source, data, chain, regressor or LeastSquares(), **asked))


def ends(found, start, field=-1, seed=3, y=None, last_noise=True):
    x = simulate(found.chain, found.s2t[field], start, y, Rng(seed).torch("ends"), to_target=True, last_noise=last_noise)
    return to_numpy(x[0]), to_numpy(x[-1])


@pytest.fixture(scope="module")
def short():
    """Both targets with 100 steps on the short bridge whose exact iterates are known."""
    chain = Chain.ornstein_uhlenbeck(100, 0.25)
    return {t: fitted(gaussian(3.0, 0.5), normals(LIKE), chain, half_steps=5, target=t) for t in TARGETS}


def misses(found):
    start = randn((20_000, 1), Rng(5).torch("start"), LIKE)
    out = []
    for k in range(len(found.s2t)):
        _, x = ends(found, start, k)
        out.append(float(np.hypot(x.mean() - 3.0, x.std() - 0.5)))
    return out


@pytest.mark.parametrize("target", TARGETS)
def test_a_fine_chain_follows_the_exact_iterates(short, target):
    exact = [distance(x0, line(3.0, 0.5)) for x0, _ in ipf(line(3.0, 0.5), line(0.0, 1.0), 0.25, 5)[::2]]
    np.testing.assert_allclose(exact, (0.836, 0.304, 0.115), atol=5e-4)
    np.testing.assert_allclose(misses(short[target]), exact, atol=0.015)


def test_the_papers_target_is_biased_on_a_coarse_chain_and_the_plain_one_is_not():
    """With a step of 0.0125 the bias of order gamma stands well above the noise of 20 000 paths."""
    chain = Chain.ornstein_uhlenbeck(20, 0.25)
    plain, paper = (misses(fitted(gaussian(3.0, 0.5), normals(LIKE), chain, target=t)) for t in ("plain", "dsb"))
    np.testing.assert_allclose(plain, (0.836, 0.304, 0.115, 0.043, 0.016, 0.006), atol=0.03)
    np.testing.assert_allclose(paper, (0.833, 0.333, 0.169, 0.102, 0.088, 0.072), atol=0.03)
    assert paper[-1] - plain[-1] > 0.03


@pytest.mark.parametrize("d", [1, 4])
def test_between_two_gaussians_six_iterations_reach_the_bridge(d):
    """Means -1 and 1, unit variances, a Brownian reference of variance 1: the covariance of both ends is (sqrt(5) - 1) / 2."""
    chain, like = Chain.brownian(20, 1.0), torch.zeros(1, d, dtype=torch.float64)
    source = lambda n, y, generator: randn((n, d), generator, like) - 1.0
    found = fitted(gaussian(1.0, 1.0, d), source, chain, paths=8000)
    a, b = ends(found, source(20_000, None, Rng(1).torch("s")))
    np.testing.assert_allclose(b.mean(0), 1.0, atol=0.05)
    np.testing.assert_allclose(b.var(0), 1.0, atol=0.06)
    both = ((a - a.mean(0)) * (b - b.mean(0))).mean(0)
    np.testing.assert_allclose(both, (np.sqrt(5) - 1) / 2, atol=0.04)


def test_the_velocity_is_the_bridges_up_to_the_step():
    """The mean velocity over a step of the exact bridge is affine; least squares finds its slope at each node."""
    found = fitted(gaussian(0.5, 0.7), lambda n, y, g: randn((n, 1), g, LIKE), Chain.brownian(50, 1.0), paths=40_000)
    bridge = Bridge(line(0.0, 1.0), line(0.5, 0.7), 1.0)
    x = torch.linspace(-1.0, 1.0, 7, dtype=torch.float64)[:, None]
    for t in (0.2, 0.5, 0.7):
        np.testing.assert_allclose(found.s2t[-1](x, t, None).numpy(), bridge.drift(x.numpy(), t), atol=0.2)


def test_the_way_back_ends_at_the_source():
    found = fitted(gaussian(3.0, 0.5), normals(LIKE), Chain.ornstein_uhlenbeck(20, 0.5), half_steps=12)
    data, _ = gaussian(3.0, 0.5)(20_000, Rng(2).torch("d"))
    x = simulate(found.chain, found.t2s[-1], data, None, Rng(3).torch("p"), to_target=False)
    assert float(x[0].mean()) == pytest.approx(0.0, abs=0.05)
    assert float(x[0].std()) == pytest.approx(1.0, abs=0.05)
    torch.testing.assert_close(x[-1], data)


def test_the_first_half_step_is_plain_diffusion(short):
    law = ipf(line(3.0, 0.5), line(0.0, 1.0), 0.25, 1)[0][0]
    _, x = ends(short["plain"], randn((20_000, 1), Rng(5).torch("start"), LIKE), 0)
    assert (x.mean(), x.var()) == pytest.approx((float(law.mean[0]), float(law.cov[0, 0])), abs=0.02)


def test_the_last_step_without_noise_loses_its_variance():
    found = fitted(gaussian(0.0, 1.0), normals(LIKE), Chain.brownian(10, 1.0), paths=8000)
    start = randn((20_000, 1), Rng(5).torch("start"), LIKE)
    noisy, mean = (ends(found, start, last_noise=last)[1].var() for last in (True, False))
    assert noisy - mean == pytest.approx(0.1, abs=0.02)


def test_targets_agree_where_the_other_way_is_a_constant_velocity():
    chain = Chain.brownian(8, 1.0)
    paths = torch.cumsum(torch.ones(9, 4, 2, dtype=torch.float64), 0)
    still = lambda x, t, y: 0.3 * torch.ones_like(x)
    for towards in (True, False):
        plain, paper = (moves(chain, paths, None, still, to_target=towards, target=t).target for t in TARGETS)
        torch.testing.assert_close(plain, paper)
        torch.testing.assert_close(plain, torch.full_like(plain, 8.0 if towards else -8.0))


def test_a_velocity_is_learned_and_called_at_the_time_of_the_node_it_leaves():
    """A process that stands still but for a jump in one step: only that step's velocity, at its own label, differs from 0."""
    chain, k = Chain.brownian(5, 1.0), 2
    paths = torch.zeros(6, 50, 1, dtype=torch.float64)
    paths[k + 1 :] = 1.0
    x = torch.zeros(3, 1, dtype=torch.float64)
    for towards, node in ((True, k), (False, k + 1)):
        m = moves(chain, paths, None, chain.reference, to_target=towards, target="plain")
        field = LeastSquares().solved(m, Flat())
        seen = [float(field(x + (0.0 if towards else 1.0), float(t), None).abs().max()) for t in chain.times]
        assert int(np.argmax(seen)) == node
        assert seen[node] == pytest.approx(5.0)


def test_geometric_steps_are_symmetric_and_grow_tenfold():
    for steps in (3, 4, 7, 20):
        h = np.diff(node_times(steps, "geometric"))
        assert len(h) == steps
        np.testing.assert_allclose(h, h[::-1])
        assert h.max() / h.min() == pytest.approx(10.0)
        assert h.sum() == pytest.approx(1.0)


def test_a_chain_of_geometric_steps_finds_the_same_bridge():
    found = fitted(gaussian(1.0, 0.6), normals(LIKE), Chain.brownian(30, 1.0, "geometric"), paths=8000)
    _, b = ends(found, randn((20_000, 1), Rng(5).torch("start"), LIKE), last_noise=False)
    assert (b.mean(), b.std()) == pytest.approx((1.0, 0.6), abs=0.03)


def test_a_small_network_reaches_the_bridge_of_two_gaussians():
    """Without least squares under it nothing but the network would hold mean and covariance; here it must not spoil them."""
    like = torch.zeros(1, 2)
    source = lambda n, y, generator: randn((n, 2), generator, like) - 1.0
    net = Network(iterations=150, width=24, layers=2, batch=256, refresh=75, fourier=0)
    found = fitted(gaussian(1.0, 1.0, 2, torch.float32), source, Chain.brownian(12, 1.0), net, paths=2000)
    a, b = ends(found, source(8000, None, Rng(1).torch("s")))
    np.testing.assert_allclose(b.mean(0), 1.0, atol=0.1)
    np.testing.assert_allclose(b.var(0), 1.0, atol=0.1)
    np.testing.assert_allclose(((a - a.mean(0)) * (b - b.mean(0))).mean(0), 0.618, atol=0.08)


def test_a_network_finds_two_modes_that_no_affine_velocity_has():
    two = lambda n, g: (torch.sign(torch.randn(n, 1, generator=g)) + 0.1 * torch.randn(n, 1, generator=g), None)
    net = Network(iterations=200, width=32, layers=2, batch=256, refresh=100, fourier=8)
    chain, like = Chain.brownian(12, 1.0), torch.zeros(1, 1)
    share = {}
    for name, regressor in (("affine", LeastSquares()), ("network", net)):
        found = fitted(two, normals(like), chain, regressor, half_steps=3, paths=2000)
        _, x = ends(found, torch.randn(4000, 1, generator=Rng(1).torch("s")), last_noise=False)
        share[name] = float((np.abs(np.abs(x) - 1) < 0.4).mean())
    assert share["affine"] < 0.6
    assert share["network"] > 0.85


def test_a_warm_start_goes_on_from_the_network_before():
    data, like = gaussian(1.0, 1.0, 1, torch.float32), torch.zeros(1, 1)
    for warm, moved in ((True, 0.01), (False, 0.0)):
        net = Network(iterations=1, rate=1e-4, width=8, layers=1, batch=32, fourier=0, warm_start=warm)
        found = fitted(data, normals(like), Chain.brownian(5, 1.0), net, half_steps=3, paths=100)
        first, second = found.s2t
        assert isinstance(first, Corrected)
        assert isinstance(second, Corrected)
        gap = float((first.theta - second.theta).abs().max())
        assert gap < moved if warm else gap > 0.05


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "both"}, "'both'; choose one of plain, dsb"),
        ({"half_steps": 0}, "at least one half-step"),
        ({"paths": 1}, "two paths"),
    ],
)
def test_what_cannot_be_fitted_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        fitted(gaussian(0.0, 1.0), normals(LIKE), Chain.brownian(5, 1.0), **asked)


def test_impossible_chains_are_refused():
    for wrong in (lambda: Chain.brownian(5, 0.0), lambda: Chain.ornstein_uhlenbeck(5, -1.0), lambda: node_times(5, "odd")):
        with pytest.raises(ValueError, match="give"):
            wrong()
    chain = Chain.brownian(5, 1.0, manifold=Sphere())
    with pytest.raises(ValueError, match="needs flat space"):
        fitted(gaussian(0.0, 1.0, 3), normals(torch.zeros(1, 3)), chain, target="dsb")


def test_a_field_that_explodes_is_reported_with_what_to_do():
    class Wild(LeastSquares):
        def learn(self, draw, manifold, before, rng):
            wild = yield from super().learn(draw, manifold, before, rng)
            wild.coefficients = wild.coefficients * float("inf")
            return wild

    with pytest.raises(ValueError, match=r"half-step 2 left the finite numbers; take more steps"):
        fitted(gaussian(0.0, 1.0), lambda n, y, g: randn((n, 1), g, LIKE), Chain.brownian(5, 1.0), Wild(), paths=10)


# -- conditional bridges --


def observed(n, generator):
    """x ~ N(0, 1) seen as y = x + e / 2: given y, x ~ N(0.8 y, 0.2)."""
    x = randn((n, 1), generator, LIKE)
    return x, x + 0.5 * randn((n, 1), generator, LIKE)


@pytest.mark.parametrize("start", ["normals", "regressed"])
def test_a_conditional_bridge_draws_from_the_posterior(start):
    source = normals(LIKE) if start == "normals" else regressed(*observed(20_000, Rng(9).torch("pairs")))
    found = fitted(observed, source, Chain.brownian(20, 1.0), half_steps=9)
    for value in (-2.0, 0.0, 2.0):
        y = torch.full((20_000, 1), value, dtype=torch.float64)
        _, x = ends(found, source(20_000, y, Rng(1).torch("s")), y=y)
        assert x.mean() == pytest.approx(0.8 * value, abs=0.05)
        assert x.var() == pytest.approx(0.2, abs=0.03)


def test_conditional_initialisation_starts_at_the_posterior_already():
    source = regressed(*observed(50_000, Rng(9).torch("pairs")))
    x = source(20_000, torch.full((20_000, 1), 2.0, dtype=torch.float64), Rng(1).torch("s"))
    assert float(x.mean()) == pytest.approx(1.6, abs=0.02)
    assert float(x.var()) == pytest.approx(0.2, abs=0.01)


def test_a_condition_that_says_nothing_changes_nothing():
    def noise(n, generator):
        x = 0.3 + 0.5 * randn((n, 1), generator, LIKE)
        return x, randn((n, 1), generator, LIKE)

    chain = Chain.brownian(20, 1.0)
    told, plain = (
        fitted(noise, normals(LIKE), chain, half_steps=7),
        fitted(gaussian(0.3, 0.5), normals(LIKE), chain, half_steps=7),
    )
    start = randn((20_000, 1), Rng(5).torch("start"), LIKE)
    _, free = ends(plain, start)
    for value in (-2.0, 2.0):
        _, x = ends(told, start, y=torch.full_like(start, value))
        assert np.abs(x - free).mean() < 0.05


def test_draws_keep_each_point_with_what_conditions_it():
    x = torch.arange(10.0)[:, None]
    points, y = resampled(x, 2 * x)(200, Rng(0).torch("d"))
    torch.testing.assert_close(y, 2 * points)
    assert set(points[:, 0].tolist()) == set(range(10))
    assert resampled(x)(3, Rng(0).torch("d"))[1] is None

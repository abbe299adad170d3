"""Bridge matching on Gaussians, where every turn of it is known in closed form."""

from dataclasses import dataclass

import numpy as np
import pytest
from closed_forms import CORRELATED as A
from closed_forms import OPPOSED as B

from rkdiff.core.parts import PartError
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._bridge_matching import fit_bridge_matching, restored
from rkdiff.methods._bridge_network import Line, Network
from rkdiff.methods._bridge_regressors import Affine, AffineField, Coupled
from rkdiff.methods._bridges import grid_to_data, rising, walk, walked_back
from rkdiff.methods._couplings import entropic_plan
from rkdiff.methods._light_fit import standard_normal
from rkdiff.methods.schrodinger_bridge_matching import MatchedBridge
from rkdiff.processes.gaussians import Gaussian, line
from rkdiff.processes.gaussians.bridge import Bridge
from rkdiff.processes.gaussians.fitting import imf
from rkdiff.processes.gaussians.flows import matching_slope
from rkdiff.processes.gaussians.transport import entropic_coupling
from rkdiff.samplers.transport_euler import TransportEuler

UNIT = Gaussian(np.zeros(2), np.eye(2))


def exact_pairs(a, b, coupling, n=300):
    """Pairs whose means and covariances are exactly these."""
    d = a.dim
    z = np.random.default_rng(0).normal(size=(n, 2 * d))
    z = z - z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
    joint = np.block([[a.cov, coupling], [coupling.T, b.cov]])
    z = z @ np.linalg.cholesky(joint).T
    return Coupled(torch.as_tensor(a.mean + z[:, :d]), torch.as_tensor(b.mean + z[:, d:]))


def affine(pairs, sigma):
    return outcome(Affine().learn(pairs, sigma, Rng(0), None))


def centred(law):
    """A source whose draws have its mean and covariance exactly, which takes out most of the noise of a small sample."""

    def draw(n, g):
        z = g.standard_normal((n, law.dim))
        z = z - z.mean(0)
        z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
        return law.mean + z @ np.linalg.cholesky(law.cov).T

    return draw


def off(found, exact):
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize("s", [0.0, 0.4, 0.999])
def test_the_affine_drift_is_the_one_of_the_gaussian_bridge_in_either_direction(s):
    c = entropic_coupling(A, B, 0.64)
    pairs, x = exact_pairs(A, B, c), np.random.default_rng(1).normal(size=(5, 2))
    for field, oracle in (
        (affine(pairs, 0.8), Bridge(A, B, 0.64)),
        (affine(pairs.turned(), 0.8), Bridge(B, A, 0.64, c.T)),
        (affine(exact_pairs(A, B, 0 * c), 0.8), Bridge(A, B, 0.64, 0 * c)),
    ):
        np.testing.assert_allclose(to_numpy(field.drift(torch.as_tensor(x), s)), oracle.drift(x, s), atol=1e-7)


@pytest.mark.parametrize("s", [0.0, 0.4, 1.0])
def test_without_noise_it_is_flow_matching(s):
    c = np.array([[0.3, 0.1], [-0.2, 0.4]])
    for coupling in (0 * c, c):
        field = affine(exact_pairs(A, B, coupling), 0.0)
        np.testing.assert_allclose(to_numpy(field.slope(s)), matching_slope(A, B, coupling, s), atol=1e-9)


def test_the_line_in_one_coordinate_is_the_affine_drift_and_leaves_the_conditional_variance():
    sigma, a, b = 0.7, line(0.3, 1.2), line(-1.0, 0.5)
    pairs = exact_pairs(a, b, np.array([[0.2]]))
    field, s = Line.of(pairs, sigma), torch.tensor([[0.1], [0.5], [0.95]])
    mean, law, slope, left = (to_numpy(v)[:, 0] for v in field.at(s))
    for k, t in enumerate((0.1, 0.5, 0.95)):
        at = Bridge(a, b, sigma**2, np.array([[0.2]]))
        np.testing.assert_allclose(
            [mean[k], law[k], slope[k]], [at.at(t).mean[0], at.at(t).cov[0, 0], at.slope(t)[0, 0]], rtol=1e-4
        )
        ahead = (1 - t) * 0.2 + t * 0.25
        rest = (0.25 - ahead**2 / at.at(t).cov[0, 0]) / (1 - t) ** 2  # Var(b | x_t) / (1 - t)^2
        np.testing.assert_allclose(left[k], rest**0.5, rtol=1e-4)


def test_a_network_that_says_nothing_is_the_line():
    pairs = exact_pairs(line(0, 1.3), line(1, 0.6), np.array([[0.1]]))
    field = Network()._untrained(Line.of(pairs, 0.8), Rng(0))
    field.theta = 0 * field.theta
    x = torch.linspace(-2, 2, 7, dtype=torch.float64)[:, None]
    torch.testing.assert_close(field.drift(x, 0.3), affine(pairs, 0.8).drift(x, 0.3), rtol=1e-4, atol=1e-4)


def test_each_training_is_one_turn_of_markovian_fitting():
    """The exact sequence, for s0 = 1.3, s1 = 0.6, sigma = 0.8, within 2 per cent: 3 standard errors of 40000 pairs."""
    a, b = line(0, 1.3), line(0, 0.6)
    exact = [float(c[0, 0]) for c in imf(a, b, 0.64, 4)]
    np.testing.assert_allclose(exact, [0.46537, 0.51800, 0.52265, 0.52305], atol=2e-5)
    target = centred(b)(40000, np.random.default_rng(0))
    m = outcome(fit_bridge_matching(centred(a), target, 0.8, Affine(), Rng(0), rounds=2, pairs=40000, steps=100))
    np.testing.assert_allclose([float(c[0, 0]) for c in m.couplings], exact, rtol=0.02)


def test_after_four_rounds_the_affine_coupling_is_within_five_per_cent_of_the_bridge_s():
    target = B.sample(20000, np.random.default_rng(0))
    m = outcome(fit_bridge_matching(centred(A), target, 1.0, Affine(), Rng(0), rounds=4, pairs=20000, steps=60))
    c = entropic_coupling(A, B, 1.0)
    assert off(m.couplings[0], c) > 0.15
    assert off(m.couplings[-1], c) < 0.05


def test_the_published_benchmark_is_reached_by_the_affine_drift():
    """Means -1/2 and 1/2, variances 1, sigma 1: covariance (sqrt(5) - 1) / 2 in each coordinate."""
    d = 5
    target = 0.5 + np.random.default_rng(0).standard_normal((20000, d))
    source = centred(Gaussian(np.full(d, -0.5), np.eye(d)))
    m = outcome(fit_bridge_matching(source, target, 1.0, Affine(), Rng(0), rounds=2, pairs=20000))
    golden = (5**0.5 - 1) / 2
    assert np.trace(m.couplings[-1]) / d == pytest.approx(golden, rel=0.03)
    assert off(m.couplings[-1], golden * np.eye(d)) < 0.05


def test_a_network_learns_the_coupling_and_the_way_back():
    """Within 6 per cent after two rounds of 300 lessons; what a coordinate's line alone knows is farther off."""
    target = B.sample(8000, np.random.default_rng(0))
    m = outcome(fit_bridge_matching(standard_normal(2), target, 1.0, Network(steps=300), Rng(0), rounds=2))
    c = entropic_coupling(UNIT, B, 1.0)
    assert off(m.couplings[-1], c) < 0.06
    assert off(np.diag(np.diag(c)), c) > 0.08
    ends = (
        TransportEuler().run(MatchedBridge(m, 1.0), UNIT.sample(4000, np.random.default_rng(1)), grid_to_data(40), Rng(1)).end
    )
    np.testing.assert_allclose(ends.mean(0), B.mean, atol=0.1)
    np.testing.assert_allclose(np.cov(ends.T), B.cov, atol=0.2)
    back = walked_back(m.back.drift, target[:4000], grid_to_data(40), 1.0, Rng(2), "cpu")
    np.testing.assert_allclose(back[-1], target[:4000])
    np.testing.assert_allclose(np.cov(back[0].T), np.eye(2), atol=0.15)
    assert off((back[0] - back[0].mean(0)).T @ (target[:4000] - target[:4000].mean(0)) / 4000, c) < 0.12


@pytest.mark.parametrize("sigma", [1.0, 0.5])
def test_four_rounds_of_the_network_bring_the_covariance_within_five_per_cent(sigma):
    """From standard normals, against the closed form of the bridge; of 15000 fresh particles, because 4096 alone are off by 3."""
    target, x = B.sample(8000, np.random.default_rng(0)), centred(UNIT)(15000, np.random.default_rng(1))
    m = outcome(fit_bridge_matching(standard_normal(2), target, sigma, Network(steps=300, width=32), Rng(0), rounds=4))
    y = TransportEuler().run(MatchedBridge(m, sigma), x, grid_to_data(40), Rng(1)).end
    assert off(x.T @ (y - y.mean(0)) / len(x), entropic_coupling(UNIT, B, sigma**2)) < 0.05


def test_an_end_that_was_simulated_gets_the_mean_and_covariance_it_should_have():
    """The optimal map between Gaussians, and the identity where nothing is amiss; a direction without spread stays as it is."""
    g = np.random.default_rng(0)
    x, aim = torch.as_tensor(A.sample(500, g)), torch.as_tensor(B.sample(700, g))
    y = restored(x, aim)
    np.testing.assert_allclose(y.mean(0), aim.mean(0), atol=1e-12)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.cov(aim.T, bias=True), atol=1e-10)
    torch.testing.assert_close(restored(y, aim), y)
    flat = torch.cat([x, torch.full((500, 1), 2.0, dtype=x.dtype)], dim=1)
    torch.testing.assert_close(restored(flat, flat), flat)
    slope = np.linalg.lstsq(x - x.mean(0), y - y.mean(0), rcond=None)[0]
    np.testing.assert_allclose(slope, slope.T, atol=1e-10)


def test_from_the_reference_the_first_training_is_a_half_step_of_proportional_fitting():
    """x_0 given x_1 = x_0 + sigma z is s0^2 / (s0^2 + sigma^2) x_1 on average: the data's variance times that is the covariance."""
    s0, s1, sigma = 1.3, 0.6, 0.8
    target = centred(line(0, s1))(40000, np.random.default_rng(0))
    work = fit_bridge_matching(
        centred(line(0, s0)), target, sigma, Affine(), Rng(0), rounds=1, pairs=40000, steps=100, start="reference"
    )
    first = float(outcome(work).couplings[0][0, 0])
    assert first == pytest.approx(s0**2 / (s0**2 + sigma**2) * s1**2, rel=0.03)


def test_the_entropic_start_is_the_plan_of_that_sigma_and_begins_where_others_end():
    """POT's cost is |x - y|^2: the same plan has reg = 2 sigma^2. Pairs of the exact assignment are those of another process."""
    import ot

    g, sigma = np.random.default_rng(0), 1.0
    x, y = UNIT.sample(150, g), B.sample(150, g)
    plan = ot.sinkhorn(np.ones(150) / 150, np.ones(150) / 150, ot.dist(x, y), 2 * sigma**2, stopThr=1e-12)
    np.testing.assert_allclose(entropic_plan(x, y, sigma, tolerance=1e-10), plan, atol=1e-8)
    hard = ot.emd(np.ones(150) / 150, np.ones(150) / 150, ot.dist(x, y))
    assert np.abs(hard - plan).sum() > 1
    target, c, starts = B.sample(8000, g), entropic_coupling(UNIT, B, sigma**2), {}

    @dataclass(frozen=True)
    class Spy(Affine):
        seen: dict

        def learn(self, pairs, sigma, rng, begin):
            self.seen.setdefault("first", pairs)
            return super().learn(pairs, sigma, rng, begin)

    for start in ("sinkhorn", "independent"):
        spy = Spy({})
        outcome(fit_bridge_matching(standard_normal(2), target, sigma, spy, Rng(0), rounds=1, pairs=4096, steps=4, start=start))
        data, source = (v.numpy() - v.numpy().mean(0) for v in (spy.seen["first"].a, spy.seen["first"].b))
        starts[start] = off(source.T @ data / len(data), c)
    assert starts["sinkhorn"] < 0.08
    assert starts["independent"] > 0.9


def test_without_noise_the_rounds_are_rectified_flow():
    """Every further training is on pairs of a flow: nothing is random, and the mean squared length of the pairs does not grow."""
    target = B.sample(4000, np.random.default_rng(0))
    m = outcome(fit_bridge_matching(centred(A), target, 0.0, Affine(), Rng(0), rounds=2, pairs=4000, steps=100))
    cost = [np.trace(A.cov + B.cov - 2 * c) for c in m.couplings]
    optimal = np.trace(A.cov + B.cov) - 2 * np.trace(entropic_coupling(A, B, 1e-9))
    assert cost[0] < np.trace(A.cov + B.cov) - 0.5
    assert max(cost[1:]) < cost[0] + 0.05 * optimal
    x = torch.as_tensor(A.sample(100, np.random.default_rng(2)))
    runs = [TransportEuler().run(MatchedBridge(m, 0.0), x.numpy(), grid_to_data(30), Rng(k)).end for k in (1, 2)]
    np.testing.assert_array_equal(*runs)


def test_the_flow_between_both_drifts_has_the_bridge_s_marginals_without_noise():
    c = entropic_coupling(A, B, 0.64)
    pairs = exact_pairs(A, B, c)
    m = outcome(
        fit_bridge_matching(
            centred(A), B.sample(50, np.random.default_rng(0)), 0.8, Affine(), Rng(0), rounds=1, pairs=64, steps=2
        )
    )
    exact = type(m)(affine(pairs, 0.8), affine(pairs.turned(), 0.8), [])
    model, oracle, x = (
        MatchedBridge(exact, 0.8, deterministic=True),
        Bridge(A, B, 0.64),
        np.random.default_rng(1).normal(size=(5, 2)),
    )
    for t in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(to_numpy(model.drift(torch.as_tensor(x), t)), oracle.probability_flow(x, t), atol=1e-8)
    assert model.noise(0.0, 1.0) == 0
    assert MatchedBridge(exact, 0.8).noise(0.0, 0.25) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": "exact"}, "start is 'exact'; choose one of independent, reference, sinkhorn"),
        ({"sigma": -1.0}, r"sigma is -1\.0; give the deviation"),
        ({"sigma": 0.0, "start": "sinkhorn"}, "start 'sinkhorn' needs noise and sigma is 0"),
        ({"sigma": 0.0, "start": "reference"}, "start 'reference' needs noise and sigma is 0"),
        ({"rounds": 0}, "rounds, pairs and steps are 0, 4096, 40; give at least one"),
        ({"target": np.full((3, 2), np.nan)}, r"training coordinates have shape \(3, 2\); give at least one point"),
        ({"target": np.zeros((0, 2))}, r"training coordinates have shape \(0, 2\)"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_one_message(change, message):
    given = {"target": np.ones((4, 2)), "sigma": 1.0} | change
    with pytest.raises(PartError, match=message):
        next(fit_bridge_matching(standard_normal(2), given.pop("target"), given.pop("sigma"), Affine(), Rng(0), **given))


def test_an_affine_drift_of_points_that_all_coincide_leads_there():
    pairs = Coupled(
        torch.randn(100, 2, generator=Rng(0).torch("x"), dtype=torch.float64), torch.full((100, 2), 3.0, dtype=torch.float64)
    )
    field = affine(pairs, 0.5)
    assert isinstance(field, AffineField)
    x = torch.as_tensor([[0.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(field.drift(x, 0.5), (3 - x) / 0.5)
    assert bool(torch.isfinite(affine(pairs.turned(), 0.5).drift(torch.full_like(x, 3.0), 0.0)).all())


def test_a_network_taught_by_few_points_keeps_the_variances_of_the_data():
    """Forty points in eight dimensions, one training: a walk from fresh normals has their size, and without the last line it shrinks."""
    g = np.random.default_rng(0)
    data = torch.as_tensor(g.normal(size=(40, 8)))
    x0, fresh = (torch.as_tensor(g.normal(size=(4096, 8))) for _ in range(2))
    pairs = Coupled(x0, data[g.integers(40, size=4096)], fresh)
    field = outcome(Network(steps=150).learn(pairs, 0.5, Rng(0), None))
    wanted, found = pairs.b.var(0).mean(), []
    for steady in (field.steady, None):
        field.steady = steady
        with torch.no_grad():
            *_, last = walk(field.drift, x0, rising(40), 0.5, Rng(1).torch("walk"))
        found.append(float(last.var(0).mean() / wanted))
    assert found[0] == pytest.approx(1, abs=0.06)
    assert abs(found[1] - 1) > 2 * abs(found[0] - 1)

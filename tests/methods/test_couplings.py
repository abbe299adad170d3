"""Couplings of batches: assignments, entropic partners, and the groups within which points are matched."""

import numpy as np
import ot
import pytest

from rkdiff.methods._couplings import COUPLINGS, coupling_named, entropic_plan, immiscible, optimal, sinkhorn, squared_distances
from rkdiff.methods._pairs import coupled, matched


def clouds(n=40, d=2, seed=0):
    g = np.random.default_rng(seed)
    return g.standard_normal((n, d)), 2 * g.standard_normal((n, d)) + 1


def cost(x0, x1, partner):
    return ((x0 - x1[partner]) ** 2).sum(axis=1).mean()


@pytest.mark.parametrize("d", [1, 2, 7])
def test_the_optimal_coupling_costs_what_linear_programming_finds(d):
    x0, x1 = clouds(d=d)
    partner = optimal(x0, x1, np.random.default_rng(0))
    assert sorted(partner) == list(range(len(x0)))
    assert cost(x0, x1, partner) == pytest.approx(ot.emd2([], [], ot.dist(x0, x1)), rel=1e-10)


def test_half_precision_distances_give_a_permutation_that_costs_nearly_as_little():
    x0, x1 = clouds(200)
    rough, exact = (f(x0, x1, np.random.default_rng(0)) for f in (immiscible, optimal))
    assert sorted(rough) == list(range(200))
    assert 1 <= cost(x0, x1, rough) / cost(x0, x1, exact) < 1.002
    far = optimal(1e4 * x0, 1e4 * x1, np.random.default_rng(0))  # squared distances beyond what half precision holds
    assert cost(x0, x1, immiscible(1e4 * x0, 1e4 * x1, np.random.default_rng(0))) < 1.002 * cost(x0, x1, far)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_the_entropic_plan_is_that_of_pot_with_twice_the_variance(sigma):
    x0, x1 = clouds(30)
    plan = entropic_plan(x0, x1[:20], sigma, tolerance=1e-11, rounds=1000)
    theirs = ot.sinkhorn([], [], ot.dist(x0, x1[:20]), reg=2 * sigma**2, method="sinkhorn_log", stopThr=1e-12, numItermax=20000)
    assert np.abs(plan - theirs).max() < 1e-9
    assert plan.sum(axis=0) == pytest.approx(np.full(20, 1 / 20), rel=1e-12)


def test_with_little_noise_entropic_partners_are_the_optimal_ones_and_with_much_any():
    x0, x1 = clouds(30)
    best, g = cost(x0, x1, optimal(x0, x1, np.random.default_rng(0))), np.random.default_rng(1)
    plan = entropic_plan(x0, x1, 0.02, tolerance=1e-3, rounds=500)
    assert np.isfinite(plan).all()
    assert (plan * squared_distances(x0, x1)).sum() == pytest.approx(best, rel=0.02)
    assert np.abs(entropic_plan(x0, x1, 100.0) - 1 / 900).max() < 1e-5
    assert np.mean([cost(x0, x1, sinkhorn(x0, x1, g, 0.05)) for _ in range(20)]) < 1.1 * best


def test_partners_are_drawn_as_often_as_the_plan_says():
    x0, x1 = clouds(6)
    plan, g, draws = 6 * entropic_plan(x0, x1, 1.0), np.random.default_rng(0), 1000
    seen = np.zeros((6, 6))
    for _ in range(draws):
        seen[np.arange(6), sinkhorn(x0, x1, g, 1.0)] += 1 / draws
    assert np.abs(seen - plan).max() < 5 * np.sqrt(0.25 / draws)


@pytest.mark.parametrize("name", list(COUPLINGS))
def test_points_alone_keep_their_partner_and_groups_stay_among_themselves(name):
    x0, x1 = clouds(25)
    g = np.random.default_rng(0)
    assert matched(x0, x1, coupling_named(name), g, 1.0, 1).tolist() == list(range(25))
    partner = matched(x0, x1, coupling_named(name), g, 1.0, 10)
    assert (partner // 10 == np.arange(25) // 10).all()


def test_larger_groups_cost_no_more_and_end_at_the_optimal_coupling():
    x0, x1 = clouds(256)
    costs = [cost(x0, x1, matched(x0, x1, optimal, np.random.default_rng(0), 1.0, b)) for b in (1, 4, 16, 64, 256)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(cost(x0, x1, optimal(x0, x1, np.random.default_rng(0))))


def test_coupled_pairs_keep_both_batches_whole():
    drawn = []

    def law(shift):
        def sample(n, g):
            drawn.append(g.standard_normal((n, 2)) + shift)
            return drawn[-1]

        return sample

    pairs = coupled(law(0.0), law(3.0), "ot", group=16)(50, np.random.default_rng(0))
    assert (pairs.x0 == drawn[0]).all()
    assert (np.sort(pairs.x1, axis=0) == np.sort(drawn[1], axis=0)).all()


def test_what_is_no_coupling_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="choose one of independent, ot, sinkhorn, immiscible"):
        coupling_named("exact")
    with pytest.raises(ValueError, match="needs sigma > 0"):
        entropic_plan(*clouds(4), 0.0)

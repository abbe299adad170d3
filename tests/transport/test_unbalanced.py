"""Relaxed and partial plans against POT and their limits."""

import numpy as np
import ot
import pytest

from rkdiff.transport import exact
from rkdiff.transport.sinkhorn import sinkhorn
from rkdiff.transport.unbalanced import partial, unbalanced


def clouds():
    g = np.random.default_rng(0)
    return g.normal(size=(25, 2)), np.vstack([g.normal(size=(15, 2)), g.normal(size=(5, 2)) + 8])


def test_the_relaxed_plan_is_that_of_pot():
    x, y = clouds()
    g = np.random.default_rng(1)
    a, b = g.dirichlet(np.ones(25)), g.dirichlet(np.ones(20))
    c = ot.dist(x, y) / 2
    for reach in (0.3, 3.0):
        found = unbalanced(x, y, 0.5, reach, a=a, b=b)
        theirs = ot.unbalanced.sinkhorn_unbalanced(a, b, c, 0.5, reach, reg_type="kl", stopThr=1e-12, numItermax=20000)
        assert found.converged
        assert np.abs(found.plan - theirs).max() < 1e-9


def test_a_long_reach_recovers_the_balanced_plan_and_a_short_one_gives_up_what_is_far():
    x, y = clouds()
    balanced = sinkhorn(x, y, 0.5, most=5000)
    for reach, near in ((1e5, 1e-4), (1e9, 1e-8)):
        loose = unbalanced(x, y, 0.5, reach)
        assert loose.converged
        assert np.abs(loose.plan - balanced.plan).max() < near
    masses = [unbalanced(x, y, 0.05, reach).mass for reach in (0.2, 2.0, 200.0)]
    assert masses == sorted(masses)
    assert masses[-1] < 1.0 + 1e-9
    near = unbalanced(x, y, 0.05, 2.0).plan
    assert near[:, 15:].sum() < 0.01 * near.sum()  # a quarter of y is far away


def test_the_partial_plan_is_that_of_pot_and_moves_the_mass_asked_for():
    x, y = clouds()
    a, b = np.full(25, 1 / 25), np.full(20, 1 / 20)
    costs = []
    for mass in (0.2, 0.7, 1.0):
        found = partial(x, y, mass)
        assert found.mass == pytest.approx(mass)
        assert (found.plan.sum(1) <= a + 1e-12).all()
        assert (found.plan.sum(0) <= b + 1e-12).all()
        costs.append(found.cost)
    assert costs[1] == pytest.approx(ot.partial.partial_wasserstein2(a, b, ot.dist(x, y) / 2, m=0.7))
    assert costs[2] == pytest.approx(exact.distance(x, y) ** 2 / 2)
    assert partial(x, y, 0.7).plan[:, 15:].sum() < 1e-12
    assert np.diff([0, *costs], 1)[0] / 0.2 < np.diff([0, *costs], 1)[2] / 0.3  # each further share costs more


@pytest.mark.parametrize("unit", [1e-8, 1e-6, 1e6])
def test_the_partial_plan_does_not_depend_on_the_unit_of_length(unit):
    g = np.random.default_rng(0)
    x, y = g.normal(size=(60, 2)), g.normal(size=(90, 2))
    for mass in (0.4, 0.7, 1.0):
        assert partial(unit * x, unit * y, mass).cost == pytest.approx(unit**2 * partial(x, y, mass).cost, rel=1e-9)


def test_what_cannot_be_is_refused():
    x, y = clouds()
    for wrong, words in (
        (lambda: partial(x, y, 1.2), "at most 1"),
        (lambda: partial(x, y, 0.0), "above 0"),
        (lambda: unbalanced(x, y, 0.1, 0.0), "two positive numbers"),
        (lambda: unbalanced(x, y, -0.1, 1.0), "two positive numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
    assert set(partial(x, y, 0.5).to_dict()) == {"points", "cost", "mass", "iterations", "converged"}

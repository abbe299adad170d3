"""Couplings of several clouds."""

import itertools

import numpy as np
import pytest

from rkdiff.transport import multimarginal as several
from rkdiff.transport.sinkhorn import sinkhorn


def test_with_two_clouds_it_is_sinkhorn():
    g = np.random.default_rng(0)
    x, y, b = g.normal(size=(20, 2)), g.normal(size=(15, 2)), g.dirichlet(np.ones(15))
    found = several.multimarginal([x, y], 0.3, masses=[None, b], tolerance=1e-10)
    plan = sinkhorn(x, y, 0.3, b=b, tolerance=1e-10)
    assert np.abs(found.plan - plan.plan).max() < 1e-11
    assert found.cost == pytest.approx(plan.cost, rel=1e-8)
    assert found.value == pytest.approx(plan.value, rel=1e-8)


def test_marginals_are_those_asked_for():
    g = np.random.default_rng(0)
    clouds = [g.normal(size=(n, 2)) for n in (9, 7, 5, 4)]
    masses = [g.dirichlet(np.ones(n)) for n in (9, 7, 5, 4)]
    masses[1][0] = 0.0
    masses[1] /= masses[1].sum()
    found = several.multimarginal(clouds, 0.5, masses=masses)
    assert found.converged
    for r, w in enumerate(masses):
        assert np.abs(found.plan.sum(tuple(s for s in range(4) if s != r)) - w).sum() < 1e-7


def test_on_the_line_little_entropy_couples_by_rank():
    g = np.random.default_rng(0)
    clouds = [g.permutation(np.linspace(0, k, 8))[:, None] for k in (1.0, 2.0, 3.0)]
    found = several.multimarginal(clouds, 0.002, most=5000, tolerance=1e-6)
    ranks = [np.argsort(c[:, 0]) for c in clouds]
    assert found.plan[tuple(ranks)].sum() > 0.99
    together = several.costs(clouds)[tuple(ranks)].mean()
    assert found.cost == pytest.approx(together, rel=0.01)


def test_the_gap_is_never_negative_and_small_only_for_matched_points():
    g = np.random.default_rng(0)
    x = g.normal(size=(6, 2))
    clouds = [x, x + 1, 1.5 * x]
    for eps in (0.5, 2.0):
        matched = several.matching_gap(clouds, eps, most=5000)
        mixed = several.matching_gap([x, g.permutation(x) + 1, 1.5 * x], eps, most=5000)
        assert matched.gap >= -1e-6
        assert matched.gap < mixed.gap
        assert matched.least == pytest.approx(mixed.least, abs=1e-4)
    turned = several.matching_gap([x, x[::-1] + 1, 1.5 * x], 0.5, most=5000)
    c = several.costs([x, x[::-1] + 1, 1.5 * x])
    rows = np.arange(6)
    best = min(c[rows, p, q].mean() for p in itertools.permutations(range(6)) for q in itertools.permutations(range(6)))
    assert turned.converged
    assert best - 2 * 0.5 * np.log(6) <= turned.least <= best + 1e-6
    assert turned.gap == pytest.approx(c[rows, rows, rows].mean() - turned.least)


def test_what_cannot_be_is_refused():
    x = np.zeros((200, 1))
    for wrong, words in (
        (lambda: several.multimarginal([x], 0.1), "at least two clouds"),
        (lambda: several.multimarginal([x, x, x], 0.1), "at most 4e"),
        (lambda: several.multimarginal([x, x], 0.0), "eps is 0.0"),
        (lambda: several.matching_gap([x, x[:10]], 0.1), "one size"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()

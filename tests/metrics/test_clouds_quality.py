"""The quality bar: ratios near one for the truth, and what each figure sees."""

import time

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.data.eight_gaussians import EightGaussians
from rkdiff.data.two_moons import TwoMoons
from rkdiff.metrics.quality import Truth, quality

SOURCE = TwoMoons()


@pytest.fixture(scope="module")
def truth():
    data, fresh = SOURCE.make(Rng(0)), SOURCE.fresh(5000, Rng(1))
    return Truth(data.train, data.held_out, np.concatenate([fresh.train, fresh.held_out]), 1000, Rng(2)), data


def test_fresh_points_score_one_on_average(truth):
    figures = [truth[0].measure(SOURCE.fresh(1000, Rng(50 + k)).train) for k in range(12)]
    for name, tolerance in {"sliced_wasserstein": 0.35, "energy_distance": 0.35, "memorisation": 0.05, "spill": 0.08}.items():
        assert np.mean([f[name].ratio for f in figures]) == pytest.approx(1, abs=tolerance)


def test_copies_are_seen_by_memorisation_alone(truth):
    t, data = truth
    q = t.measure(data.train[:1000])
    assert q["memorisation"].value == 0
    assert q["sliced_wasserstein"].ratio < 2.5
    assert q["spill"].value < 1.2


def test_a_wrong_law_is_far_above_the_floor(truth):
    q = truth[0].measure(np.random.default_rng(0).normal(size=(1000, 2)))
    assert q["sliced_wasserstein"].ratio > 4
    assert q["energy_distance"].ratio > 4
    assert q["spill"].value > 4


def test_the_floor_falls_like_the_root_of_the_size():
    fresh = SOURCE.fresh(8000, Rng(1))
    data = SOURCE.make(Rng(0))
    small, large = (
        Truth(data.train, data.held_out, np.concatenate([fresh.train, fresh.held_out]), n, Rng(2)).measure(data.train[:n])
        for n in (100, 1600)
    )
    # 1/n + 1/4000 against each other: a factor of 3.4
    assert 2.2 < small["energy_distance"].floor / large["energy_distance"].floor < 5


def test_the_figures_are_those_of_the_plain_metrics(truth):
    from rkdiff.metrics.clouds import memorisation, sliced_energy, sliced_wasserstein, spill

    t, data = truth
    x = SOURCE.fresh(1000, Rng(9)).train
    q = t.measure(x)
    fresh = SOURCE.fresh(5000, Rng(1))
    everything = np.concatenate([fresh.train, fresh.held_out])
    assert q["sliced_wasserstein"].value == pytest.approx(sliced_wasserstein(x, t.reference, 64, rng=Rng(2)), rel=1e-9)
    assert q["energy_distance"].value == pytest.approx(sliced_energy(x, t.reference, 64, rng=Rng(2)), rel=1e-6)
    assert q["memorisation"].value == pytest.approx(memorisation(x, data.train, everything), rel=1e-9)
    assert q["spill"].value == pytest.approx(spill(x, t.reference, t.other), rel=1e-9)


def test_finite_data_gets_its_floor_from_its_own_splits():
    data = SOURCE.make(Rng(0))
    scores = [
        quality(SOURCE.fresh(2000, Rng(40 + k)).train, data.train, data.held_out, None, Rng(k))["sliced_wasserstein"].ratio
        for k in range(6)
    ]
    assert 0.6 < np.mean(scores) < 1.8
    q = quality(SOURCE.fresh(5000, Rng(3)).train, data.train, data.held_out, None, Rng(0))
    assert q["sliced_wasserstein"].sizes == (2000, 2000)  # 4000 points in all: thinned to what the splits can match


def test_same_stream_same_figures():
    data, x = SOURCE.make(Rng(0)), SOURCE.fresh(300, Rng(8)).train
    assert quality(x, data.train, data.held_out, None, Rng(5)) == quality(x, data.train, data.held_out, None, Rng(5))


def test_data_that_repeats_itself_keeps_quiet_about_memorisation():
    x = np.repeat(np.eye(3), 20, axis=0)
    q = quality(x, x, x, None, Rng(0))
    assert set(q) == {"sliced_wasserstein", "energy_distance"}
    assert np.isfinite([v for f in q.values() for v in (f.value, f.floor, f.ratio)]).all()


def test_points_that_all_coincide_score_one():
    x = np.zeros((30, 2))
    q = quality(x, x, x, x, Rng(0))
    assert q["sliced_wasserstein"].ratio == 1
    assert quality(x + 1, x, x, x, Rng(0))["sliced_wasserstein"].ratio == np.inf


@pytest.mark.parametrize("bad", [np.zeros((5, 3)), np.zeros((0, 2)), np.full((5, 2), np.nan)])
def test_a_broken_cloud_is_refused_in_words(truth, bad):
    with pytest.raises(ValueError, match="give finite numbers in 2 coordinates"):
        truth[0].measure(bad)


def test_a_floor_needs_points():
    with pytest.raises(ValueError, match="at least 2"):
        quality(np.zeros((5, 2)), np.zeros((1, 2)), np.zeros((5, 2)), None, Rng(0))


def test_a_bar_for_1000_points_costs_less_than_half_a_second():
    data, fresh, x = (
        EightGaussians().make(Rng(0)),
        EightGaussians().fresh(4000, Rng(1)),
        EightGaussians().fresh(1000, Rng(2)).train,
    )
    quality(x, data.train, data.held_out, fresh.train, Rng(0))
    began = time.process_time()
    quality(x, data.train, data.held_out, fresh.train, Rng(0))
    assert time.process_time() - began < 0.5

"""How sure a distance is: laws of batches, blocks, floors and permutations."""

import numpy as np
import pytest
from scipy.stats import kstest

from rkdiff.metrics.clouds import energy_distance, sliced_wasserstein
from rkdiff.transport import confidence
from rkdiff.transport.exact import distance


def clouds(n, m, shift=0.5, seed=0):
    g = np.random.default_rng(seed)
    return g.normal(size=(n, 2)), g.normal(size=(m, 2)) + shift


def test_the_expected_cost_of_batches_falls_with_their_size_towards_that_of_the_whole():
    x, y = clouds(128, 128)
    means = {b: confidence.minibatch(x, y, b, 4096 // b, np.random.default_rng(1)) for b in (1, 8, 32)}
    whole = distance(x, y) ** 2
    assert means[1][0] > means[8][0] + 3 * means[8][1] > means[32][0] + 3 * means[32][1] > whole
    assert confidence.minibatch(x, y, 128, 2, np.random.default_rng(1))[0] == pytest.approx(whole)
    pairs = ((x[:, None] - y[None]) ** 2).sum(-1).mean()
    assert means[1][0] == pytest.approx(pairs, abs=4 * means[1][1])


def test_leaving_one_point_out_never_lowers_the_mean_cost():
    for seed in range(5):
        x, y = clouds(12, 12, seed=seed)
        assert distance(x, y) ** 2 <= confidence.leave_one_out(x, y) + 1e-12


def test_a_repeated_metric_stands_beside_its_floor():
    x, y = clouds(400, 800, 1.0)
    away = confidence.repeated(sliced_wasserstein, x, y, np.random.default_rng(0))
    same = confidence.repeated(sliced_wasserstein, y[:400], y[400:], np.random.default_rng(0), pairs=5)
    assert (away.size, away.pairs, same.size) == (40, 10, 40)
    assert away.mean > away.floor + 5 * away.floor_sd
    assert abs(same.mean - same.floor) < 4 * (same.sd + same.floor_sd) / np.sqrt(5)
    assert set(away.to_dict()) == {"mean", "sd", "floor", "floor_sd", "size", "pairs"}


def test_no_point_stands_in_two_subsamples():
    x, y = np.arange(30.0)[:, None], np.arange(60.0)[:, None]
    seen = []

    def metric(a, b):
        seen.append((a, b))
        return 0.0

    confidence.repeated(metric, x, y, np.random.default_rng(0), pairs=3)
    source = np.concatenate([a for a, _ in seen[:3]])
    target = np.concatenate([b for _, b in seen[:3]] + [a for a, _ in seen[3:]])
    assert len(np.unique(source)) == 30
    assert len(np.unique(target)) == 60


def test_raw_w2_floors_in_many_dimensions_are_large():
    g = np.random.default_rng(0)
    for d, low, high in ((2, 0.25, 0.45), (8, 1.8, 2.1), (32, 5.8, 6.2)):
        values = [distance(g.normal(size=(250, d)), g.normal(size=(250, d))) for _ in range(3)]
        assert low < np.mean(values) < high


def test_scaled_sliced_floors_stay_small_where_raw_ones_grow():
    """sqrt(d) SW2 between two samples of N(0, I), and W2 of the same samples, which is many times as large in 32 coordinates."""
    for n, line, known in (
        (250, 0.151, ((2, 0.24, 0.35), (8, 0.49, 1.94), (32, 0.81, 5.98))),
        (1000, 0.079, ((2, 0.12, 0.19), (8, 0.21, 1.59), (32, 0.49, 5.59))),
    ):
        g = np.random.default_rng(0)
        for d, floor, raw in known:  # of one draw each, which is off by a tenth
            pairs = [(g.normal(size=(n, d)), g.normal(size=(n, d))) for _ in range(10)]
            sliced = np.array([sliced_wasserstein(x, y) for x, y in pairs])
            assert np.sqrt(d) * sliced.mean() == pytest.approx(floor, rel=0.18)
            assert np.sqrt(d) * sliced.mean() == pytest.approx(np.sqrt(d) * line, rel=0.1)  # slices of N(0, I) are N(0, 1)
            assert distance(*pairs[0]) == pytest.approx(raw, rel=0.15 if d == 2 else 0.03)


def test_p_values_are_uniform_between_equal_laws_and_small_between_others():
    g = np.random.default_rng(0)
    values = [confidence.permutation_p_value(g.normal(size=(15, 2)), g.normal(size=(12, 2)), g, 49)[1] for _ in range(150)]
    jittered = np.array(values) - g.uniform(size=150) / 50
    assert kstest(jittered, "uniform").pvalue > 0.01
    x, y = clouds(60, 60, 1.0)
    statistic, p = confidence.permutation_p_value(x, y, g, 99)
    assert statistic == pytest.approx(energy_distance(x, y) ** 2)
    assert p == 0.01
    assert confidence.permutation_p_value(x, x, g, 19)[1] == 1.0


def test_the_median_of_blocks_withstands_outliers_that_the_plain_distance_does_not():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(1000, 2)), g.normal(size=(1000, 2)) + [2.0, 0.0]
    clean = confidence.median_of_means(x, y, 21, np.random.default_rng(1))
    spoilt = x.copy()
    spoilt[:5] = 100.0
    found = confidence.median_of_means(spoilt, y, 21, np.random.default_rng(1))
    assert sliced_wasserstein(spoilt, y) > 3 * sliced_wasserstein(x, y)
    assert found.median == pytest.approx(clean.median, rel=0.2)
    assert (found.size, found.blocks) == (47, 21)


def test_what_cannot_be_is_refused():
    x, y = clouds(10, 10)
    g = np.random.default_rng(0)
    for wrong, words in (
        (lambda: confidence.minibatch(x, y, 11, 5, g), "batches of 11"),
        (lambda: confidence.leave_one_out(x[:1], y[:1]), "at least two"),
        (lambda: confidence.repeated(sliced_wasserstein, x, y, g, pairs=6), "6 pairs"),
        (lambda: confidence.permutation_p_value(x, y, g, 0), "at least 1"),
        (lambda: confidence.median_of_means(x, y, 11, g), "11 blocks"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()

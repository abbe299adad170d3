import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.processes.covariance import (
    BASES,
    NOISES,
    SHARE,
    basis,
    bounded,
    cameron_martin_norm2,
    in_cameron_martin,
    is_trace_class,
    matern_variances,
    noise_fields,
    noise_variances,
)

FLAGS = [("power_law", 2.0), ("power_law", 0.75), ("spectrum", 0.5), ("spectrum", 0.125), ("spectrum", 0.0), ("matern", 1.0)]


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("smoothness", [0.0, 0.5, 1.5])
def test_variances_start_at_one_and_fall(name, smoothness):
    q = noise_variances(name, np.arange(1.0, 30) ** -3, smoothness)
    assert q[0] == 1
    assert (np.diff(q) <= 0).all()
    assert (q > 0).all()


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("smoothness", [0.0, 0.5, 1.5, 4.0])
def test_variances_in_another_order_have_the_noise_of_their_rank(name, smoothness):
    lam = np.arange(1.0, 12) ** -3
    order = np.random.default_rng(0).permutation(11)
    there = noise_variances(name, lam[order], smoothness)
    np.testing.assert_allclose(there / there.max(), noise_variances(name, lam, smoothness)[order], rtol=1e-12)
    np.testing.assert_array_equal(noise_variances("power_law", np.ones(5), 2.0), np.arange(1.0, 6) ** -2)  # ties: as they come


@given(
    name=st.sampled_from(NOISES),
    smoothness=st.floats(0, 4),
    lam=st.lists(st.floats(-10, 2), min_size=1, max_size=60).map(lambda e: 10.0 ** np.array(e)),
)
def test_no_noise_drowns_more_of_the_data_than_its_bound(name, smoothness, lam):
    q = bounded(noise_variances(name, lam, smoothness), lam)
    v = lam / q / np.mean(lam / q)  # the variances in which the noise is white
    assert (v >= SHARE * lam / lam.max() * (1 - 1e-9)).all()
    least = 0.02**2
    lost = (lam * least / (v + least)).sum() / lam.sum()
    assert lost <= least / SHARE * len(lam) * lam.max() / lam.sum() * (1 + 1e-9)


@pytest.mark.parametrize("smoothness", [0.0, 0.25, 0.5, 1.0])
def test_noise_no_smoother_than_the_data_is_left_as_it_is_to_the_last_bit(smoothness):
    lam = 10.0 ** -np.linspace(0, 9, 40)
    q = noise_variances("spectrum", lam, smoothness)
    np.testing.assert_array_equal(bounded(q, lam), q)


def test_noise_far_smoother_than_the_data_is_raised_to_a_share_of_the_datas_own():
    lam = 10.0 ** -np.linspace(0, 9, 10)
    q = bounded(noise_variances("spectrum", lam, 2.0), lam)
    np.testing.assert_allclose(q[0], 1.0)
    np.testing.assert_allclose(q[1:], SHARE * lam[1:])
    flat = np.ones(60)
    assert (noise_variances("power_law", flat, 4.0) < 1e-7).any()
    np.testing.assert_allclose(bounded(noise_variances("power_law", flat, 4.0), flat).min(), SHARE)


@pytest.mark.parametrize(("name", "smoothness"), FLAGS)
def test_trace_class_is_told_from_what_doubling_the_modes_adds(name, smoothness):
    lam = np.arange(1.0, 2**15 + 1) ** -4
    sums = np.cumsum(noise_variances(name, lam, smoothness))
    assert is_trace_class(name, smoothness, 4.0) == (sums[-1] / sums[2**14 - 1] < 1.02)


@pytest.mark.parametrize(
    ("name", "smoothness"), [*FLAGS[:-1], ("matern", 0.75), ("spectrum", 1.0), ("spectrum", 0.875), ("power_law", 3.5)]
)
def test_data_is_in_the_cameron_martin_space_where_the_sum_of_its_norm_settles(name, smoothness):
    lam = np.arange(1.0, 2**15 + 1) ** -4
    sums = np.cumsum(lam / noise_variances(name, lam, smoothness))
    assert in_cameron_martin(name, smoothness, 4.0) == (sums[-1] / sums[2**14 - 1] < 1.02)


def test_a_spectrum_that_falls_exponentially_allows_every_power_between_white_and_matched():
    assert not is_trace_class("spectrum", 0.0, math.inf)
    assert all(is_trace_class("spectrum", s, math.inf) and in_cameron_martin("spectrum", s, math.inf) for s in (0.05, 0.95))
    assert not in_cameron_martin("spectrum", 1.0, math.inf)
    assert in_cameron_martin("matern", 3.0, math.inf)


@pytest.mark.parametrize("name", BASES)
def test_bases_are_orthonormal(name):
    x = (np.arange(2000) + 0.5) / 2000
    e = basis(name, x, 20)
    np.testing.assert_allclose(e @ e.T / 2000, np.eye(20), atol=1e-9)


def test_the_same_draw_is_the_same_function_on_every_grid():
    q, eps = matern_variances(1.0, 40), np.random.default_rng(0).standard_normal((3, 40))
    fine = noise_fields(eps, q, np.linspace(0, 1, 256))
    shared = np.linspace(0, 1, 256)[::5]
    np.testing.assert_allclose(noise_fields(eps, q, shared), fine[:, ::5], atol=1e-12)
    few, many = ((np.arange(n) + 0.5) / n for n in (64, 256))
    power = [(noise_fields(eps, q, x) ** 2).mean(1) for x in (few, many)]
    np.testing.assert_allclose(power[0], power[1], rtol=1e-9)
    np.testing.assert_allclose(power[0], (q * eps**2).sum(1), rtol=1e-9)


@pytest.mark.parametrize(("name", "shift", "trace"), [("sine", 0.0, 1 / 6), ("half_sine", 0.5, 1 / 2)])
def test_brownian_bridge_and_motion_have_their_covariance_and_trace(name, shift, trace):
    q = (np.pi * (np.arange(1, 20_001) - shift)) ** -2
    assert q.sum() == pytest.approx(trace, rel=1e-4)
    x = np.linspace(0, 1, 9)
    e = basis(name, x, len(q))
    s, t = np.meshgrid(x, x)
    exact = np.minimum(s, t) - (s * t if name == "sine" else 0)
    np.testing.assert_allclose((e.T * q) @ e, exact, atol=1e-4)


def test_matern_noise_has_variance_one_and_its_family_is_the_spaces_own():
    q = matern_variances(1.5, 60)
    assert q.sum() == pytest.approx(1)
    np.testing.assert_allclose(q[1:] / q[1], noise_variances("matern", np.ones(59), 1.5), rtol=1e-12)


def test_a_draw_has_a_cameron_martin_norm_of_one_a_mode():
    q, g = np.arange(1.0, 201) ** -2, np.random.default_rng(0)
    h = np.sqrt(q) * g.standard_normal((2000, 200))
    assert cameron_martin_norm2(h, q).mean() == pytest.approx(200, abs=4.5 * math.sqrt(400 / 2000))
    assert (h**2).sum(1).mean() == pytest.approx(np.pi**2 / 6, rel=0.1), "while its norm in H stays finite"


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="no noise family 'pink'; choose one of spectrum"):
        is_trace_class("pink", 1.0, 2.0)
    with pytest.raises(ValueError, match="smoothness of the noise is -1"):
        noise_variances("spectrum", np.ones(2), -1.0)
    with pytest.raises(ValueError, match="must be positive"):
        noise_variances("spectrum", np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="decay of the data is 0"):
        is_trace_class("spectrum", 1.0, 0.0)
    with pytest.raises(ValueError, match="no basis 'wavelet'; choose one of cosine"):
        basis("wavelet", np.linspace(0, 1, 4), 3)
    with pytest.raises(ValueError, match="choose positive numbers"):
        matern_variances(0.0, 4)

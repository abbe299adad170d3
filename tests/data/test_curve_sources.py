"""Curves: those that are drawn follow their law, those that are read are what their makers say."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.rng import Rng
from rkdiff.data.gaussian_process import GaussianProcess
from rkdiff.data.gun_point import GunPoint
from rkdiff.data.quadratics import Quadratics
from rkdiff.data.sines import Sines

DRAWN = (Sines, Quadratics, GaussianProcess)


def variation(curves):
    return np.abs(np.diff(curves, axis=1)).sum(1)


@pytest.mark.parametrize("source", DRAWN, ids=lambda c: c.name)
@given(data=st.data(), seed=st.integers(0, 100))
def test_any_knobs_give_finite_curves_on_a_grid_from_0_to_1(source, data, seed):
    made = data.draw(members(source, n=st.integers(2, 20), points=st.integers(8, 64)))
    d = made.make(Rng(seed))
    assert d.train.shape == d.held_out.shape == (made.n, made.points)
    assert np.isfinite(d.train).all()
    np.testing.assert_allclose(d.meta["grid"], np.linspace(0, 1, made.points))
    assert d.train.tobytes() == made.make(Rng(seed)).train.tobytes()
    if d.train_labels is not None:
        assert d.classes == len(d.meta["class_names"]) == 2


@pytest.mark.parametrize("source", DRAWN, ids=lambda c: c.name)
def test_training_held_out_and_fresh_curves_are_different_curves(source):
    d, fresh = source(n=50).make(Rng(0)), source(n=50).fresh(50, Rng(0))
    everything = np.concatenate([d.train, d.held_out, fresh.train, fresh.held_out])
    assert len(np.unique(everything.round(12), axis=0)) == 200
    assert d.train[:3].tobytes() == source(n=50, points=64).make(Rng(0)).train[:3].tobytes()


def test_sines_obey_the_equation_of_a_sine_and_vary_as_much_on_every_grid():
    d = Sines(n=300, points=257).make(Rng(0)).train
    ratio = (d[:, 2:] - 2 * d[:, 1:-1] + d[:, :-2]) / np.where(np.abs(d[:, 1:-1]) > 0.05, d[:, 1:-1], np.nan)
    spread = np.nanmax(ratio, axis=1) - np.nanmin(ratio, axis=1)
    assert spread.max() < 1e-9  # f'' / f is one number a curve
    waves = np.arccos(1 + np.nanmean(ratio, axis=1) / 2) * 256 / (2 * np.pi)
    assert (waves.min() >= 1 - 1e-9) & (waves.max() <= 2 + 1e-9)
    np.testing.assert_allclose(waves.mean(), 1.5, atol=0.05)
    np.testing.assert_allclose(variation(d[:, ::4]).mean(), variation(d).mean(), rtol=0.01)


def test_parabolas_have_one_second_difference_whose_sign_is_the_class():
    d = Quadratics(n=400, points=65).make(Rng(0))
    bend = np.diff(d.train, 2, axis=1)
    np.testing.assert_allclose(bend, np.broadcast_to(bend[:, :1], bend.shape), atol=1e-12)
    np.testing.assert_array_equal(bend[:, 0] > 0, d.train_labels == 1)
    np.testing.assert_allclose(variation(d.train), 2 * np.abs(bend[:, 0]) * 64**2 / 8, rtol=1e-9)
    assert d.train_labels.mean() == 0.5
    np.testing.assert_allclose(d.train[:, 32].std(), 0.5, rtol=0.1)


@pytest.mark.parametrize("covariance", ["gaussian", "matern", "brownian"])
def test_a_gaussian_process_has_the_law_that_it_names(covariance):
    source = GaussianProcess(covariance=covariance, length=0.3, points=9)
    d, k = source.fresh(20_000, Rng(0)), source.matrix(np.linspace(0, 1, 9))
    np.testing.assert_allclose(d.law.cov, k, atol=1e-12)
    np.testing.assert_allclose(np.cov(d.train.T), k, atol=0.03)
    s, t = 0.25, 0.75
    wanted = {"gaussian": np.exp(-0.5 * (0.5 / 0.3) ** 2), "brownian": 0.25}
    r = np.sqrt(3) * 0.5 / 0.3
    np.testing.assert_allclose(source.matrix(np.array([s, t]))[0, 1], (wanted | {"matern": (1 + r) * np.exp(-r)})[covariance])


def test_gun_point_holds_its_200_standardised_recordings_of_two_kinds():
    d = GunPoint(points=150).make(Rng(0))
    curves = np.concatenate([d.train, d.held_out])
    labels = np.concatenate([d.train_labels, d.held_out_labels])
    assert curves.shape == (200, 150)
    np.testing.assert_array_equal(np.bincount(labels), [100, 100])
    np.testing.assert_allclose(curves.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(curves.std(1, ddof=1), 1, atol=1e-3)
    assert d.meta["class_names"] == ["gun", "point"]
    assert "sktime" in d.meta["source"]
    coarse = GunPoint(points=31).make(Rng(0)).train
    np.testing.assert_allclose(coarse[:, [0, -1]], d.train[:, [0, -1]])


def test_gun_point_is_read_without_running_the_package_it_ships_with():
    code = "import sys; from rkdiff.core.rng import Rng; from rkdiff.data.gun_point import GunPoint; "
    code += "GunPoint().make(Rng(0)); print('sktime' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"

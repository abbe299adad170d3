"""One latent, many grids: values at shared points, laws on coarser grids, norms, observed values, exact laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.gaussian_process import GaussianProcess
from rkdiff.data.gun_point import GunPoint
from rkdiff.data.quadratics import Quadratics
from rkdiff.data.sines import Sines
from rkdiff.data.tecator import Tecator
from rkdiff.kernels.curves import cosine_basis, l2_vectors, quadrature, resample
from rkdiff.kernels.vectors import Kernel, median_distance
from rkdiff.processes.covariance import matern_variances
from rkdiff.spaces.curves import Curves

COSINE = Curves(kernel="cosine", r=24, noise="matern", smoothness=1.0)


def at(space, points):
    from dataclasses import replace

    return replace(space, resolution=points)


def fitted(space, source=None):
    return space.fit((source or Sines(n=80)).make(Rng(0)), Rng(0))


@given(st.integers(4, 80))
def test_the_cosine_basis_is_orthonormal_on_every_even_grid(points):
    grid = np.linspace(0, 1, points)
    e = l2_vectors(cosine_basis(grid, points - 1), quadrature(grid))
    np.testing.assert_allclose(e @ e.T, np.eye(points - 1), atol=1e-10)


def test_one_latent_on_64_and_253_and_256_points_agrees_at_shared_points():
    x = np.random.default_rng(0).standard_normal((20, 24))
    curves = {n: fitted(at(COSINE, n)).decode(x, Rng(0)) for n in (64, 253, 256)}
    np.testing.assert_allclose(curves[253][:, ::4], curves[64], rtol=0, atol=1e-10)
    np.testing.assert_allclose(curves[256][:, ::85], curves[64][:, ::21], rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel", ["linear", "gaussian"])
@pytest.mark.parametrize("decoder", ["fixed_point", "nearest", "simplex"])
def test_principal_components_and_kernels_agree_at_shared_points_too(kernel, decoder):
    space = Curves(kernel=kernel, decoder=decoder, r=5)
    coarse, fine = fitted(space), fitted(at(space, 253))
    x = np.random.default_rng(0).standard_normal((6, 5))
    np.testing.assert_allclose(fine.decode(x, Rng(0))[:, ::4], coarse.decode(x, Rng(0)), atol=1e-10)


def test_between_the_points_principal_components_of_smooth_curves_follow_the_curves():
    fine = Sines(n=80, points=253).make(Rng(0))
    few = Dataset("coarse", "curves", fine.train[:, ::4], fine.held_out[:, ::4])
    space = Curves(r=20, resolution=253).fit(few, Rng(0))
    decoded = space.decode(space.encode(few.train), Rng(0))
    assert np.abs(decoded - fine.train).max() < 2e-3


@pytest.mark.parametrize("kernel", ["linear", "cosine"])
def test_decoded_curves_of_any_resolution_find_back_to_their_coordinates(kernel):
    for n in (128, 256):
        space = fitted(Curves(kernel=kernel, r=6, resolution=n))
        x = space.encode(Sines(n=80).make(Rng(1)).train[:10])
        back = space.encode(space.decode(x, Rng(0)))
        np.testing.assert_allclose(back, x, atol=5e-4)
        assert space.residual(space.decode(x, Rng(0)), x).max() < 1e-5


@pytest.mark.parametrize("points", [16, 31, 200])
def test_copies_are_known_as_copies_on_any_grid_and_others_are_new(points):
    data = GunPoint().make(Rng(0))
    space = at(Curves(decoder="nearest"), points).fit(data, Rng(0))
    x = space.encode(data.train[:20])
    assert not space.novel(space.decode(x, Rng(0))).any()
    assert not space.novel(space.shown(data.train)).any()
    np.testing.assert_array_equal(space.decode(x, Rng(0)), space.shown(data.train[space.nearest(x)]))
    assert space.novel(space.shown(data.train[:20]) + 0.5).all()
    assert space.shown(data.train).shape == (150, points)


def permutation_p(a, b, rng, rounds=199):
    """P-value of the MMD permutation test with a Gaussian kernel on the curves' L2 norm."""
    both = l2_vectors(np.concatenate([a, b]), quadrature(np.linspace(0, 1, a.shape[1])))
    gram = Kernel("gaussian", median_distance(both))(both, both)
    sign = np.r_[np.ones(len(a)) / len(a), -np.ones(len(b)) / len(b)]
    seen = sign @ gram @ sign
    others = [s @ gram @ s for s in (rng.permutation(sign) for _ in range(rounds))]
    return (1 + sum(o >= seen for o in others)) / (rounds + 1)


def test_draws_on_256_points_restricted_to_64_follow_the_law_of_draws_on_64_points():
    g = np.random.default_rng(0)
    coarse, fine = fitted(COSINE), fitted(at(COSINE, 253))
    draw = lambda space, size: space.decode(size * g.standard_normal((200, 24)), Rng(0))
    assert permutation_p(draw(coarse, 1.0), draw(fine, 1.0)[:, ::4], g) > 0.01
    assert permutation_p(draw(coarse, 1.0), draw(fine, 0.5)[:, ::4], g) <= 0.01  # half the deviation is seen
    white = g.standard_normal((200, 253)) / np.sqrt(quadrature(np.linspace(0, 1, 253)))[None]
    there = g.standard_normal((200, 64)) / np.sqrt(quadrature(np.linspace(0, 1, 64)))[None]
    assert permutation_p(there, white[:, ::4], g) <= 0.01  # white noise of the right norm has another law on every grid


@pytest.mark.parametrize("space", [COSINE, Curves(r=5), Curves(kernel="gaussian", r=8)], ids=lambda s: s.kernel)
def test_norms_and_coordinates_do_not_depend_on_the_grid_of_the_data(space):
    coarse, fine = Sines(n=60, points=64).make(Rng(0)), Sines(n=60, points=256).make(Rng(0))
    a, b = space.fit(coarse, Rng(0)), space.fit(fine, Rng(0))
    np.testing.assert_allclose(a.distance(coarse.train, coarse.train), b.distance(fine.train, fine.train), rtol=0.02, atol=0.02)
    np.testing.assert_allclose(a.embedding.variances[:4], b.embedding.variances[:4], rtol=0.02)


def test_cosine_coordinates_are_the_coefficients_of_the_curve():
    space = fitted(COSINE, Sines(n=80, points=129))
    s = np.linspace(0, 1, 129)
    curves = np.stack([np.ones(129), np.sqrt(2) * np.cos(5 * np.pi * s)])
    z = space.kernel_coordinates(space.encode(curves)) + space.embedding.beta
    np.testing.assert_allclose(z, np.eye(24)[[0, 5]], atol=1e-10)
    rough = curves + 0.1 * np.cos(40 * np.pi * s)
    np.testing.assert_allclose(space.residual(rough, space.encode(rough)), 0.005, atol=1e-10)


def test_few_points_leave_fewer_cosines_and_an_uneven_grid_is_carried_to_an_even_one():
    few = COSINE.fit(Sines(n=20, points=9).make(Rng(0)), Rng(0))
    assert few.dim == 8
    grid = np.linspace(0, 1, 80) ** 1.3
    g = np.random.default_rng(0)
    curves = g.standard_normal((30, 4)) @ cosine_basis(grid, 4)
    space = Curves(kernel="cosine", r=4).fit(Dataset("uneven", "curves", curves, curves, meta={"grid": grid.tolist()}), Rng(0))
    np.testing.assert_allclose(space.decode(space.encode(curves), Rng(0)), curves, atol=2e-3)


@pytest.mark.parametrize("kernel", ["linear", "cosine"])
@pytest.mark.parametrize("source", [Tecator(), Quadratics(n=60), GunPoint()], ids=lambda s: s.name)
def test_observed_values_are_those_of_the_decoded_curve(kernel, source):
    space = Curves(kernel=kernel, r=7).fit(source.make(Rng(0)), Rng(0))
    x = np.random.default_rng(0).standard_normal((5, space.dim))
    a, b = space.observe(space.places)
    np.testing.assert_allclose(x @ a.T + b, space.decode(x, Rng(0)), atol=1e-9)
    a, b = space.observe(np.array([0.123, 0.5, 1.0]))
    there = resample(space.decode(x, Rng(0)), space.places, np.array([0.123, 0.5, 1.0]))
    np.testing.assert_allclose(x @ a.T + b, there, atol=5e-3 * np.abs(there).max())


def test_what_is_not_affine_cannot_be_observed_and_places_outside_are_refused():
    assert fitted(Curves(kernel="gaussian")).observe(np.zeros(1)) is None
    assert fitted(Curves(decoder="nearest")).observe(np.zeros(1)) is None
    with pytest.raises(ValueError, match="from 0"):
        fitted(Curves()).observe(np.array([1.1]))


@pytest.mark.parametrize("space", [COSINE, Curves(r=8)], ids=lambda s: s.kernel)
def test_the_law_of_a_gaussian_process_is_known_in_linear_coordinates(space):
    source = GaussianProcess(n=200, covariance="matern", points=40)
    data = source.make(Rng(0))
    f = space.fit(data, Rng(0))
    law, x = space.law(data, f), f.encode(source.fresh(20_000, Rng(0)).train)
    size = np.sqrt(np.diag(law.cov))
    np.testing.assert_allclose(x.mean(0) / size, law.mean / size, atol=0.04)
    np.testing.assert_allclose(np.cov(x.T) / np.outer(size, size), law.cov / np.outer(size, size), atol=0.04)
    assert Curves(kernel="gaussian").law(data, f) is None
    assert space.law(Sines(n=20).make(Rng(0)), f) is None


@pytest.mark.parametrize("train", [np.zeros((0, 20)), np.ones((1, 20)), np.ones((5, 20)), np.full((5, 20), np.nan)])
def test_cosines_refuse_what_cannot_be_embedded(train):
    with pytest.raises(PartError, match=r"two different|finite"):
        COSINE.fit(Dataset("bad", "curves", train, train), Rng(0))


def test_constant_curves_of_different_heights_and_huge_values_are_embedded():
    flat = np.linspace(-1, 1, 9)[:, None] * np.ones(20)
    for train in (flat, 1e150 * flat):
        f = COSINE.fit(Dataset("flat", "curves", train, train), Rng(0))
        np.testing.assert_allclose(f.decode(f.encode(train), Rng(0)), train, rtol=1e-6, atol=1e-6 * np.abs(train).max())


@pytest.mark.parametrize("kernel", ["linear", "cosine", "gaussian"])
@pytest.mark.parametrize("resolution", [0, 32, 40, 48])
def test_curves_on_an_uneven_grid_find_back_from_every_resolution_also_from_one_of_as_many_points(kernel, resolution):
    grid = np.linspace(0, 1, 40) ** 2
    waves = np.random.default_rng(0).standard_normal((30, 4))
    curves = waves @ cosine_basis(grid, 4)
    data = Dataset("uneven", "curves", curves, curves, meta={"grid": (3 + 5 * grid).tolist()})
    space = Curves(kernel=kernel, r=4, resolution=resolution).fit(data, Rng(0))
    x = space.encode(curves)
    np.testing.assert_allclose(space.encode(space.shown(curves)), x, atol=0.03 * np.abs(x).max())
    decoded = space.decode(x, Rng(0))
    assert decoded.shape == (30, resolution or 40)
    if kernel != "gaussian":
        np.testing.assert_allclose(space.encode(decoded), x, atol=0.03 * np.abs(x).max())
        np.testing.assert_allclose(decoded, waves @ cosine_basis(space.places, 4), atol=0.03 * np.abs(curves).max())


@pytest.mark.parametrize(
    ("grid", "what"),
    [
        (list("abcde"), "is no list of numbers"),
        (None, "is no list of numbers"),
        (5, "is no list of numbers"),
        ([[0, 1, 2, 3, 4]], "is no list of numbers"),
        ([0, 1, 2], "holds 3 numbers, and the curves have 5 points"),
        ([], "holds 0 numbers, and the curves have 5 points"),
        ([0, 1, 2, 3, float("nan")], "not all of them finite"),
        ([0, 1, 2, 3, float("inf")], "not all of them finite"),
        ([1, 1, 1, 1, 1], "which do not increase strictly"),
        ([0, 1, 3, 2, 4], "which do not increase strictly"),
    ],
)
def test_a_grid_that_does_not_fit_is_named_with_a_remedy(grid, what):
    curves = np.random.default_rng(0).standard_normal((6, 5))
    for kernel in ("linear", "cosine"):
        with pytest.raises(PartError, match=rf'^meta\["grid"\] .*{what}; give 5 finite numbers .* or leave it out') as problem:
            Curves(kernel=kernel).fit(Dataset("bad", "curves", curves, curves, meta={"grid": grid}), Rng(0))
        assert "\n" not in str(problem.value)


@pytest.mark.parametrize("grid", [[0.0, np.nan, 1.0], [0.0, 1.0, np.inf], [0.0, 0.0, 1.0], [0.0]])
def test_quadrature_refuses_what_is_no_grid(grid):
    with pytest.raises(ValueError, match="be finite and increase strictly"):
        quadrature(np.array(grid))


def test_matern_noise_in_cosine_modes_is_the_matern_field_whatever_the_data():
    data = Quadratics().make(Rng(0).child("data"))
    fitted = Curves(kernel="cosine", noise="matern", smoothness=1.0, r=16).fit(data, Rng(0))
    assert fitted.raised == 0
    np.testing.assert_allclose(fitted.noise / fitted.noise[0], matern_variances(1.0, 16) / matern_variances(1.0, 16)[0])

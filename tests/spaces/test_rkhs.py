"""Kernel PCA coordinates: scikit-learn's, with the geometry of the Hilbert space."""

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA

from rkdiff.core.parts import make
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.sines import Sines
from rkdiff.data.tecator import Tecator
from rkdiff.experiment import Experiment
from rkdiff.kernels.vectors import KERNELS, Kernel, median_distance
from rkdiff.processes.covariance import NOISES, SHARE
from rkdiff.spaces._kernel import beyond
from rkdiff.spaces.curves import Curves
from rkdiff.spaces.graphs import Graphs
from rkdiff.spaces.rkhs import APPROXIMATIONS, embed, whiten
from rkdiff.stages import run


def cloud(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(2, 0.5, d)


def fitted(name="gaussian", n=60, r=10, **options):
    x = cloud(n)
    return x, embed(x, Kernel(name, median_distance(x)), r, np.random.default_rng(0), **options)


@pytest.mark.parametrize("name", KERNELS)
def test_coordinates_are_those_of_scikit_learn_up_to_sign(name):
    x, e = fitted(name, r=3)
    reference = KernelPCA(n_components=3, kernel="precomputed").fit(e.kernel(x, x))
    new = cloud(20, seed=1)
    for mine, other in (
        (e.coordinates(x), reference.transform(e.kernel(x, x))),
        (e.coordinates(new), reference.transform(e.kernel(new, x))),
    ):
        np.testing.assert_allclose(mine * np.sign((mine * other).sum(0)), other, atol=1e-9)
    np.testing.assert_allclose(e.variances * len(x), reference.eigenvalues_)
    np.testing.assert_allclose(e.coordinates(x).var(0), e.variances)


@pytest.mark.parametrize("name", KERNELS)
def test_distance_in_the_hilbert_space_is_that_of_the_coordinates_plus_the_residual(name):
    x, e = fitted(name, r=4)
    new = cloud(15, seed=2)
    z = np.random.default_rng(3).normal(size=(7, e.dim)) * np.sqrt(e.variances)
    split = ((z[:, None] - e.coordinates(new)[None]) ** 2).sum(2) + e.residual(new)
    np.testing.assert_allclose(e.distances2(z, new), split, atol=1e-9)
    gamma, gram = e.gamma(z), e.kernel(x, x)
    direct = np.einsum("bi,ij,bj->b", gamma, gram, gamma)[:, None] + e.kernel.diagonal(new) - 2 * gamma @ e.kernel(x, new)
    np.testing.assert_allclose(e.distances2(z, new), direct, atol=1e-9)
    np.testing.assert_allclose(e.norm2(z), np.einsum("bi,ij,bj->b", gamma, gram, gamma), atol=1e-9)


def test_the_coefficients_of_every_point_sum_to_one():
    _, e = fitted(r=20)
    np.testing.assert_allclose(e.gamma(np.random.default_rng(0).normal(size=(9, e.dim))).sum(1), 1, atol=1e-10)


def test_lost_variance_is_the_mean_residual():
    x, e = fitted(r=5)
    np.testing.assert_allclose(e.residual(x).mean(), e.total * (1 - e.explained[-1]), rtol=1e-9)
    assert (np.diff(e.explained) > 0).all()
    assert e.explained[-1] < 1


def test_all_objects_as_landmarks_give_the_exact_embedding():
    _, exact = fitted(r=6)
    _, low = fitted(r=6, exact_up_to=10, landmarks=60)
    new = cloud(12, seed=4)
    a, b = exact.coordinates(new), low.coordinates(new)
    np.testing.assert_allclose(a @ a.T, b @ b.T, atol=1e-7)
    np.testing.assert_allclose(exact.residual(new), low.residual(new), atol=1e-6)
    np.testing.assert_allclose(exact.explained, low.explained, atol=1e-7)


def test_a_few_landmarks_come_close():
    x = cloud(2500, 2)
    kernel = Kernel("gaussian", median_distance(x))
    low = embed(x, kernel, 4, np.random.default_rng(0))
    assert len(low.anchors) == 500
    exact = embed(x, kernel, 4, np.random.default_rng(0), exact_up_to=3000)
    np.testing.assert_allclose(low.variances, exact.variances, rtol=1e-4)
    a, b = low.coordinates(x[:50]), exact.coordinates(x[:50])
    np.testing.assert_allclose(a * np.sign((a * b).sum(0)), b, atol=5e-3)


def test_whitened_coordinates_with_white_noise_are_the_same_process_as_coloured_noise():
    x, e = fitted(r=8)
    for s in (0.0, 0.5, 1.0, 2.0):
        scale, weights = whiten(e.variances, e.variances**s)
        y = e.coordinates(x) / scale
        np.testing.assert_allclose(y.var(0).mean(), 1)
        np.testing.assert_allclose(weights.mean(), 1)
        noise_in_h = scale**2  # variances of z when y gets unit white noise
        np.testing.assert_allclose(noise_in_h / e.variances**s, (noise_in_h / e.variances**s)[0])
        np.testing.assert_allclose(weights / noise_in_h, (weights / noise_in_h)[0])
    np.testing.assert_allclose((e.coordinates(x) / whiten(e.variances, e.variances)[0]).var(0), 1)


def test_equal_objects_are_refused_and_duplicates_are_not():
    kernel = Kernel("gaussian", 1.0)
    for alone in (np.ones((1, 2)), np.ones((6, 2))):
        with pytest.raises(ValueError, match="at least two different"):
            embed(alone, kernel, 3, np.random.default_rng(0))
    twice = np.repeat(cloud(4), 3, axis=0)
    e = embed(twice, kernel, 10, np.random.default_rng(0))
    assert e.dim == 3
    np.testing.assert_allclose(e.residual(twice), 0, atol=1e-9)
    with pytest.raises(ValueError, match="at least two different"):
        embed(np.ones((50, 2)), kernel, 3, np.random.default_rng(0), exact_up_to=10, landmarks=20)


def walks(n=60, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=(n, 40)), 1) * 0.1


@pytest.mark.parametrize("offset", [3000.0, -1e6])
@pytest.mark.parametrize("approximation", APPROXIMATIONS)
@pytest.mark.parametrize("kernel", ["linear", "gaussian", "matern"])
def test_curves_around_thousands_are_embedded_and_decoded_as_curves_around_zero(kernel, approximation, offset):
    train, new = walks(), walks(5, 1)
    space = Curves(kernel=kernel, approximation=approximation)
    near, far = (space.fit(Dataset("made", "curves", train + o, new + o), Rng(0)) for o in (0.0, offset))
    x, y = near.encode(new), far.encode(new + offset)
    np.testing.assert_allclose(y * np.sign((x * y).sum(0)), x, atol=1e-6 if kernel != "linear" else 2e-4)
    np.testing.assert_allclose(far.decode(y, Rng(0)) - offset, near.decode(x, Rng(0)), atol=1e-3)
    np.testing.assert_allclose(far.residual(new + offset, y), near.residual(new, x), atol=1e-6)
    if (seen := far.observe(np.array([0.0]))) is not None:  # affine in the coordinates, at the first point of the grid
        np.testing.assert_allclose(seen[0] @ y.T + seen[1][:, None], far.decode(y, Rng(0))[:, :1].T, atol=1e-6)


def test_rounding_in_a_gram_matrix_is_not_taken_for_an_indefinite_kernel():
    x = walks()
    near, far = (embed(x + o, Kernel("linear"), 6, np.random.default_rng(0)) for o in (0.0, 3e4))
    np.testing.assert_allclose(far.variances, near.variances, rtol=1e-4)
    np.testing.assert_allclose(far.coordinates(x + 3e4).var(0), far.variances, rtol=1e-4)


@pytest.mark.parametrize("data", [Sines(), Tecator()])
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("smoothness", [0.0, 1.5, 2.0, 4.0])
def test_a_gaussian_keeps_the_spread_of_curves_for_every_noise(data, noise, smoothness):
    space = Curves(r=12, noise=noise, smoothness=smoothness)
    one = Experiment(
        data, make("method", "gaussian"), space=space, particles=200, decoded=200, shown=0, repeats=1, seed=0
    )  # fmt: skip
    made = run(one, "cpu").arrays["samples"]
    train = data.make(Rng(0).child("data")).train
    assert made.std(0).mean() == pytest.approx(train.std(0).mean(), rel=0.1)


def test_noise_that_had_to_be_raised_says_so_and_other_noise_does_not():
    data = Sines().make(Rng(0))
    fits = [Curves(r=12, smoothness=s).fit(data, Rng(0)) for s in (0.0, 0.5, 1.0, 2.0)]
    assert [f.raised > 0 for f in fits] == [False, False, False, True]
    assert [len(f.advice) for f in fits] == [0, 0, 0, 1]
    assert f"in {fits[3].raised} of {fits[3].dim} coordinates it was raised to {SHARE:.0%}" in fits[3].advice[0]
    assert fits[3].encode(data.train).var(0)[0] > SHARE / 2


@pytest.mark.parametrize("noise", NOISES)
def test_the_node_count_has_the_noise_of_its_rank_and_not_of_its_place(noise):
    fitted = Graphs(noise=noise, smoothness=1.5).fit(Communities(n=60).make(Rng(0)), Rng(0))
    variances = np.append(fitted.embedding.variances, fitted.embedding.variances.mean())
    order = np.argsort(-variances, kind="stable")
    assert fitted.dim == len(variances)
    assert (np.diff(fitted.noise[order]) <= 0).all()
    assert fitted.noise[-1] > fitted.noise[-2]


def test_cosines_have_noise_by_their_frequency_and_not_by_how_much_the_curves_vary_there():
    fitted = Curves(kernel="cosine", r=12, noise="power_law", smoothness=0.75).fit(Sines().make(Rng(0)), Rng(0))
    assert (np.argsort(-fitted.embedding.variances, kind="stable") != np.arange(12)).any()
    np.testing.assert_allclose(fitted.noise, np.arange(1, 13) ** -0.75)


def test_numbers_too_large_to_multiply_are_refused_in_words():
    with pytest.raises(ValueError, match=r"as large as 2e\+199; give them in a larger unit"):
        Curves().fit(Dataset("made", "curves", walks() * 0 + np.linspace(0.5, 1, 60)[:, None] * 1e200, walks(2)), Rng(0))


def test_a_blurred_copy_is_not_new_and_an_object_as_far_off_as_others_is():
    known = np.random.default_rng(0).normal(size=(200, 3))
    other = np.random.default_rng(1).normal(size=(500, 3))
    assert not beyond(known + 1e-3, known).any()
    assert beyond(other, known).mean() > 0.9
    assert beyond(np.full((1, 3), 50.0), known).all()


def test_where_training_objects_repeat_copies_alone_are_not_new():
    known = np.repeat(np.random.default_rng(0).normal(size=(20, 2)), 2, axis=0)
    assert not beyond(known, known).any()
    assert beyond(known + 0.1, known).all()

"""Landmarks and random features near the exact embedding; kernels that are none refused; what the fit says of itself."""

import numpy as np
import pytest
from sklearn.kernel_approximation import Nystroem, RBFSampler

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.digits import Digits
from rkdiff.data.tecator import Tecator
from rkdiff.kernels.vectors import Kernel, RandomFourier, median_distance
from rkdiff.spaces import rkhs
from rkdiff.spaces.curves import Curves
from rkdiff.spaces.images import Images
from rkdiff.spaces.rkhs import APPROXIMATIONS, embed


def cloud(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(2, 0.5, d)


def gaussian(x):
    return Kernel("gaussian", median_distance(x))


def spread(e, x):
    """Inner products of coordinates: what does not depend on signs."""
    z = e.coordinates(x)
    return z @ z.T


@pytest.mark.parametrize("approximation", ["landmarks", "spread_landmarks"])
def test_all_objects_as_landmarks_reproduce_kernel_pca(approximation):
    x = cloud()
    exact, low = (embed(x, gaussian(x), 8, np.random.default_rng(0), approximation=a) for a in ("exact", approximation))
    np.testing.assert_allclose(spread(low, x), spread(exact, x), atol=1e-7)
    np.testing.assert_allclose(low.explained, exact.explained, atol=1e-7)


def test_landmark_coordinates_are_the_principal_components_of_scikit_learns_features():
    x, new = cloud(200), cloud(20, seed=1)
    kernel = gaussian(x)
    low = embed(x, kernel, 5, np.random.default_rng(0), approximation="landmarks", landmarks=30)
    other = Nystroem(gamma=1 / (2 * kernel.width**2), n_components=30)
    other.fit(low.anchors)
    features, seen = other.transform(x), other.transform(new)
    basis = np.linalg.svd(features - features.mean(0), full_matrices=False)[2][:5]
    wanted = (seen - features.mean(0)) @ basis.T
    np.testing.assert_allclose(spread(low, new), wanted @ wanted.T, atol=1e-6)


def test_spread_landmarks_see_rare_groups_that_random_ones_miss():
    rng = np.random.default_rng(0)
    sizes = [400, 60, 15, 10, 8, 5, 4, 3]
    x = np.concatenate([rng.normal(size=(n, 2)) * 0.1 + 6 * rng.normal(size=2) for n in sizes])
    explained = {
        a: np.mean([
            embed(x, Kernel("gaussian", 1.0), 7, np.random.default_rng(s), approximation=a, landmarks=10).explained[-1]
            for s in range(10)
        ])
        for a in ("landmarks", "spread_landmarks")
    }  # fmt: skip
    assert explained["spread_landmarks"] > explained["landmarks"] + 0.05


def test_spread_landmarks_of_fewer_different_objects_than_landmarks_are_all_of_them():
    x = np.repeat(cloud(6), 5, axis=0)
    e = embed(x, gaussian(x), 10, np.random.default_rng(0), approximation="spread_landmarks", landmarks=20)
    assert len(np.unique(e.anchors, axis=0)) == 6
    assert e.dim == 5
    np.testing.assert_allclose(e.residual(x), 0, atol=1e-7)


@pytest.mark.parametrize("name", ["gaussian", "matern", "laplace"])
def test_random_features_converge_to_the_kernel_as_their_square_root(name):
    x, kernel = cloud(40), Kernel(name, 1.5)
    error = {
        m: np.mean([
            ((RandomFourier.draw(kernel, 3, m, np.random.default_rng(s))(x, x) - kernel(x, x)) ** 2).mean() for s in range(8)
        ])
        for m in (50, 800)
    }  # fmt: skip
    assert 8 < error[50] / error[800] < 32  # sixteen times as many, a sixteenth of the squared error


def test_random_features_are_as_good_as_those_of_scikit_learn():
    x, kernel = cloud(40), Kernel("gaussian", 1.5)
    mine, other = [], []
    for s in range(8):
        mine.append(((RandomFourier.draw(kernel, 3, 200, np.random.default_rng(s))(x, x) - kernel(x, x)) ** 2).mean())
        f = RBFSampler(gamma=1 / (2 * 1.5**2), n_components=400, random_state=s).fit_transform(x)
        other.append(((f @ f.T - kernel(x, x)) ** 2).mean())
    assert np.mean(mine) < 1.2 * np.mean(other)


@pytest.mark.parametrize("n", [80, 300])
def test_random_feature_coordinates_are_near_the_exact_ones(n, monkeypatch):
    monkeypatch.setattr(rkhs, "FEATURES", 100 if n == 300 else 1000)  # 300 objects, 200 features: through the covariance
    x = cloud(n)
    exact, near = (embed(x, gaussian(x), 3, np.random.default_rng(0), approximation=a) for a in ("exact", "random_features"))
    np.testing.assert_allclose(near.variances, exact.variances, rtol=0.1 if n == 80 else 0.2)
    a, b = spread(near, x), spread(exact, x)
    assert np.linalg.norm(a - b) < (0.1 if n == 80 else 0.25) * np.linalg.norm(b)
    z = near.coordinates(x)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-10)
    np.testing.assert_allclose(z.var(0), near.variances)
    np.testing.assert_allclose(near.gamma(z).sum(1), 1)


def test_random_features_give_the_same_embedding_through_gram_matrix_and_covariance(monkeypatch):
    x = cloud(30)
    monkeypatch.setattr(rkhs, "FEATURES", 14)  # 28 features: the covariance is the smaller matrix
    by_covariance = embed(x, gaussian(x), 4, np.random.default_rng(0), approximation="random_features")
    by_gram = rkhs._exact(x, by_covariance.kernel, 4)
    np.testing.assert_allclose(spread(by_covariance, x), spread(by_gram, x), atol=1e-9)
    np.testing.assert_allclose(by_covariance.residual(x), by_gram.residual(x), atol=1e-9)
    np.testing.assert_allclose(by_covariance.total, by_gram.total)


@pytest.mark.parametrize("approximation", APPROXIMATIONS)
def test_every_approximation_keeps_the_geometry_of_its_kernel(approximation):
    x, new = cloud(), cloud(9, seed=2)
    e = embed(x, gaussian(x), 5, np.random.default_rng(0), approximation=approximation, landmarks=25)
    z = np.random.default_rng(3).normal(size=(7, e.dim)) * np.sqrt(e.variances)
    gamma, k = e.gamma(z), e.kernel
    direct = np.einsum("bi,ij,bj->b", gamma, k(e.anchors, e.anchors), gamma)[:, None] + k.diagonal(new)
    np.testing.assert_allclose(e.distances2(z, new), direct - 2 * gamma @ k(e.anchors, new), atol=1e-7)
    split = ((z[:, None] - e.coordinates(new)[None]) ** 2).sum(2) + e.residual(new)
    np.testing.assert_allclose(e.distances2(z, new), split, atol=1e-7)


def test_small_eigenvalues_do_not_blow_up_rounding_errors():
    data = Tecator().make(Rng(0))
    fitted = Curves(r=40).fit(data, Rng(0))
    z = fitted.embedding.coordinates(fitted.vectors(data.train))
    np.testing.assert_allclose(z.var(0), fitted.embedding.variances, rtol=1e-5)
    assert (z.var(0)[:2] > 0).all()


class Histograms(Kernel):
    """A function of the distance between cumulated histograms (the transport distance on the line), written as a kernel."""

    def __call__(self, x, y):
        d = np.abs(np.cumsum(x, 1)[:, None] - np.cumsum(y, 1)[None]).sum(2)
        return self.of(d**2)


def test_a_kernel_that_is_not_positive_definite_is_refused_and_its_laplace_form_is_not():
    x = np.random.default_rng(0).dirichlet(np.full(6, 0.3), 60)
    assert np.linalg.eigvalsh(Histograms("gaussian")(x, x))[0] < -0.05
    with pytest.raises(PartError, match="not positive definite"):
        embed(x, Histograms("gaussian"), 4, np.random.default_rng(0))
    e = embed(x, Histograms("laplace"), 4, np.random.default_rng(0))
    assert e.dim == 4
    np.testing.assert_allclose(e.coordinates(x).var(0), e.variances)


class Waves(Kernel):
    """A function of the distance that belongs to no Hilbert space."""

    def of(self, value):
        return np.cos(value)


@pytest.mark.parametrize("approximation", ["auto", "exact", "landmarks", "spread_landmarks"])
def test_a_kernel_that_is_not_positive_definite_is_refused_on_every_way(approximation):
    x = cloud()
    with pytest.raises(PartError, match="not positive definite"):
        embed(x, Waves("gaussian"), 4, np.random.default_rng(0), approximation=approximation, landmarks=20)


class Loose(Kernel):
    """Positive definite among the first half of the objects, and between the halves larger than their lengths allow."""

    def __call__(self, x, y):
        return super().__call__(x, y) * np.where((x[:, :1] > 90) != (y[:, :1] > 90).T, 50.0, 1.0)


def test_a_kernel_is_refused_whose_landmarks_see_more_of_an_object_than_there_is():
    x = cloud()
    x[0, 0] = 99.0  # never drawn as one of three landmarks with this seed
    assert 0 not in np.random.default_rng(0).permutation(60)[:3]
    with pytest.raises(PartError, match=r"landmarks see .* more of an object than its squared length"):
        embed(x, Loose("gaussian", 60.0), 2, np.random.default_rng(0), approximation="landmarks", landmarks=3)


class Overflowing(Kernel):
    """Infinite where one of the objects is the longest of all."""

    def __call__(self, x, y):
        return super().__call__(x, y) * np.exp(np.where(x[:, :1] > 90, 1e4, 0.0))


class Boundless(Kernel):
    """Objects of infinite length."""

    def diagonal(self, x):
        return np.full(len(x), np.inf)


@pytest.mark.parametrize("kernel", [Overflowing("gaussian"), Boundless("gaussian")])
@pytest.mark.parametrize("approximation", ["auto", "exact", "landmarks", "spread_landmarks"])
def test_infinite_values_are_refused_on_every_way(kernel, approximation):
    x = cloud()
    x[0, 0] = 99.0
    with pytest.raises(PartError, match="values that are not finite"):
        embed(x, kernel, 4, np.random.default_rng(0), approximation=approximation, landmarks=20)


class Broken(Histograms):
    """A kernel with a hole."""

    def __call__(self, x, y):
        k = super().__call__(x, y)
        k[0, 1] = np.nan
        return k


def test_a_kernel_that_is_not_finite_is_refused():
    x = np.random.default_rng(0).dirichlet(np.ones(6), 10)
    with pytest.raises(PartError, match="1 values that are not finite"):
        embed(x, Broken("laplace"), 4, np.random.default_rng(0))


def test_an_unknown_approximation_is_refused():
    with pytest.raises(PartError, match="choose one of auto"):
        embed(cloud(), Kernel("gaussian", 1.0), 3, np.random.default_rng(0), approximation="guess")


def test_landmarks_of_a_kernel_without_features_fall_back_to_the_exact_embedding():
    x = cloud(30)
    exact = embed(x, Kernel("linear"), 3, np.random.default_rng(0), approximation="random_features")
    assert exact.kernel == Kernel("linear")
    with pytest.raises(PartError, match="no random Fourier features"):
        RandomFourier.draw(Kernel("polynomial"), 3, 10, np.random.default_rng(0))


def pictures(**knobs):
    data = Digits(n=60).make(Rng(0))
    return data, Images(**knobs).fit(data, Rng(0))


@pytest.mark.parametrize("kernel", ["gaussian", "polynomial", "linear"])
def test_the_residual_of_objects_is_their_distance_to_the_points_of_h(kernel):
    data, fitted = pictures(kernel=kernel)
    x = np.random.default_rng(0).normal(size=(12, fitted.dim))
    objects = data.held_out[:12]
    d2 = fitted.embedding.distances2(fitted.kernel_coordinates(x), fitted.vectors(objects))
    np.testing.assert_allclose(fitted.residual(objects, x), np.diag(d2), atol=1e-9 * d2.max())
    mean = fitted.vectors(data.train)
    other = fitted.residual(objects[:1], fitted.encode(objects[:1]))
    np.testing.assert_allclose(other, fitted.embedding.residual(fitted.vectors(objects[:1])), atol=1e-9 * d2.max())
    assert len(mean) == 60


def test_advice_is_given_for_widths_at_which_nothing_can_be_learned():
    assert pictures()[1].advice == ()
    assert "hardly any two objects alike" in pictures(width=0.1)[1].advice[0]
    assert "all objects alike" in pictures(width=10.0)[1].advice[0]
    assert pictures(kernel="linear", width=0.1)[1].advice == ()


def test_objects_are_encoded_alike_in_one_piece_and_in_several(monkeypatch):
    data, fitted = pictures()
    whole = fitted.encode(data.held_out[:25])
    monkeypatch.setattr("rkdiff.spaces._kernel.ROWS", 4)
    np.testing.assert_allclose(fitted.encode(data.held_out[:25]), whole, atol=1e-12)
    assert fitted.encode(data.held_out[:0]).shape == (0, fitted.dim)


def test_infinite_pictures_are_refused():
    data = Digits(n=60).make(Rng(0))
    with pytest.raises(PartError, match="not finite"):
        Images().fit(Dataset("made", "images", np.full((5, 8, 8), np.inf), data.held_out), Rng(0))

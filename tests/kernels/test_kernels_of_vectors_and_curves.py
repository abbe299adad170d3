"""Every kernel is positive semi-definite; what the pre-image needs is its gradient; curves keep their L2 geometry on any grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.kernels.curves import from_l2_vectors, l2_vectors, quadrature
from rkdiff.kernels.graphs import BLOCKS, GraphFeatures
from rkdiff.kernels.vectors import KERNELS, Kernel, median_distance, squared_distances


@pytest.mark.parametrize("name", KERNELS)
@given(seed=st.integers(0, 1000), width=st.floats(0.05, 20))
def test_gram_matrices_are_positive_semi_definite(name, seed, width):
    x = np.random.default_rng(seed).normal(size=(25, 4))
    kernel = Kernel(name, width)
    gram = kernel(x, x)
    assert np.linalg.eigvalsh((gram + gram.T) / 2)[0] > -1e-7 * np.trace(gram)
    np.testing.assert_allclose(np.diag(gram), kernel.diagonal(x), atol=2e-6)


def test_the_graph_kernel_is_positive_semi_definite():
    from rkdiff.data.graph_atlas import atlas

    graphs = atlas(5)
    for blocks in BLOCKS.values():
        x = GraphFeatures.fit(graphs, blocks)(graphs)
        assert np.linalg.eigvalsh(Kernel("gaussian", median_distance(x))(x, x))[0] > -1e-9


@pytest.mark.parametrize("name", [k for k in KERNELS if Kernel(k).radial])
def test_pull_is_the_gradient_of_the_kernel(name):
    rng = np.random.default_rng(0)
    kernel, x, y = Kernel(name, 0.8), rng.normal(size=(1, 3)), rng.normal(size=(5, 3))
    step = 1e-6 * np.eye(3)
    slope = np.stack([(kernel(x + s, y) - kernel(x - s, y))[0] / 2e-6 for s in step], 1)
    ratio = slope / (kernel.pull(x, y)[0][:, None] * (y - x))
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)
    assert ratio[0, 0] > 0


def test_the_median_distance_is_the_median_over_pairs():
    x = np.random.default_rng(0).normal(size=(60, 2))
    d = np.sqrt(squared_distances(x, x))[np.triu_indices(60, 1)]
    np.testing.assert_allclose(median_distance(x), np.median(d))
    assert median_distance(np.zeros((5, 2))) == 1.0
    assert median_distance(np.zeros((1, 2))) == 1.0


@pytest.mark.parametrize(("name", "width"), [("cosine", 1.0), ("gaussian", 0.0), ("gaussian", float("nan"))])
def test_impossible_kernels_are_refused_with_a_reason(name, width):
    with pytest.raises(ValueError, match="choose"):
        Kernel(name, width)


def test_the_norm_of_a_curve_does_not_depend_on_its_grid():
    norms = []
    for points in (65, 257, 1025):
        grid = np.linspace(2.0, 5.0, points)
        norms.append(float((l2_vectors(np.sin(grid)[None], quadrature(grid)) ** 2).sum()))
    exact = 0.5 - (np.sin(10) - np.sin(4)) / 12
    np.testing.assert_allclose(norms, exact, rtol=3e-4)
    uneven = np.sort(np.random.default_rng(0).uniform(2, 5, 2000))
    np.testing.assert_allclose((l2_vectors(np.sin(uneven)[None], quadrature(uneven)) ** 2).sum(), exact, rtol=1e-2)


def test_curves_come_back_from_their_vectors():
    grid = np.array([0.0, 0.1, 0.5, 2.0])
    curves = np.random.default_rng(0).normal(size=(3, 4))
    w = quadrature(grid)
    np.testing.assert_allclose(from_l2_vectors(l2_vectors(curves, w), w), curves)
    np.testing.assert_allclose(w.sum(), 1)


@pytest.mark.parametrize("grid", [[1.0], [0.0, 0.0, 1.0], [1.0, 0.0]])
def test_grids_that_do_not_increase_are_refused(grid):
    with pytest.raises(ValueError, match="increas"):
        quadrature(np.array(grid))

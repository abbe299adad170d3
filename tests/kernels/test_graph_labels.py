"""Kernels that count labels and paths: the exact published values, what they cannot see, and out-of-sample rows equal to the joint Gram."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkdiff.data.communities import Communities
from rkdiff.kernels.graph_labels import (
    colours,
    cosine,
    label_counts,
    normalised,
    path_counts,
    shortest_path_gram,
    subtree_gram,
    vocabulary,
)


def padded(*graphs, size=6):
    out = np.zeros((len(graphs), size, size), dtype=np.uint8)
    for matrix, g in zip(out, graphs, strict=True):
        n = len(g)
        matrix[:n, :n] = nx.to_numpy_array(g) + np.eye(n)
    return out


TWO_TRIANGLES = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
SEVEN = padded(
    nx.path_graph(3), nx.cycle_graph(3), nx.path_graph(4), nx.star_graph(3), nx.cycle_graph(4), nx.cycle_graph(6), TWO_TRIANGLES
)  # fmt: skip
DEPTH_ONE = [
    [14, 12, 18, 18, 16, 24, 24],
    [12, 18, 18, 12, 24, 36, 36],
    [18, 18, 24, 22, 24, 36, 36],
    [18, 12, 22, 26, 16, 24, 24],
    [16, 24, 24, 16, 32, 48, 48],
    [24, 36, 36, 24, 48, 72, 72],
    [24, 36, 36, 24, 48, 72, 72],
]


def shuffled(graphs, seed):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(graphs.shape[1]) for _ in graphs]
    return np.stack([g[np.ix_(o, o)] for g, o in zip(graphs, orders, strict=True)])


def test_subtree_kernel_of_seven_small_graphs_after_one_refinement():
    np.testing.assert_array_equal(subtree_gram(SEVEN, SEVEN, 1), DEPTH_ONE)


def test_subtree_kernel_of_seven_small_graphs_after_two_refinements():
    gram = subtree_gram(SEVEN, SEVEN, 2)
    assert np.diag(gram).tolist() == [19, 27, 32, 36, 48, 108, 108]
    assert gram[0, 2] == 22
    assert gram[2, 3] == 22


def test_without_refinement_the_subtree_kernel_is_the_product_of_node_counts():
    n = np.array([3, 3, 4, 4, 4, 6, 6])
    np.testing.assert_array_equal(subtree_gram(SEVEN, SEVEN, 0), np.outer(n, n))


def test_shortest_path_kernel_of_seven_small_graphs():
    gram = shortest_path_gram(SEVEN, SEVEN)
    assert np.diag(gram).tolist() == [20, 36, 56, 72, 80, 324, 144]
    assert gram[0, 1] == 24
    assert gram[5, 6] == 144


@pytest.mark.parametrize("depth", range(6))
def test_subtrees_cannot_tell_a_ring_of_six_from_two_triangles(depth):
    np.testing.assert_allclose(cosine(subtree_gram(SEVEN, SEVEN, depth))[5, 6], 1.0)


def test_shortest_paths_can_tell_a_ring_of_six_from_two_triangles():
    np.testing.assert_allclose(cosine(shortest_path_gram(SEVEN, SEVEN))[5, 6], 2 / 3)


@given(st.integers(0, 10_000), st.integers(0, 3))
def test_both_kernels_are_blind_to_the_order_of_the_nodes(seed, depth):
    again = shuffled(SEVEN, seed)
    np.testing.assert_array_equal(subtree_gram(again, SEVEN, depth), subtree_gram(SEVEN, SEVEN, depth))
    np.testing.assert_array_equal(shortest_path_gram(again, SEVEN), shortest_path_gram(SEVEN, SEVEN))


def test_colours_split_nodes_as_networkx_does():
    graphs = Communities(n=12).draw(8, np.random.default_rng(0))
    for graph in graphs:
        n = int(np.diag(graph).sum())
        g = nx.from_numpy_array((graph - np.diag(np.diag(graph)))[:n, :n])
        for node in g:
            g.nodes[node]["label"] = "0"
        theirs = nx.weisfeiler_lehman_subgraph_hashes(g, node_attr="label", iterations=3)
        mine = colours(graph[None], 3)[:, 0, :n]
        for level in range(3):
            pairs = {(theirs[v][level], int(mine[level + 1, v])) for v in g}
            assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_distances_are_those_of_networkx_and_pairs_without_a_path_come_last():
    graphs = padded(TWO_TRIANGLES, nx.path_graph(5), nx.empty_graph(3), nx.star_graph(4))
    for graph, counted in zip(graphs, path_counts(graphs), strict=True):
        n = int(np.diag(graph).sum())
        g = nx.from_numpy_array((graph - np.diag(np.diag(graph)))[:n, :n])
        lengths = [d for u, to in nx.all_pairs_shortest_path_length(g) for v, d in to.items() if u != v]
        assert counted[:-1].tolist() == np.bincount(lengths, minlength=6)[1:6].tolist()
        assert counted[-1] == n * (n - 1) - len(lengths)


def test_unseen_labels_keep_the_full_length_and_inner_products_with_training_graphs_stay_exact():
    graphs = Communities(n=12).draw(20, np.random.default_rng(1))
    train, new = graphs[:12], graphs[12:]
    known = vocabulary(train, 2)
    x, y = label_counts(train, known, 2), label_counts(new, known, 2)
    np.testing.assert_allclose(y @ x.T, subtree_gram(new, train, 2))
    np.testing.assert_allclose((y**2).sum(1), np.diag(subtree_gram(new, new, 2)))
    assert (x[:, -1] == 0).all()
    assert (y[:, -1] > 0).any()
    np.testing.assert_allclose(np.linalg.norm(normalised(y), axis=1), 1)


def test_isolated_nodes_count_like_any_other():
    lone = padded(nx.empty_graph(4))
    assert subtree_gram(lone, lone, 2)[0, 0] == 3 * 16
    assert shortest_path_gram(lone, lone)[0, 0] == 0
    assert normalised(path_counts(padded(nx.empty_graph(1)))).tolist() == [[0.0] * 6]

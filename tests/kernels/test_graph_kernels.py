"""Graph descriptions: independent of node order, equal to networkx where networkx has them."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import GraphMatcher
from scipy.linalg import expm

from rkdiff.data.graph_atlas import atlas
from rkdiff.kernels.graph_labels import colours, path_counts
from rkdiff.kernels.graphs import (
    BLOCKS,
    GraphFeatures,
    adjacency,
    clustering,
    connected,
    first_piece,
    join_pieces,
    laplacian_spectrum,
    nodes,
    subgraph_counts,
)


def random_graphs(seed, count=6, size=9, p=0.4):
    """Graphs with missing nodes, isolated nodes and several pieces."""
    rng = np.random.default_rng(seed)
    out = np.zeros((count, size, size), dtype=np.uint8)
    for g in out:
        there = rng.permutation(size)[: rng.integers(1, size + 1)]
        upper = np.triu(rng.random((size, size)) < p, 1)
        full = (upper | upper.T | np.eye(size, dtype=bool)).astype(np.uint8)
        g[np.ix_(there, there)] = full[np.ix_(there, there)]
    return out


def as_networkx(graph):
    there = np.flatnonzero(np.diag(graph))
    return nx.from_numpy_array(adjacency(graph[None])[0][np.ix_(there, there)])


def shuffled(graphs, seed):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(graphs.shape[1]) for _ in graphs]
    return np.stack([g[np.ix_(o, o)] for g, o in zip(graphs, orders, strict=True)])


@given(st.integers(0, 10_000))
def test_no_description_depends_on_the_order_of_the_nodes(seed):
    graphs = random_graphs(seed)
    features = GraphFeatures.fit(graphs, BLOCKS["statistics"])
    np.testing.assert_allclose(features(graphs), features(shuffled(graphs, seed)), atol=1e-10)


def test_clustering_connection_and_spectrum_are_those_of_networkx():
    for graph in random_graphs(1, 30):
        g, there = as_networkx(graph), np.diag(graph) > 0
        np.testing.assert_allclose(clustering(adjacency(graph[None]))[0][there], list(nx.clustering(g).values()))
        assert connected(graph[None])[0] == nx.is_connected(g)
        mine = laplacian_spectrum(adjacency(graph[None]), nodes(graph[None]))[0][: there.sum()]
        np.testing.assert_allclose(mine, nx.normalized_laplacian_spectrum(g), atol=1e-10)
        assert (np.abs(mine) < 1e-9).sum() == nx.number_connected_components(g)


PATTERNS = (
    nx.path_graph(2), nx.path_graph(3), nx.cycle_graph(3), nx.cycle_graph(4), nx.star_graph(3), nx.path_graph(4),
    nx.Graph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]), nx.Graph([(0, 1), (1, 2), (2, 0), (0, 3)]),
)  # fmt: skip


def test_subgraph_counts_are_those_of_an_exhaustive_search():
    for graph in random_graphs(2, 6, 7, 0.55):
        g = as_networkx(graph)
        counted = [
            sum(1 for _ in GraphMatcher(g, p).subgraph_monomorphisms_iter())
            / sum(1 for _ in GraphMatcher(p, p).isomorphisms_iter())
            for p in PATTERNS
        ]
        np.testing.assert_allclose(subgraph_counts(adjacency(graph[None]))[0], counted)


def test_each_block_has_unit_variance_over_the_training_graphs():
    graphs = random_graphs(3, 50)
    for block in BLOCKS["statistics"]:
        np.testing.assert_allclose(GraphFeatures.fit(graphs, (block,))(graphs).var(0).sum(), 1)


def test_many_graphs_at_once_and_one_by_one_agree():
    graphs = random_graphs(4, 2003, 5)
    features = GraphFeatures.fit(graphs, BLOCKS["spectrum"])
    np.testing.assert_allclose(features(graphs)[[0, 1999, 2000, 2002]], features(graphs[[0, 1999, 2000, 2002]]), atol=1e-12)


def test_joining_adds_one_edge_fewer_than_there_are_pieces():
    graphs = random_graphs(5, 40, 9, 0.15)
    joined = join_pieces(graphs, np.random.default_rng(0))
    assert connected(joined).all()
    assert (joined >= graphs).all()
    assert (np.diagonal(joined, axis1=1, axis2=2) == np.diagonal(graphs, axis1=1, axis2=2)).all()
    for before, after in zip(graphs, joined, strict=True):
        pieces = nx.number_connected_components(as_networkx(before))
        assert as_networkx(after).number_of_edges() - as_networkx(before).number_of_edges() == pieces - 1


def test_a_graph_without_nodes_is_not_connected_and_a_single_node_is():
    graphs = np.zeros((2, 3, 3), dtype=np.uint8)
    graphs[1, 2, 2] = 1
    assert connected(graphs).tolist() == [False, True]
    assert first_piece(graphs).sum(1).tolist() == [0, 1]
    assert connected(graphs[:, 2:, 2:]).tolist() == [False, True]


@pytest.mark.parametrize("name", BLOCKS)
def test_which_connected_graphs_of_five_nodes_a_description_cannot_tell_apart(name):
    graphs = atlas(5)
    graphs = graphs[connected(graphs) & (nodes(graphs).sum(1) == 5)]
    x = GraphFeatures.fit(graphs, BLOCKS[name])(graphs)
    same = [(i, j) for i, j in combinations(range(len(x)), 2) if np.linalg.norm(x[i] - x[j]) < 1e-6]
    assert len(graphs) == 21
    spectra = laplacian_spectrum(adjacency(graphs), nodes(graphs))
    twins = [(i, j) for i, j in combinations(range(len(x)), 2) if np.abs(spectra[i] - spectra[j]).max() < 1e-9]
    labels = colours(graphs, 1)[-1]
    alike = [(i, j) for i, j in combinations(range(len(x)), 2) if sorted(labels[i]) == sorted(labels[j])]
    paths = path_counts(graphs)
    as_far = [(i, j) for i, j in combinations(range(len(x)), 2) if (paths[i] == paths[j]).all()]
    wanted = {"spectrum": twins, "heat": twins, "shortest_path": as_far, "weisfeiler_lehman": alike}
    if name == "counts":
        assert set(same) <= set(as_far)  # equal counts have equal numbers of edges and of paths
    else:
        assert same == wanted.get(name, [])


@given(st.integers(0, 10_000), st.sampled_from(sorted(BLOCKS)), st.integers(0, 3))
def test_every_choice_of_features_is_blind_to_the_order_of_nodes_and_takes_isolated_ones(seed, name, depth):
    graphs = np.concatenate([random_graphs(seed), np.eye(9, dtype=np.uint8)[None]])
    features = GraphFeatures.fit(graphs, BLOCKS[name], depth)
    np.testing.assert_allclose(features(graphs), features(shuffled(graphs, seed)), atol=1e-9)
    assert np.isfinite(features(random_graphs(seed + 1))).all()


def test_the_heat_trace_is_that_of_the_matrix_exponential():
    graph = random_graphs(7, 1, 9, 0.5)
    there = nodes(graph)[0]
    lap = nx.normalized_laplacian_matrix(as_networkx(graph[0])).toarray()
    features = GraphFeatures(("heat",), (1.0,), 9)
    wanted = [np.trace(expm(-t * lap)) / there.sum() for t in np.geomspace(0.3, 30, 16)]
    np.testing.assert_allclose(features(graph)[0], wanted)

"""Sources of random graphs: every graph obeys its rule, equal seeds give equal bytes, fresh draws are of the same law."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.data.cycles_grids import CyclesGrids, grid, ring
from rkdiff.data.graph_mixture import GraphMixture
from rkdiff.data.planar import Planar
from rkdiff.data.trees import Trees, from_pruefer
from rkdiff.kernels.graphs import adjacency, nodes
from rkdiff.metrics.graphs import families, isomorphism_classes, novel, unique_share, valid

SOURCES = (Trees, Planar, CyclesGrids, GraphMixture)


def as_networkx(graph):
    there = np.flatnonzero(np.diag(graph))
    return nx.from_numpy_array(adjacency(graph[None])[0][np.ix_(there, there)])


@pytest.mark.parametrize("cls", SOURCES)
def test_whatever_the_knobs_graphs_are_simple_and_obey_the_rule_they_name(cls):
    @given(members(cls, n=st.integers(12, 40)), st.integers(0, 5))
    def check(source, seed):
        try:
            data = source.make(Rng(seed))
        except PartError:  # so narrow that all graphs are one
            reject()
        assert len(data.train) == source.n
        assert len(data.held_out) == max(source.n // 4, 2)
        fresh = source.fresh(3, Rng(seed))
        for graphs in (data.train, data.held_out, fresh.train, fresh.held_out):
            assert graphs.dtype == np.uint8
            there = nodes(graphs)
            assert ((graphs == 0) | (graphs == 1)).all()
            assert (graphs == graphs.transpose(0, 2, 1)).all()
            assert not (graphs.astype(bool) & ~(there[:, :, None] & there[:, None])).any()
            assert valid(graphs, data.meta["rule"]).all() or cls is GraphMixture  # a few true communities are not dense enough
        assert source.make(Rng(seed)).train.tobytes() == data.train.tobytes()
        if data.train_labels is not None:
            assert set(data.train_labels.tolist()) == set(range(len(data.meta["class_names"])))
            assert len(data.held_out_labels) == len(data.held_out)

    check()


def test_all_sixteen_trees_on_four_labelled_nodes_come_from_one_sequence_each():
    sequences = np.array([[a, b] for a in range(4) for b in range(4)])
    trees = from_pruefer(sequences, 5)
    assert len({t.tobytes() for t in trees}) == 16
    for sequence, tree in zip(sequences, trees, strict=True):
        g = nx.from_prufer_sequence(sequence.tolist())
        np.testing.assert_array_equal(adjacency(tree[None])[0, :4, :4], nx.to_numpy_array(g, nodelist=range(4)))


def test_random_trees_are_uniform_over_labelled_trees():
    graphs = Trees(min_nodes=4, max_nodes=4).draw(8000, np.random.default_rng(0))
    _, counts = np.unique(graphs.reshape(8000, -1), axis=0, return_counts=True)
    assert len(counts) == 16
    assert ((counts - 500) ** 2 / 500).sum() < 37.7  # chi square with 15 degrees of freedom, p = 0.001


def test_triangulations_are_planar_to_networkx_and_nearly_full():
    for graph in Planar().draw(40, np.random.default_rng(0)):
        g = as_networkx(graph)
        n = len(g)
        assert nx.check_planarity(g)[0]
        assert nx.is_connected(g)
        assert 2 * n - 3 <= g.number_of_edges() <= 3 * n - 6


def test_rings_and_grids_are_those_of_networkx():
    for a, b in ((2, 3), (3, 3), (2, 7), (4, 5)):
        assert nx.is_isomorphic(as_networkx(grid(a, b, 20)), nx.grid_2d_graph(a, b))
    for n in (3, 6, 20):
        assert nx.is_isomorphic(as_networkx(ring(n, 20)), nx.cycle_graph(n))


def test_of_rings_and_grids_nearly_nothing_true_is_new():
    data = CyclesGrids().make(Rng(0))
    assert novel(data.held_out, data.train).mean() < 0.1
    assert unique_share(data.train) < 0.3


def test_the_labels_of_the_mixture_are_the_families_of_its_graphs():
    data = GraphMixture().make(Rng(0))
    assert (families(data.train) == data.train_labels).mean() > 0.97
    assert np.bincount(data.train_labels).min() > 30
    assert data.classes == 3
    assert (len(data.train), len(data.held_out)) == (144, 36)


def test_random_trees_are_new_most_of_the_time():
    data = Trees().make(Rng(0))
    assert (len(data.train), len(data.held_out)) == (160, 40)
    assert novel(data.held_out, data.train).mean() > 0.7
    assert len(np.unique(isomorphism_classes(data.train))) > 120

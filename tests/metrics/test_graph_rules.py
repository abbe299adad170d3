"""Rules of validity, against networkx and by hand."""

import networkx as nx
import numpy as np
import pytest

from rkdiff.data.graph_atlas import atlas
from rkdiff.data.planar import Planar
from rkdiff.kernels.graphs import adjacency
from rkdiff.metrics.graphs import RULES, families, mmd_table, valid


def padded(*graphs, size=12):
    out = np.zeros((len(graphs), size, size), dtype=np.uint8)
    for matrix, g in zip(out, graphs, strict=True):
        n = len(g)
        matrix[:n, :n] = nx.to_numpy_array(g) + np.eye(n)
    return out


@pytest.fixture(scope="module")
def small():
    graphs = atlas(7)[::3]
    there = [np.flatnonzero(np.diag(g)) for g in graphs]
    return graphs, [nx.from_numpy_array(adjacency(g[None])[0][np.ix_(t, t)]) for g, t in zip(graphs, there, strict=True)]


def test_trees_and_planar_graphs_of_the_atlas_are_those_of_networkx(small):
    graphs, theirs = small
    assert valid(graphs, "tree").tolist() == [nx.is_tree(g) for g in theirs]
    assert valid(graphs, "connected planar").tolist() == [nx.is_connected(g) and nx.check_planarity(g)[0] for g in theirs]


def test_rings_and_grids_of_the_atlas_are_found_by_isomorphism(small):
    graphs, theirs = small
    wanted = [*(nx.cycle_graph(n) for n in range(3, 8)), nx.grid_2d_graph(2, 3)]
    assert valid(graphs, "cycle or grid").tolist() == [any(nx.is_isomorphic(g, w) for w in wanted) for g in theirs]


def test_what_only_looks_like_a_ring_or_a_grid_is_refused():
    graphs = padded(
        nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4)),
        nx.path_graph(6),
        nx.ladder_graph(6),
        nx.grid_2d_graph(3, 4),
        nx.circular_ladder_graph(4),
    )
    assert valid(graphs, "cycle or grid").tolist() == [False, False, True, True, False]


def test_the_family_is_the_first_that_fits():
    two = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(5))
    two.add_edge(0, 9)
    graphs = padded(nx.star_graph(5), two, nx.wheel_graph(7), nx.complete_graph(6), nx.empty_graph(3), nx.grid_2d_graph(3, 3))
    assert families(graphs).tolist() == [0, 1, 2, -1, -1, -1]
    assert valid(graphs, "mixture").tolist() == [True, True, True, False, False, False]
    assert valid(graphs, "connected planar").tolist() == [True, False, True, False, False, True]
    assert valid(graphs, "plain mixture").tolist() == [True, True, True, False, False, True]


def test_every_triangulation_of_points_has_the_edges_that_its_rule_asks_for():
    assert valid(Planar(min_nodes=4).draw(200, np.random.default_rng(0)), "triangulation").all()


@pytest.mark.parametrize("rule", RULES)
def test_a_graph_without_nodes_obeys_no_rule_and_no_graphs_give_no_answer(rule):
    assert valid(np.zeros((1, 4, 4), dtype=np.uint8), rule).tolist() == [False]
    assert valid(np.zeros((0, 4, 4), dtype=np.uint8), rule).shape == (0,)


def test_graphs_too_large_for_counting_patterns_are_refused_with_a_reason():
    huge = np.repeat(np.eye(61, dtype=np.uint8)[None], 2, axis=0)
    with pytest.raises(ValueError, match="at most 60"):
        mmd_table(huge, huge)

"""Graph metrics: equal to the definition by brute force, zero for equal sets, blind to the order of the nodes."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.graph_atlas import atlas
from rkdiff.metrics._orbits import orbit_counts
from rkdiff.metrics.graphs import (
    STATISTICS,
    colour_hash,
    graph_mmd,
    isomorphism_classes,
    mmd_table,
    mmd_tables,
    novel,
    two_communities,
    unique_share,
    valid,
)

ALL = (*STATISTICS, "spectral")


def communities(seed, n=12):
    return Communities(n=n).make(Rng(seed)).train


def as_networkx(graph):
    there = np.flatnonzero(np.diag(graph))
    a = graph[np.ix_(there, there)].astype(int)
    return nx.from_numpy_array(a - np.diag(np.diag(a)))


def shuffled(graphs, seed=0):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(graphs.shape[1]) for _ in graphs]
    return np.stack([g[np.ix_(o, o)] for g, o in zip(graphs, orders, strict=True)])


GRAPHLETS = {
    0: (nx.path_graph(2), {0: 0, 1: 0}), 1: (nx.path_graph(3), {0: 1, 1: 2, 2: 1}), 2: (nx.cycle_graph(3), {0: 3, 1: 3, 2: 3}),
    3: (nx.path_graph(4), {0: 4, 1: 5, 2: 5, 3: 4}), 4: (nx.star_graph(3), {0: 7, 1: 6, 2: 6, 3: 6}),
    5: (nx.cycle_graph(4), dict.fromkeys(range(4), 8)), 6: (nx.Graph([(0, 1), (1, 2), (2, 0), (0, 3)]), {0: 11, 1: 10, 2: 10, 3: 9}),
    7: (nx.Graph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]), {0: 13, 1: 12, 2: 13, 3: 12}),
    8: (nx.complete_graph(4), dict.fromkeys(range(4), 14)),
}  # fmt: skip


def enumerated_orbits(g):
    out = np.zeros(15)
    for size in (2, 3, 4):
        for some in combinations(g.nodes, size):
            part = g.subgraph(some)
            for pattern, orbits in GRAPHLETS.values():
                if len(pattern) == size and nx.is_isomorphic(part, pattern):
                    for orbit in orbits.values():
                        out[orbit] += 1
    return out


def test_orbit_counts_are_those_of_an_enumeration_of_induced_subgraphs():
    graphs = np.concatenate([atlas(7)[[3, 40, 200, 700, 1000, 1251]]])
    counted = orbit_counts(graphs)
    for graph, row in zip(graphs, counted, strict=True):
        np.testing.assert_array_equal(row, enumerated_orbits(as_networkx(graph)))
    small = orbit_counts(atlas(3))
    np.testing.assert_array_equal(small[-1], enumerated_orbits(nx.complete_graph(3)))
    np.testing.assert_array_equal(orbit_counts(graphs, chunk=1), counted)


def by_the_definition(a, b, statistic):
    """The protocol, written with networkx and scipy."""

    def emd(p, q, at):
        return wasserstein_distance(at, at, p, q)

    def describe(g):
        if statistic == "degree":
            return np.bincount([d for _, d in g.degree], minlength=25), np.arange(25), 1.0
        if statistic == "clustering":
            return np.histogram(list(nx.clustering(g).values()), 100, (0, 1))[0], np.arange(100) / 100, 0.1
        return np.histogram(nx.normalized_laplacian_spectrum(g), 200, (-1e-5, 2))[0], np.arange(200), 1.0

    x, y = [describe(as_networkx(g)) for g in a], [describe(as_networkx(g)) for g in b]

    def mean(p, q):
        return np.mean([[np.exp(-(emd(s[0], t[0], s[1]) ** 2) / (2 * s[2] ** 2)) for t in q] for s in p])

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


@pytest.mark.parametrize("statistic", ["degree", "clustering", "spectral"])
def test_mmd_is_that_of_the_protocol_written_out(statistic):
    a, b = communities(0, 5), communities(1, 7)
    np.testing.assert_allclose(graph_mmd(a, b, statistic), by_the_definition(a, b, statistic), atol=1e-10)


@pytest.mark.parametrize("statistic", ALL)
def test_equal_sets_have_distance_zero_whatever_the_order_of_nodes_and_padding(statistic):
    a = communities(2)
    wide = np.pad(a, ((0, 0), (0, 3), (0, 3)))
    assert abs(graph_mmd(a, a, statistic)) < 1e-12
    assert abs(graph_mmd(a, shuffled(wide), statistic)) < 1e-9
    assert graph_mmd(a, atlas(4), statistic) > 0.05


def test_the_table_holds_the_three_and_their_mean():
    table = mmd_table(communities(3), communities(4))
    np.testing.assert_allclose(table["mean"], np.mean([table[s] for s in STATISTICS]))


def test_tables_of_many_sets_are_those_of_each_pair_whatever_their_padding():
    some = [communities(3), np.pad(communities(4), ((0, 0), (0, 3), (0, 3)))]
    others = [communities(5), communities(6)]
    tables = mmd_tables(some, others)
    for table, (a, b) in zip(tables, ((a, b) for a in some for b in others), strict=True):
        assert table == pytest.approx(mmd_table(a, b), abs=1e-12)


def test_graphs_without_nodes_are_left_out_and_an_empty_side_is_refused():
    a = communities(5, 6)
    more = np.concatenate([a, np.zeros_like(a[:2])])
    assert graph_mmd(a, more, "degree") == graph_mmd(a, a, "degree")
    with pytest.raises(ValueError, match="at least one"):
        graph_mmd(a, np.zeros_like(a), "degree")
    with pytest.raises(ValueError, match="choose degree"):
        graph_mmd(a, a, "girth")


def test_true_communities_are_valid_and_random_graphs_of_their_density_are_not():
    true = communities(6, 200)
    assert two_communities(true).mean() > 0.97
    rng = np.random.default_rng(0)
    size = 16
    upper = np.triu(rng.random((200, size, size)) < 0.35, 1)
    mixed = (upper | upper.transpose(0, 2, 1) | np.eye(size, dtype=bool)).astype(np.uint8)
    assert two_communities(mixed).mean() < 0.05
    apart = np.kron(np.eye(2), np.ones((6, 6))).astype(np.uint8)[None]
    assert not two_communities(apart)[0]
    assert not two_communities(np.ones((1, 3, 3), dtype=np.uint8))[0]


def test_rules_of_validity():
    pair = np.zeros((3, 4, 4), dtype=np.uint8)
    pair[0, [0, 1], [0, 1]] = 1
    pair[1] = pair[0]
    pair[1, 0, 1] = pair[1, 1, 0] = 1
    assert valid(pair, "any").tolist() == [True, True, False]
    assert valid(pair, "connected").tolist() == [False, True, False]
    with pytest.raises(ValueError, match="choose one of"):
        valid(pair, "bipartite")


@given(st.integers(0, 10_000))
def test_isomorphic_graphs_get_the_same_colours_and_class(seed):
    graphs = atlas(5)[np.random.default_rng(seed).integers(0, 51, 6)]
    again = shuffled(np.pad(graphs, ((0, 0), (0, 1), (0, 1))), seed)
    assert (colour_hash(graphs) == colour_hash(again)).all()
    both = isomorphism_classes(np.concatenate([np.pad(graphs, ((0, 0), (0, 1), (0, 1))), again]))
    assert (both[:6] == both[6:]).all()


def test_the_atlas_holds_no_graph_twice():
    graphs = atlas(6)
    assert unique_share(graphs) == 1.0
    assert unique_share(np.concatenate([graphs[:50], shuffled(graphs[:50])])) == 0.5


def test_colours_cannot_tell_a_hexagon_from_two_triangles_but_isomorphism_can():
    ring, two = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    graphs = np.stack([nx.to_numpy_array(g) + np.eye(6) for g in (ring, two)]).astype(np.uint8)
    assert len(set(colour_hash(graphs).tolist())) == 1
    assert unique_share(graphs) == 1.0
    assert novel(graphs[:1], graphs[1:]).all()
    assert not novel(shuffled(graphs), graphs).any()

"""Graphs to coordinates and back: simple graphs come out, the search only improves, the same seed gives the same bytes."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.graph_atlas import GraphAtlas, atlas
from rkdiff.data.planar import Planar
from rkdiff.data.trees import Trees
from rkdiff.kernels.graphs import connected, nodes
from rkdiff.metrics.graphs import isomorphism_classes, novel, valid
from rkdiff.spaces._graph_moves import propose, resize, turn
from rkdiff.spaces._graph_search import search
from rkdiff.spaces.graphs import Graphs


def of(graphs, **meta):
    return Dataset("made", "graphs", graphs, graphs, meta=meta)


@pytest.fixture(scope="module")
def communities():
    return Communities(n=40).make(Rng(0))


def simple(graphs):
    there = nodes(graphs)
    assert ((graphs == 0) | (graphs == 1)).all()
    assert (graphs == graphs.transpose(0, 2, 1)).all()
    assert not (graphs.astype(bool) & ~(there[:, :, None] & there[:, None])).any()


def test_training_coordinates_have_mean_zero_and_mean_variance_one(communities):
    for s in (0.0, 0.5, 1.0):
        y = Graphs(smoothness=s).fit(communities, Rng(0)).encode(communities.train)
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(y.var(0).mean(), 1)
    np.testing.assert_allclose(y.var(0), 1)


def test_the_nearest_decoder_returns_every_training_graph(communities):
    fitted = Graphs(decoder="nearest", r=12).fit(communities, Rng(0))
    back = fitted.decode(fitted.encode(communities.train), Rng(0))
    classes = isomorphism_classes(np.concatenate([communities.train, back]))
    assert (classes[:40] == classes[40:]).all()


def test_the_search_finds_the_statistics_of_unseen_graphs(communities):
    fitted = Graphs(search_steps=800).fit(communities, Rng(0))
    y = fitted.encode(communities.held_out)
    found = fitted.decode(y, Rng(0))
    near = Graphs(decoder="nearest").fit(communities, Rng(0)).decode(y, Rng(0))
    gap = lambda g: np.linalg.norm((fitted.encode(g) - y) * np.sqrt(fitted.weights), axis=1)
    assert np.median(gap(found)) < 0.4 * np.median(gap(near))
    assert novel(found, communities.train).mean() > 0.8
    assert (nodes(found).sum(1) == nodes(communities.held_out).sum(1)).mean() > 0.8
    assert connected(found).all()


@settings(max_examples=12)
@given(
    members(
        Graphs,
        search_steps=st.integers(10, 30),
        following_steps=st.integers(0, 10),
        constraint=st.sampled_from(("auto", "connected", "soft", "none")),
    ),
    st.integers(0, 100),
)
def test_whatever_the_knobs_decoded_graphs_are_simple_and_of_a_known_size(space, seed):
    data = GraphAtlas(max_nodes=5).make(Rng(seed))
    fitted = space.fit(data, Rng(seed))
    x = np.random.default_rng(seed).normal(size=(5, fitted.dim)) * 3
    found = fitted.decode(x, Rng(seed))
    again = fitted.decode(x[::-1].copy(), Rng(seed), start=found)
    for graphs in (found, again):
        simple(graphs)
        assert np.isin(nodes(graphs).sum(1), nodes(data.train).sum(1)).all()
        if space.constraint in ("auto", "connected") and space.decoder != "nearest":
            assert connected(graphs).all()
    assert np.isfinite(fitted.encode(found)).all()


@pytest.mark.parametrize("rule", ["connected", "soft", "none"])
def test_the_search_never_ends_above_its_start(communities, rule):
    fitted = Graphs().fit(communities, Rng(0))
    z = np.random.default_rng(1).normal(size=(20, fitted.embedding.dim)) * np.sqrt(fitted.embedding.variances)
    start = communities.train[:20]
    energy = fitted.energy(z)
    found, lowest = search(energy, start, 40, rule, np.random.default_rng(0))
    assert (lowest <= energy(start)[0] + 1e-12).all()
    value, joined = energy(found)
    np.testing.assert_allclose(lowest, value + (0.3 * ~joined if rule == "soft" else 0), atol=1e-12)
    assert (value < energy(start)[0]).mean() > 0.9
    unmoved, _ = search(energy, start, 0, rule, np.random.default_rng(0))
    assert (unmoved == start).all()


def test_the_energy_is_the_squared_distance_in_the_hilbert_space(communities):
    fitted = Graphs().fit(communities, Rng(0))
    z = np.random.default_rng(2).normal(size=(6, fitted.embedding.dim))
    d2 = fitted.embedding.distances2(z, fitted.features(communities.held_out[:6]))
    np.testing.assert_allclose(fitted.energy(z)(communities.held_out[:6])[0], np.diag(d2), atol=1e-10)


def test_a_move_flips_one_pair_or_moves_one_edge(communities):
    rng = np.random.default_rng(0)
    graphs = np.repeat(communities.train[:1], 400, axis=0)
    slots = np.argsort(~nodes(graphs), axis=1, kind="stable")
    moved = propose(graphs, slots, nodes(graphs).sum(1), rng)
    simple(moved)
    assert (nodes(moved) == nodes(graphs)).all()
    flips = (moved != graphs).sum((1, 2)) // 2
    assert set(flips.tolist()) <= {0, 1, 2}
    assert abs((flips == 2).mean() - 0.4) < 0.1
    edges = (moved.astype(int) - graphs).sum((1, 2))
    assert (edges[flips == 2] == 0).all()
    assert (edges[flips == 1] != 0).all()


def test_a_turn_swaps_the_diagonals_of_two_triangles():
    k = np.ones((1, 4, 4), dtype=np.uint8)
    k[0, 0, 1] = k[0, 1, 0] = 0
    moved = np.unique(turn(np.repeat(k, 200, axis=0), np.random.default_rng(0)), axis=0)
    lacking = {tuple(np.argwhere(np.triu(1 - g))[0].tolist()) for g in moved}
    assert len(moved) == 2  # only the shared side (2, 3) has two common neighbours that are not linked
    assert lacking == {(0, 1), (2, 3)}


def test_turned_triangulations_keep_nodes_and_edges_and_most_stay_planar():
    graphs = np.repeat(Planar(n=20).make(Rng(0)).train, 20, axis=0)
    moved = turn(graphs, np.random.default_rng(0))
    simple(moved)
    assert (nodes(moved) == nodes(graphs)).all()
    assert (moved.sum((1, 2)) == graphs.sum((1, 2))).all()
    changed = (moved != graphs).any((1, 2))
    assert changed.mean() > 0.5
    assert valid(moved[changed], "connected planar").mean() > 0.5


def test_graphs_without_two_triangles_on_a_side_are_not_turned():
    trees = Trees(n=30).make(Rng(0)).train
    assert (turn(trees, np.random.default_rng(0)) == trees).all()


def test_the_same_seed_gives_the_same_graphs_and_another_seed_others(communities):
    x = np.random.default_rng(0).normal(size=(10, 13))
    a, b, c = (Graphs(search_steps=50).fit(communities, Rng(0)).decode(x, Rng(s)) for s in (1, 1, 2))
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != c.tobytes()


def test_going_on_from_the_frame_before_changes_little_and_keeps_the_nodes(communities):
    fitted = Graphs(following_steps=100).fit(communities, Rng(0))
    x = fitted.encode(communities.held_out[:6])
    first = fitted.decode(x, Rng(0))
    after = fitted.decode(x * 0.98, Rng(1), start=first)
    anew = fitted.decode(x * 0.98, Rng(1))
    change = lambda g: (g != first).sum() / 2
    assert change(after) < 0.5 * change(anew)
    same_size = nodes(after).sum(1) == nodes(first).sum(1)
    assert (nodes(after)[same_size] == nodes(first)[same_size]).all()


def test_resizing_keeps_the_other_nodes_where_they_are():
    graphs = atlas(7)[[100, 600, 1200]]
    wanted = np.array([3, 7, 1])
    out = resize(graphs, wanted, np.random.default_rng(0))
    simple(out)
    assert nodes(out).sum(1).tolist() == [3, 7, 1]
    kept = nodes(out) & nodes(graphs)
    assert (kept.sum(1) == np.minimum(nodes(out).sum(1), nodes(graphs).sum(1))).all()
    both = kept[:, :, None] & kept[:, None]
    assert (out[both] == graphs[both]).all()


def test_disconnected_training_graphs_set_no_rule():
    data = GraphAtlas(max_nodes=5, connected=False).make(Rng(0))
    fitted = Graphs(search_steps=60).fit(data, Rng(0))
    apart = data.held_out[~connected(data.held_out)]
    assert len(apart) > 0
    found = fitted.decode(fitted.encode(apart), Rng(0))
    simple(found)
    assert (~connected(found)).any()
    assert fitted.valid(found).all()


def test_every_rule_that_makes_a_graph_invalid(communities):
    fitted = Graphs().fit(of(atlas(4)[connected(atlas(4))][3:]), Rng(0))
    good = np.zeros((1, 4, 4), dtype=np.uint8)
    good[0] = nx.to_numpy_array(nx.path_graph(4)) + np.eye(4)
    one_way, ghost, apart, small, big = (good.copy() for _ in range(5))
    one_way[0, 0, 3] = 1
    ghost[0, 3, 3] = 0
    apart[0, 1, 2] = apart[0, 2, 1] = 0
    small[0, 1:] = small[0, :, 1:] = 0
    big[0, 0, 1] = big[0, 1, 0] = 2
    assert fitted.valid(good).tolist() == [True]
    for bad in (one_way, ghost, apart, small, big):
        assert fitted.valid(bad).tolist() == [False]
    assert not Graphs().fit(communities, Rng(0)).valid(np.pad(good, ((0, 0), (0, 16), (0, 16))))[0]


def test_graphs_of_one_size_need_no_coordinate_for_it():
    graphs = atlas(5)
    graphs = graphs[connected(graphs) & (nodes(graphs).sum(1) == 5)]
    fitted = Graphs(r=4, search_steps=30).fit(of(graphs), Rng(0))
    assert fitted.dim == 4
    assert (nodes(fitted.decode(np.zeros((3, 4)), Rng(0))).sum(1) == 5).all()


@pytest.mark.parametrize(
    ("graphs", "words"),
    [
        (atlas(4)[4:5], "at least two different"),
        (np.repeat(atlas(4)[4:5], 5, axis=0), "at least two different"),
        (np.zeros((3, 4, 4), dtype=np.uint8), "no node"),
        (np.zeros((3, 4, 5), dtype=np.uint8), "adjacency"),
        (np.zeros((0, 4, 4), dtype=np.uint8), "adjacency"),
        (np.repeat(np.eye(61, dtype=np.uint8)[None], 3, axis=0), "at most 60"),
        (np.triu(atlas(4)[4:12]), "undirected"),
        (2 * atlas(4)[4:12], "0 and 1"),
        (atlas(4)[4:12] * (1 - np.eye(4, dtype=np.uint8)), "does not exist"),
    ],
)
def test_data_that_cannot_be_embedded_is_refused_with_a_reason(graphs, words):
    with pytest.raises(ValueError, match=words):
        Graphs().fit(of(graphs), Rng(0))


def test_duplicates_and_two_graphs_are_enough():
    pair = np.repeat(atlas(4)[[5, 9]], 3, axis=0)
    fitted = Graphs(search_steps=20).fit(of(pair), Rng(0))
    back = fitted.decode(fitted.encode(pair), Rng(0))
    simple(back)
    assert fitted.plane(fitted.encode(pair)).shape == (6, 2)
    assert len(fitted.decode(np.zeros((0, fitted.dim)), Rng(0))) == 0

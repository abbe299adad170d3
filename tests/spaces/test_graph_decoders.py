"""Ways from coordinates to graphs: rules that hold by construction, means by transport, quick previews."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.graph_atlas import GraphAtlas, atlas
from rkdiff.data.graph_mixture import GraphMixture
from rkdiff.data.planar import Planar
from rkdiff.data.trees import Trees
from rkdiff.kernels.graphs import connected, nodes
from rkdiff.metrics.graphs import isomorphism_classes, novel, valid
from rkdiff.spaces._graph_barycentre import Atom, barycentre, coupling, mean_structure, strongest
from rkdiff.spaces._graph_constraint import chosen, repair, strictest
from rkdiff.spaces._graph_moves import resize, swap
from rkdiff.spaces._graph_preview import Preview
from rkdiff.spaces._graph_search import search
from rkdiff.spaces.graphs import DECODERS, Graphs

SMALL = {Communities: 24, Trees: 24, Planar: 24}


def atom(g, constant=True):
    return Atom.of((nx.to_numpy_array(g) + np.eye(len(g))).astype(np.uint8), constant)


def simple(graphs):
    there = nodes(graphs)
    assert ((graphs == 0) | (graphs == 1)).all()
    assert (graphs == graphs.transpose(0, 2, 1)).all()
    assert not (graphs.astype(bool) & ~(there[:, :, None] & there[:, None])).any()


@pytest.fixture(scope="module", params=SMALL, ids=lambda c: c.__name__)
def data(request):
    return request.param(n=SMALL[request.param]).make(Rng(0))


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_gives_simple_graphs_of_a_training_size_that_keep_the_hard_rule(data, decoder):
    fitted = Graphs(decoder=decoder, search_steps=40, following_steps=20).fit(data, Rng(0))
    x = np.random.default_rng(0).normal(size=(6, fitted.dim))
    first = fitted.decode(x, Rng(1))
    after = fitted.decode(0.9 * x, Rng(2), start=first)
    rule = {"tree": "tree", "connected planar": "connected planar"}.get(data.meta["rule"], "connected")
    for graphs in (first, after):
        simple(graphs)
        assert np.isin(nodes(graphs).sum(1), nodes(data.train).sum(1)).all()
        assert valid(graphs, rule).all()
    assert fitted.decode(x, Rng(1)).tobytes() == first.tobytes()
    assert len(fitted.decode(x[:0], Rng(1))) == 0


def test_the_decoders_are_named_and_swapped():
    fitted = Graphs().fit(Communities(n=24).make(Rng(0)), Rng(0))
    assert fitted.decoders == DECODERS
    assert fitted.with_decoder("preview").space.decoder == "preview"


def test_what_is_nearest_is_never_new_and_always_valid(data):
    fitted = Graphs(decoder="nearest").fit(data, Rng(0))
    found = fitted.decode(np.random.default_rng(1).normal(size=(20, fitted.dim)), Rng(0))
    assert novel(found, data.train).sum() == 0
    assert set(fitted.valid(found).tolist()) <= set(fitted.valid(data.train).tolist())


def test_auto_is_what_all_training_graphs_obey_and_the_dataset_names():
    trees, planar, apart = Trees(n=8).make(Rng(0)).train, Planar(n=8).make(Rng(0)).train, atlas(4)
    assert chosen("auto", trees, "tree") == "tree"
    assert chosen("auto", trees, "connected planar") == "planar"
    assert chosen("auto", trees, "mixture") == "nearest"
    assert chosen("auto", trees, "two communities") == "connected"
    assert chosen("auto", planar, "tree") == "connected"
    assert chosen("auto", apart, "tree") == "none"
    assert chosen("soft", trees, "tree") == "soft"
    for constraint, graphs in (("tree", planar), ("connected", apart), ("planar", np.ones((2, 5, 5), dtype=np.uint8))):
        with pytest.raises(PartError, match="training graphs break it"):
            chosen(constraint, graphs, "any")


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(("connected", "tree", "planar", "soft", "none")))
def test_repaired_graphs_obey_and_lawful_ones_stay_as_they_are(seed, constraint):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((4, 9, 9)) < rng.random(), 1)
    graphs = (upper | upper.transpose(0, 2, 1) | np.eye(9, dtype=bool)).astype(np.uint8)
    strength = None if seed % 2 else rng.random(graphs.shape)
    out = repair(graphs, constraint, rng, strength)
    rule = {"tree": "tree", "planar": "connected planar", "connected": "connected"}.get(constraint, "any")
    simple(out)
    assert valid(out, rule).all()
    assert (nodes(out) == nodes(graphs)).all()
    lawful = valid(graphs, rule)
    assert (out[lawful] == graphs[lawful]).all()
    assert (repair(out, constraint, rng) == out).all()


def test_in_a_mixture_each_graph_keeps_the_rule_of_the_training_graph_nearest_to_it():
    data = GraphMixture(n=45).make(Rng(0))
    fitted = Graphs(search_steps=60).fit(data, Rng(0))
    assert fitted.rule == "nearest"
    assert fitted.rules.tolist() == strictest(data.train).tolist()
    assert ((fitted.rules == "tree") == valid(data.train, "tree")).all()
    found = fitted.decode(fitted.encode(data.train), Rng(0))
    same_size = nodes(found).sum(1) == nodes(data.train).sum(1)
    assert same_size.all()
    assert valid(found[data.train_labels == 0], "tree").all()
    assert valid(found[data.train_labels == 2], "connected planar").all()
    assert connected(found).all()


def test_a_repaired_tree_keeps_the_heaviest_edges():
    strength = np.random.default_rng(0).random((1, 8, 8))
    strength += strength.transpose(0, 2, 1)
    out = repair(np.ones((1, 8, 8), dtype=np.uint8), "tree", np.random.default_rng(0), strength)[0]
    heaviest = nx.maximum_spanning_tree(nx.from_numpy_array(strength[0] - np.diag(np.diag(strength[0]))))
    assert {tuple(e) for e in np.argwhere(np.triu(out, 1)).tolist()} == {tuple(sorted(e)) for e in heaviest.edges}


def test_swapped_trees_are_trees_with_at_most_one_edge_moved():
    trees = Trees().draw(200, np.random.default_rng(0))
    moved = swap(trees, np.random.default_rng(1))
    simple(moved)
    assert valid(moved, "tree").all()
    assert set(((moved != trees).sum((1, 2)) // 2).tolist()) <= {0, 2}
    assert ((moved != trees).any((1, 2))).mean() > 0.6
    single = np.pad(np.ones((1, 1, 1), dtype=np.uint8), ((0, 0), (0, 2), (0, 2)))
    assert (swap(single, np.random.default_rng(0)) == single).all()


def test_the_search_under_a_rule_never_breaks_it_nor_ends_above_its_start(data):
    fitted = Graphs().fit(data, Rng(0))
    z = fitted.kernel_coordinates(fitted.encode(data.held_out))
    start, energy = data.train[: len(z)], fitted.energy(z)
    found, lowest = search(energy, start, 120, fitted.rule, np.random.default_rng(0))
    assert (lowest <= energy(start)[0] + 1e-12).all()
    assert lowest.mean() < 0.9 * energy(start)[0].mean()
    assert (nodes(found) == nodes(start)).all()
    assert valid(found, {"tree": "tree", "planar": "connected planar"}.get(fitted.rule, "connected")).all()


def test_hand_values_of_transport_between_graphs():
    pair, apart = atom(nx.path_graph(2)), atom(nx.empty_graph(2))
    np.testing.assert_allclose(coupling(pair, apart)[1], 0.25)
    np.testing.assert_allclose(coupling(atom(nx.cycle_graph(3)), atom(nx.path_graph(3)), alpha=1.0)[1], 2 / 9)


@pytest.mark.parametrize("source", [Communities(), Trees(), Planar()], ids=lambda s: s.name)
def test_a_graph_and_its_copy_in_another_order_are_at_distance_zero(source):
    rng = np.random.default_rng(0)
    for graph in source.draw(10, rng):
        order = rng.permutation(len(graph))
        assert coupling(Atom.of(graph), Atom.of(graph[np.ix_(order, order)]))[1] < 1e-9


@pytest.mark.parametrize("source", [Communities(), Trees(), Planar()], ids=lambda s: s.name)
def test_the_mean_of_three_copies_in_any_order_is_the_graph(source):
    rng = np.random.default_rng(1)
    for graph in source.draw(20, rng):
        orders = [rng.permutation(len(graph)) for _ in range(3)]
        copies = np.stack([graph[np.ix_(o, o)] for o in orders])
        mean, strength = barycentre(copies, np.array([0.5, 0.3, 0.2]), copies[2])
        assert len(set(isomorphism_classes(np.stack([graph, mean])).tolist())) == 1
        np.testing.assert_allclose(strength.sum(), graph.sum() - np.trace(graph), atol=1e-8)


@pytest.mark.parametrize("source", [Communities(), Trees(), Planar()], ids=lambda s: s.name)
def test_the_mean_of_copies_is_found_from_another_graph_of_the_same_size_too(source):
    rng = np.random.default_rng(3)
    found = 0
    for graph in source.draw(12, rng):
        count = np.array([int(np.trace(graph))])
        other = resize(source.draw(1, rng), count, rng)[0]
        copies = np.stack([graph[np.ix_(o, o)] for o in [rng.permutation(len(graph)) for _ in range(3)]])
        mean, _ = barycentre(copies, np.array([0.5, 0.3, 0.2]), other)
        found += len(set(isomorphism_classes(np.stack([graph, mean])).tolist())) == 1
    assert found >= 10  # trees have local optima


def test_the_weighted_objective_of_a_mean_falls():
    graphs = Communities(min_nodes=12, max_nodes=12).draw(3, np.random.default_rng(2))
    _, objective = mean_structure([Atom.of(g) for g in graphs], np.full(3, 1 / 3), Atom.of(graphs[0]))
    assert len(objective) > 1
    assert (np.diff(objective) <= 1e-9).all()


def test_the_strongest_pairs_become_edges_and_ties_lose_none():
    out = strongest(np.full((4, 4), 0.5), 3)
    assert out.sum() == 4 + 2 * 3
    assert (out == out.T).all()


def test_a_preview_of_blocks_knows_blocks_and_density():
    data = Communities(n=60).make(Rng(0))
    fitted = Graphs(decoder="preview", r=8).fit(data, Rng(0))
    found = fitted.decode(fitted.encode(data.train), Rng(0))
    assert valid(found, "two communities").mean() > 0.4
    np.testing.assert_allclose(found.sum(), data.train.sum(), rtol=0.1)
    assert novel(found, data.train).mean() > 0.9
    x = fitted.encode(data.held_out)
    chance = Preview(fitted.encode(data.train), data.train).chances(x, np.full(len(x), 13), 20)
    assert (chance == chance.transpose(0, 2, 1)).all()
    assert chance.min() >= 0
    assert chance.max() <= 1
    assert not chance[:, 13:].any()


def test_disconnected_training_graphs_are_learned_without_a_rule():
    data = GraphAtlas(max_nodes=5, connected=False).make(Rng(0))
    for decoder in DECODERS:
        fitted = Graphs(decoder=decoder, search_steps=30).fit(data, Rng(0))
        assert fitted.rule == "none"
        found = fitted.decode(fitted.encode(data.train[~connected(data.train)]), Rng(0))
        simple(found)
        assert fitted.valid(found).all()


def test_graphs_one_refinement_cannot_tell_apart_share_their_coordinates():
    pair = (nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)))
    graphs = np.stack([nx.to_numpy_array(g) + np.eye(6) for g in (*pair, nx.path_graph(6))])
    data = Dataset("made", "graphs", graphs.astype(np.uint8), graphs.astype(np.uint8))
    blind, sees = (Graphs(features=f).fit(data, Rng(0)).encode(data.train) for f in ("weisfeiler_lehman", "shortest_path"))
    np.testing.assert_allclose(blind[0], blind[1], atol=1e-9)
    assert np.linalg.norm(sees[0] - sees[1]) > 0.1

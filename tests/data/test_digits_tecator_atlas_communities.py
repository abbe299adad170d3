"""The structured datasets: complete, well formed, equal for equal seeds."""

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from strategies import members

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.digits import Digits
from rkdiff.data.graph_atlas import GraphAtlas, atlas
from rkdiff.data.tecator import Tecator
from rkdiff.kernels.graphs import connected, nodes
from rkdiff.metrics.graphs import unique_share

STRUCTURED = (Communities, Digits, GraphAtlas, Tecator)


def well_formed(graphs):
    assert graphs.dtype == np.uint8
    assert ((graphs == 0) | (graphs == 1)).all()
    assert (graphs == graphs.transpose(0, 2, 1)).all()
    there = nodes(graphs)
    assert there.any(1).all()
    assert not (graphs.astype(bool) & ~(there[:, :, None] & there[:, None])).any()


def test_the_atlas_holds_every_graph_but_the_empty_one():
    graphs = atlas()
    assert len(graphs) == 1253 - 1
    assert np.bincount(nodes(graphs).sum(1)).tolist() == [0, 1, 2, 4, 11, 34, 156, 1044]
    assert np.bincount(nodes(graphs[connected(graphs)]).sum(1)).tolist() == [0, 1, 1, 2, 6, 21, 112, 853]
    well_formed(graphs)
    for i in (1, 17, 300, 1251):
        assert nx.is_isomorphic(
            nx.from_numpy_array(
                graphs[i][np.ix_(np.diag(graphs[i]) > 0, np.diag(graphs[i]) > 0)] - np.eye(np.diag(graphs[i]).sum())
            ),
            nx.graph_atlas(i + 1),
        )


@given(members(GraphAtlas), st.integers(0, 5))
def test_the_two_parts_of_the_atlas_make_the_whole(source, seed):
    data = source.make(Rng(seed))
    whole = np.concatenate([data.train, data.held_out])
    wanted = atlas(source.max_nodes)
    wanted = wanted[connected(wanted)] if source.connected else wanted
    assert sorted(g.tobytes() for g in whole) == sorted(g.tobytes() for g in wanted)
    assert len(data.train) >= 2
    assert len(data.held_out) >= 2


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_smallest_atlas_keeps_two_graphs_on_each_side(share, connected):
    data = GraphAtlas(max_nodes=3, connected=connected, share=share).make(Rng(0))
    assert min(len(data.train), len(data.held_out)) >= 2


def test_communities_that_are_all_one_graph_are_refused_with_a_remedy():
    """Two joined pairs of nodes are a path of four, however they are joined."""
    for seed in range(4):
        with pytest.raises(PartError, match=r"all look alike.*; widen min_nodes to max_nodes, raise p_inter"):
            Communities(n=4, min_nodes=4, max_nodes=4, p_intra=1.0, p_inter=0.0).make(Rng(seed))


@given(members(Communities, n=st.integers(4, 40)), st.integers(0, 5))
def test_communities_are_simple_connected_graphs_of_the_wanted_sizes(source, seed):
    try:
        data = source.make(Rng(seed))
    except PartError:
        reject()  # all graphs are one, see above
    for graphs in (data.train, data.held_out, source.fresh(3, Rng(seed)).train):
        well_formed(graphs)
        assert connected(graphs).all()
        few, many = sorted((source.min_nodes, source.max_nodes))
        assert nodes(graphs).sum(1).min() >= few
        assert nodes(graphs).sum(1).max() <= many
    assert len(data.train) == source.n


def test_communities_have_the_densities_asked_for():
    source = Communities(n=2000, min_nodes=20, max_nodes=20, p_intra=0.6, p_inter=0.2)
    g = source.make(Rng(0)).train.astype(float)
    inside = [g[:, s, s][:, *np.triu_indices(10, 1)].mean() for s in (slice(0, 10), slice(10, 20))]
    np.testing.assert_allclose(inside, 0.6, atol=0.005)
    np.testing.assert_allclose(g[:, :10, 10:].sum((1, 2)).mean(), 0.2 * 20, rtol=0.05)


def test_every_community_graph_is_new():
    data = Communities().make(Rng(0))
    assert unique_share(np.concatenate([data.train, data.held_out])) == 1.0
    assert data.train.tobytes() != Communities().fresh(80, Rng(0)).train.tobytes()


def test_digits_are_the_whole_set_split_without_overlap():
    data = Digits(n=1500).make(Rng(0))
    assert len(data.train) + len(data.held_out) == 1797
    assert data.train.min() == 0.0
    assert data.train.max() == 1.0
    assert data.classes == 10
    from sklearn.datasets import load_digits

    images, digit = load_digits(return_X_y=True)
    mean = data.train[data.train_labels == 3].mean(0) * 16
    assert np.abs(mean - images[digit == 3].mean(0).reshape(8, 8)).max() < 0.7


@pytest.mark.parametrize("which", ["3 and 8", "odd"])
def test_a_choice_of_digits_keeps_its_labels_and_names(which):
    data = Digits(digits=which, n=100).make(Rng(1))
    everything = Digits(n=1500).make(Rng(2))
    pool = np.concatenate([everything.train, everything.held_out]).reshape(1797, -1)
    truth = np.concatenate([everything.train_labels, everything.held_out_labels])
    for image, label in zip(data.train[:30], data.train_labels[:30], strict=True):
        found = truth[(pool == image.ravel()).all(1)]
        assert data.meta["class_names"][label] in {str(t) for t in found}
    assert len(data.train) == 100


def test_tecator_holds_the_215_spectra_and_their_fat():
    data = Tecator().make(Rng(0))
    curves = np.concatenate([data.train, data.held_out])
    assert curves.shape == (215, 100)
    assert (curves > 2).all()
    assert (curves < 6).all()
    assert len(data.meta["grid"]) == 100
    assert (data.meta["grid"][0], data.meta["grid"][-1]) == (850.0, 1050.0)
    labels = np.concatenate([data.train_labels, data.held_out_labels])
    assert abs(labels.mean() - 0.5) < 0.02
    # fat meat absorbs more around 930 nm than its neighbourhood: the curvature there separates the classes
    bend = curves[:, 40] - (curves[:, 33] + curves[:, 47]) / 2
    assert bend[labels == 1].mean() > bend[labels == 0].mean() + 0.01
    coarse = Tecator(points=50).make(Rng(0))
    assert coarse.train.shape[1] == 50
    np.testing.assert_allclose(coarse.train[:, [0, -1]], data.train[:, [0, -1]])


def test_tecator_is_read_without_running_the_package_it_ships_with():
    code = "import sys; from rkdiff.core.rng import Rng; from rkdiff.data.tecator import Tecator; "
    code += "Tecator().make(Rng(0)); print('sktime' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_a_missing_package_is_named(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install sktime"):
        Tecator().make(Rng(0))


@pytest.mark.parametrize("source", STRUCTURED, ids=lambda c: c.name)
def test_labels_names_and_source_are_told(source):
    data = source().make(Rng(0))
    assert len(data.meta["source"]) > 20
    if data.train_labels is not None:
        assert len(data.train_labels) == len(data.train)
        assert len(data.held_out_labels) == len(data.held_out)
        assert len(data.meta["class_names"]) == data.classes

"""The atlas of graphs: every graph with up to seven nodes, once each. A real and finite set, complete by enumeration.

Read and Wilson 1998, "An Atlas of Graphs", as shipped with NetworkX (1253 graphs with the one that has no node, which is left out here).
Because the set is complete, a generated graph is never new to the world, only new to the training part: what is held out can be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

SOURCE = "Read and Wilson 1998, An Atlas of Graphs, as shipped with NetworkX"


def atlas(max_nodes: int = 7) -> UInt8[np.ndarray, "n N N"]:
    """Every graph of 1 to `max_nodes` nodes, in the order of the book."""
    from networkx.generators.atlas import graph_atlas_g

    found = [g for g in graph_atlas_g() if 1 <= g.number_of_nodes() <= max_nodes]
    out = np.zeros((len(found), max_nodes, max_nodes), dtype=np.uint8)
    for matrix, graph in zip(out, found, strict=True):
        there = np.array(graph.nodes)
        matrix[there, there] = 1
        if graph.number_of_edges():
            u, v = np.array(graph.edges).T
            matrix[u, v] = matrix[v, u] = 1
    return out


@dataclass(frozen=True)
class GraphAtlas(Source):
    """Every network of up to seven nodes there is, each exactly once."""

    modality: ClassVar[str] = "graphs"
    label: ClassVar[str] = "Atlas of graphs"

    max_nodes: int = knob(7, 3, 7, help="most nodes in a graph")
    connected: bool = knob(True, help="only graphs in one piece")
    share: float = knob(
        0.8, 0.1, 0.9, advanced=True, help="the part of the graphs that is shown to the methods; the rest is held out"
    )

    def make(self, rng: Rng) -> Dataset:
        """The atlas, split at random; the classes are graphs with at most and with more than half of the possible edges."""
        from rkdiff.kernels.graphs import adjacency, connected, nodes

        graphs = atlas(self.max_nodes)
        if self.connected:
            graphs = graphs[connected(graphs)]
        order = rng.numpy("split").permutation(len(graphs))
        cut = min(max(round(self.share * len(graphs)), 2), len(graphs) - 2)  # two of each, even of the four smallest graphs
        graphs = graphs[order]
        n = nodes(graphs).sum(1)
        labels = (2 * adjacency(graphs).sum((1, 2)) > n * (n - 1)).astype(int)
        meta = {"source": SOURCE, "rule": "connected" if self.connected else "any", "class_names": ["sparse", "dense"]}
        return Dataset(self.name, self.modality, graphs[:cut], graphs[cut:], labels[:cut], labels[cut:], meta=meta)

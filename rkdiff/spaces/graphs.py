"""Graphs: coordinates from a kernel on their statistics and from their node count; decoded by local search over edges.

The kernel is the sum of a Gaussian on the features of `rkdiff.kernels.graphs` and of a linear kernel on the number of nodes; kernel PCA
gives the first r coordinates from the one and the last from the other (left out where every training graph has the same size). The two
parts are analysed apart, and size goes along with the first features: the noise covariance is diagonal in these coordinates, so "like the
data" holds for each coordinate's variance, not for the correlation of size with features.
Decoding rounds the last to a size met in training and looks for the graph of that size nearest to the rest in H, from the nearest training
graph or from the graphs of the frame before (`rkdiff.spaces._graph_search`). Where every training graph is in one piece, decoded graphs can
be held to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.graphs import BLOCKS, GraphFeatures, connected, nodes
from rkdiff.metrics.graphs import novel, unique_share
from rkdiff.metrics.graphs import valid as lawful
from rkdiff.spaces._graph_search import Energy, resize, search
from rkdiff.spaces._kernel import FittedKernel, KernelSpace


@dataclass(frozen=True)
class Graphs(KernelSpace):
    """Networks through a kernel on their degrees, clustering, small patterns and spectrum."""

    modalities: ClassVar[tuple[str, ...]] = ("graphs",)

    features: str = knob(
        "statistics", options=tuple(BLOCKS), help="what the kernel looks at: all statistics, or the spectrum alone"
    )
    decoder: str = knob(
        "search", options=("search", "nearest"), help="search for a new graph, or take the nearest training graph"
    )
    search_steps: int = knob(600, 10, 5000, log=True, help="how many moves the search makes for each graph")
    following_steps: int = knob(
        150, 0, 2000, advanced=True, help="moves when the search goes on from the graphs of the frame before"
    )
    connectivity: str = knob(
        "hard",
        options=("hard", "soft", "off"),
        advanced=True,
        help="graphs in one piece: always, by a penalty, or not asked for",
    )

    def fit(self, data: Dataset, rng: Rng) -> FittedGraphs:
        """Kernel PCA of the training graphs."""
        return FittedGraphs(self, data, rng)


class FittedGraphs(FittedKernel):
    """Kernel coordinates of graphs and the search back."""

    space: Graphs

    def __init__(self, space: Graphs, data: Dataset, rng: Rng) -> None:
        train = np.ascontiguousarray(data.train)
        if train.ndim != 3 or train.shape[1] != train.shape[2] or not len(train):
            raise PartError(f"graphs come as (n, N, N) adjacency matrices with n >= 1; got an array of shape {train.shape}")
        self.sizes = nodes(train).sum(1)
        if not self.sizes.all():
            raise PartError("a training graph has no node; nodes are marked by 1 on the diagonal of the adjacency matrix")
        whole = bool(connected(train).all())
        self.rule = space.connectivity if whole else "off"
        self.law = str(data.meta.get("rule", "connected" if whole else "any"))
        self.features = GraphFeatures.fit(train, BLOCKS[space.features])
        super().__init__(space, train, rng)

    def vectors(self, objects: UInt8[np.ndarray, "n N N"]) -> Float[np.ndarray, "n p"]:
        return self.features(objects)

    def set_scales(self, variances: Float[np.ndarray, " r"]) -> None:
        """Node counts are appended, weighted to vary as much as a kernel coordinate does on average."""
        spread = float(self.sizes.std())
        self.size_mean, self.size_unit = float(self.sizes.mean()), spread / np.sqrt(variances.mean())
        self.counts_nodes = spread > 0
        super().set_scales(np.append(variances, variances.mean()) if self.counts_nodes else variances)

    def encode(self, objects: UInt8[np.ndarray, "n N N"]) -> Float[np.ndarray, "n d"]:
        z = self.embedding.coordinates(self.vectors(objects))
        if self.counts_nodes:
            z = np.column_stack([z, (nodes(objects).sum(1) - self.size_mean) / self.size_unit])
        return z / self.scale

    def node_counts(self, x: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """The size that coordinates ask for: the nearest that occurs in training."""
        there = np.unique(self.sizes)
        if not self.counts_nodes:
            return np.full(len(x), there[0])
        wanted = x[:, -1] * self.scale[-1] * self.size_unit + self.size_mean
        return there[np.abs(wanted[:, None] - there).argmin(1)]

    def decode(
        self, x: Float[np.ndarray, "n d"], rng: Rng, start: UInt8[np.ndarray, "n N N"] | None = None
    ) -> UInt8[np.ndarray, "n N N"]:
        z, count = self.kernel_coordinates(x), self.node_counts(x)
        if not len(x):
            return self.training[:0]
        if self.space.decoder == "nearest":
            return self.training[self.nearest(x)]
        draw = rng.numpy("graph search")
        begin = self.training[self._nearest_of_size(z, count)] if start is None else resize(start, count, draw)
        steps = self.space.search_steps if start is None else self.space.following_steps
        return search(self.energy(z), begin, steps, self.rule, draw)[0]

    def _nearest_of_size(self, z: Float[np.ndarray, "n r"], count: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The training graph of the wanted size nearest in H."""
        d2 = self.embedding.distances2(z, self.candidates)
        return np.where(self.sizes[None] == count[:, None], d2, np.inf).argmin(1)

    def novel(self, objects: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
        """Isomorphic to no training graph."""
        return np.asarray(novel(objects, self.training), bool)

    def unique(self, objects: UInt8[np.ndarray, "n N N"]) -> float:
        """Isomorphism classes over graphs."""
        return float(unique_share(objects)) if len(objects) else 0.0

    def energy(self, z: Float[np.ndarray, "n r"]) -> Energy:
        """||phi(g) - psi(z)||^2 of one graph for each row of z, and whether the graphs are connected."""
        gamma, norm2, e = self.embedding.gamma(z), self.embedding.norm2(z), self.embedding

        def of(graphs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            vectors, joined = self.features.with_connection(graphs)
            return norm2 + 1.0 - 2 * (gamma * e.kernel(vectors, e.anchors)).sum(1), joined

        return of

    def valid(self, objects: UInt8[np.ndarray, "n N N"]) -> Bool[np.ndarray, " n"]:
        """Simple graphs on existing nodes, of a size met in training, that obey the rule of the dataset."""
        there = nodes(objects)
        simple = (objects == objects.transpose(0, 2, 1)).all((1, 2)) & (objects <= 1).all((1, 2))
        inside = ~((objects > 0) & ~(there[:, :, None] & there[:, None])).any((1, 2))
        sized = np.isin(there.sum(1), self.sizes)
        return simple & inside & sized & lawful(objects, self.law)

"""Graphs: coordinates from a kernel on their statistics and from their node count; decoded by local search over edges.

The kernel is the sum of a Gaussian on the features of `rkdiff.kernels.graphs` and of a linear kernel on the number of nodes; kernel PCA
gives the first r coordinates from the one and the last from the other (left out where every training graph has the same size). The two
parts are analysed apart, and size goes along with the first features: the noise covariance is diagonal in these coordinates, so "like the
data" holds for each coordinate's variance, not for the correlation of size with features.

Decoding rounds the last to a size met in training and finds a graph of that size, by one of

    search             the graph nearest to the rest in H, from the nearest training graph or the graphs of the frame before
    nearest            the nearest training graph: never new, never wrong
    barycentre         the transport mean of the four nearest, weighted to come closest to psi(z) (`rkdiff.spaces._graph_barycentre`)
    barycentre_search  the search from that mean
    preview            chances of edges by ridge regression, in a millisecond (`rkdiff.spaces._graph_preview`)

All keep the hard rule that the training graphs obey (`rkdiff.spaces._graph_constraint`): in one piece, a tree, or planar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from rkdiff.core.parts import knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.graph_labels import MAX_DEPTH
from rkdiff.kernels.graphs import BLOCKS, GraphFeatures, connected, nodes
from rkdiff.metrics.graphs import novel, unique_share
from rkdiff.metrics.graphs import valid as lawful
from rkdiff.spaces._graph_barycentre import barycentre
from rkdiff.spaces._graph_constraint import CONSTRAINTS, chosen, refuse_malformed, repair, strictest
from rkdiff.spaces._graph_moves import resize
from rkdiff.spaces._graph_preview import Preview
from rkdiff.spaces._graph_search import Energy, search
from rkdiff.spaces._kernel import FittedKernel, KernelSpace
from rkdiff.spaces._preimage import simplex_weights

DECODERS = ("search", "nearest", "barycentre", "barycentre_search", "preview")
SEARCHES = ("search", "barycentre_search")
NEIGHBOURS = 4


@dataclass(frozen=True)
class Graphs(KernelSpace):
    """Networks through a kernel on their degrees, clustering, small patterns and spectrum."""

    modalities: ClassVar[tuple[str, ...]] = ("graphs",)

    features: str = knob(
        "statistics", options=tuple(BLOCKS), help="what the kernel looks at: all statistics, one description alone, or several"
    )
    decoder: str = knob(
        "search",
        options=DECODERS,
        help="search for a new graph, take the nearest, average the nearest, or draw a quick preview",
    )
    search_steps: int = knob(
        600, 10, 5000, log=True, when={"decoder": SEARCHES}, help="how many moves the search makes for each graph"
    )
    following_steps: int = knob(
        150,
        0,
        2000,
        advanced=True,
        when={"decoder": SEARCHES},
        help="moves when the search goes on from the graphs of the frame before",
    )
    constraint: str = knob(
        "auto",
        options=CONSTRAINTS,
        advanced=True,
        when={"decoder": tuple(d for d in DECODERS if d != "nearest")},
        help="the rule that decoded graphs keep; auto: what all training graphs obey and the dataset names; soft: pieces cost energy",
    )
    refinements: int = knob(
        1,
        0,
        MAX_DEPTH,
        advanced=True,
        when={"features": tuple(f for f, blocks in BLOCKS.items() if "weisfeiler_lehman" in blocks)},
        help="how often node labels are refined (weisfeiler_lehman): more tells more graphs apart",
    )

    def fit(self, data: Dataset, rng: Rng) -> FittedGraphs:
        """Kernel PCA of the training graphs."""
        return FittedGraphs(self, data, rng)


class FittedGraphs(FittedKernel):
    """Kernel coordinates of graphs and the search back."""

    space: Graphs

    def __init__(self, space: Graphs, data: Dataset, rng: Rng) -> None:
        train = np.ascontiguousarray(data.train)
        refuse_malformed(train)
        self.sizes = nodes(train).sum(1)
        self.law = str(data.meta.get("rule", "connected" if connected(train).all() else "any"))
        self.rule = chosen(space.constraint, train, self.law)
        self.rules = strictest(train) if self.rule == "nearest" else np.full(len(train), self.rule)
        self.features = GraphFeatures.fit(train, BLOCKS[space.features], space.refinements)
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
        if not len(x):
            return self.training[:0]
        if self.space.decoder == "nearest":
            return self.training[self.nearest(x)]
        near = self._nearest_of_size(self.kernel_coordinates(x), self.node_counts(x))
        out = np.zeros((len(x), *self.training.shape[1:]), dtype=np.uint8)
        draw = rng.numpy("graph search")
        for rule in np.unique(self.rules[near]):
            rows = np.flatnonzero(self.rules[near] == rule)
            out[rows] = self._decode(x[rows], near[rows], str(rule), draw, None if start is None else start[rows])
        return out

    @cached_property
    def preview(self) -> Preview:
        """The regression behind the decoder of that name, fitted when it is first asked for."""
        return Preview(self.encode(self.training), self.training)

    def _decode(
        self,
        x: Float[np.ndarray, "n d"],
        near: Int[np.ndarray, " n"],
        rule: str,
        draw: np.random.Generator,
        start: UInt8[np.ndarray, "n N N"] | None,
    ) -> UInt8[np.ndarray, "n N N"]:
        """Graphs held to one rule; `near` is the training graph of the wanted size that each begins from, without a `start`."""
        how, z, count = self.space.decoder, self.kernel_coordinates(x), self.sizes[near]
        if how == "preview":
            graphs, chance = self.preview.draw(x, count, self.training.shape[1], draw)
            return repair(graphs, rule, draw, chance)
        begin = self.training[near] if start is None else resize(start, count, draw)
        if how == "barycentre" or (how == "barycentre_search" and start is None):
            begin = self._barycentres(z, begin, rule, draw)
        steps = self.space.search_steps if start is None else self.space.following_steps
        return begin if how == "barycentre" else search(self.energy(z), begin, steps, rule, draw)[0]

    def _barycentres(
        self, z: Float[np.ndarray, "n r"], begin: UInt8[np.ndarray, "n N N"], rule: str, draw: np.random.Generator
    ) -> UInt8[np.ndarray, "n N N"]:
        """The transport mean of the nearest training graphs, on the nodes of `begin`, repaired where it breaks the rule."""
        e = self.embedding
        near = np.argsort(e.distances2(z, self.candidates), axis=1, kind="stable")[:, :NEIGHBOURS]
        cross = np.take_along_axis(e.gamma(z) @ e.kernel(e.anchors, self.candidates), near, axis=1)
        weights = simplex_weights(np.stack([e.kernel(self.candidates[i], self.candidates[i]) for i in near]), cross)
        means = [barycentre(self.training[i], w, b) for i, w, b in zip(near, weights, begin, strict=True)]
        return repair(np.stack([g for g, _ in means]), rule, draw, np.stack([s for _, s in means]))

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

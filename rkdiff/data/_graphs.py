"""What sources of random graphs share: draw, split, refuse what cannot be learned, draw afresh from the same law.

Fill `draw` and name the `rule` that every graph obeys; where the graphs come in families, `labelled` says which.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Int, UInt8

from rkdiff.core.parts import PartError
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.data import Source

BATCH = 4000


@dataclass(frozen=True)
class GraphSource(Source, abstract=True):
    """A law of random graphs with `n` training graphs and a quarter as many held out."""

    modality: ClassVar[str] = "graphs"
    #: where the law comes from, the rule that its graphs obey, and the names of its families.
    attribution: ClassVar[str] = ""
    rule: ClassVar[str] = "connected"
    class_names: ClassVar[tuple[str, ...]] = ()
    #: what to do when all graphs come out the same.
    remedy: ClassVar[str] = "widen min_nodes to max_nodes or take more graphs"

    @abstractmethod
    def draw(self, count: int, rng: np.random.Generator) -> UInt8[np.ndarray, "n N N"]:
        """`count` graphs of the law."""

    def labelled(self, count: int, rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "n N N"], Int[np.ndarray, " n"] | None]:
        """`count` graphs and the family of each, or None where the law has one family."""
        return self.draw(count, rng), None

    def make(self, rng: Rng) -> Dataset:
        """`n` training graphs and a quarter as many held out (the 80/20 split of graph generation papers).

        Raises:
            PartError: the knobs leave so little to chance that all training graphs are one and the same.
        """
        n: int = self.n  # type: ignore[attr-defined]
        graphs, labels = self.labelled(n + max(n // 4, 2), rng.numpy("graphs"))
        if all_one(graphs[:n]):
            raise PartError(
                f"the {n} training graphs of {self.name!r} all look alike, so nothing can be learned; {self.remedy}"
            )
        return self._split(graphs, labels, n)

    def fresh(self, n: int, rng: Rng) -> Dataset:
        """New graphs of the same law."""
        return self._split(*self.labelled(2 * n, rng.numpy("fresh")), n)

    def _split(self, graphs: UInt8[np.ndarray, "n N N"], labels: Int[np.ndarray, " n"] | None, n: int) -> Dataset:
        meta: dict[str, object] = {"source": self.attribution, "rule": self.rule}
        if labels is None:
            return Dataset(self.name, self.modality, graphs[:n], graphs[n:], meta=meta)
        meta["class_names"] = list(self.class_names)
        return Dataset(self.name, self.modality, graphs[:n], graphs[n:], labels[:n], labels[n:], meta=meta)


def all_one(graphs: UInt8[np.ndarray, "n N N"]) -> bool:
    """Whether the graphs are all the same up to the order of their nodes."""
    from rkdiff.metrics.graphs import unique_share

    degrees = np.sort(graphs.sum(1), axis=1)
    return bool((degrees == degrees[0]).all()) and unique_share(graphs) == 1 / len(graphs)


def sizes(low: int, high: int, count: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Node counts, uniform between two bounds given in either order."""
    few, many = sorted((low, high))
    return rng.integers(few, many + 1, count)


def blank(count: int, size: Int[np.ndarray, " n"] | int, slots: int) -> UInt8[np.ndarray, "n N N"]:
    """Graphs without edges whose first `size` slots hold a node."""
    there: Bool[np.ndarray, "n N"] = np.arange(slots) < np.broadcast_to(np.asarray(size), (count,))[:, None]
    return (there[:, :, None] & np.eye(slots, dtype=bool)).astype(np.uint8)

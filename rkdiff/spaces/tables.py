"""Mixed tables through a product kernel on their columns: kernel PCA coordinates, and rows of the right types on the way back.

A row of numbers, integers and categories becomes a vector (`rkdiff.kernels.tables`) on which the product kernel is one
Gaussian. Whatever the decoder, a decoded row obeys the table: integers are whole, numbers lie between the least and the
greatest training value and are written with as many decimals as the training values, categories are levels that occur in
training.

    ascent       column by column to the row nearest to psi(z) in H (`rkdiff.spaces._table_ascent`), from the better of the nearest training
                 row, the joint fixed point and, in an animation, the row of the frame before
    fixed_point  the joint pre-image of the vector (Mika et al. 1999), then each column to its nearest allowed value
    simplex      convex weights over the nearest training rows: numbers averaged as scores, categories by majority
    nearest      the nearest training row
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Dataset
from rkdiff.core.rng import Rng
from rkdiff.kernels.columns import read_columns
from rkdiff.kernels.tables import TRANSFORMS, TableVectors
from rkdiff.spaces._kernel import FittedKernel, KernelSpace
from rkdiff.spaces._preimage import preimage
from rkdiff.spaces._table_ascent import ascend, height

DECODERS = ("ascent", "fixed_point", "simplex", "nearest")


@dataclass(frozen=True)
class Tables(KernelSpace):
    """Rows of mixed tables through a product of one kernel a column."""

    modalities: ClassVar[tuple[str, ...]] = ("tables",)

    r: int = knob(12, 1, 60, help="how many kernel coordinates: few blur the rows, many copy them")
    width: float = knob(
        2.0,
        0.1,
        10.0,
        log=True,
        help="kernel width, in median distances between training rows: small memorises, large is Gaussian",
    )
    transform: str = knob(
        "rank",
        options=TRANSFORMS,
        help="what the kernel sees of a number: its normal score (skew and ties do no harm) or itself",
    )
    category_weight: float = knob(
        1.0,
        0.1,
        10.0,
        log=True,
        help="how far apart two levels of a category are, in median differences of a number column",
    )
    decoder: str = knob("ascent", options=DECODERS, help="how coordinates become a row again")

    def fit(self, data: Dataset, rng: Rng) -> FittedTables:
        """Kernel PCA of the training rows.

        Raises:
            PartError: columns that are not described or not obeyed, values that are not finite, or all rows alike.
        """
        return FittedTables(self, data, rng)


class FittedTables(FittedKernel):
    """Kernel coordinates of the rows of one table."""

    space: Tables

    def __init__(self, space: Tables, data: Dataset, rng: Rng) -> None:
        if "columns" not in data.meta:
            raise PartError(f'the table {data.name!r} does not say what its columns are; describe them in meta["columns"]')
        if data.train.ndim != 2 or not data.train.shape[1]:
            raise PartError(f"a table is an array (rows, columns); got an array of shape {data.train.shape}")
        if data.train.dtype.kind not in "fiub":
            raise PartError(
                f"the table {data.name!r} holds {data.train.dtype} values; give numbers, a category as the index of its level"
            )
        rows = data.train.astype(float)
        self.columns = read_columns(data.meta["columns"], rows)
        self.table = TableVectors.fit(rows, self.columns, space.transform, space.category_weight)
        super().__init__(space, rows, rng)
        self.known = {r.tobytes() for r in self.snapped(rows)}

    def vectors(self, objects: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n p"]:
        return self.table.encode(objects)

    def snapped(self, rows: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Rows written with the decimals of each column."""
        return np.stack([c.snap(rows[:, i]) for i, c in enumerate(self.columns)], axis=1)

    def valid(self, objects: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Integers whole, numbers within the columns' ranges (those of the training rows, unless told otherwise), categories known."""
        return np.all(np.stack([c.allowed(objects[:, i]) for i, c in enumerate(self.columns)]), axis=0)

    def novel(self, objects: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Unlike every training row when both are written with the decimals of the columns."""
        return np.array([r.tobytes() not in self.known for r in self.snapped(objects)], bool)

    def decode(self, x: Float[np.ndarray, "n d"], rng: Rng, start: np.ndarray | None = None) -> Float[np.ndarray, "n c"]:
        """The rows; they do not depend on `rng`."""
        z, decoder = self.kernel_coordinates(x), self.space.decoder
        if decoder == "nearest" or not len(z):
            return self.training[self.nearest(x)] if len(z) else self.training[:0]
        if decoder != "ascent":
            return self.table.decode(preimage(self.embedding, z, self.candidates, decoder))
        e, gamma = self.embedding, self.embedding.gamma(z)
        at = (self.table, e.kernel.width, e.anchors, gamma)
        begins = [self.training[self.nearest(x)], self.table.decode(preimage(e, z, self.candidates, "fixed_point"))]
        begins += [start] if start is not None and start.shape == begins[0].shape and self.valid(start).all() else []
        best = np.stack([height(*at, b) for b in begins]).argmax(0)
        return ascend(*at, np.stack(begins)[best, np.arange(len(z))])

    @property
    def advice(self) -> tuple[str, ...]:
        same = [c.name for c, s in zip(self.columns, self.table.columns, strict=True) if len(s.values) == 1]
        told = (f"column {', '.join(same)} is constant: it changes no distance, and every generated row repeats it",)
        return super().advice + (told if same else ())

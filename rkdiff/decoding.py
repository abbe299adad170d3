"""Every decoder of a space on the same coordinates: what each makes of the very same points of H.

A decoder answers psi(x) with an object y; how well it answers is the distance ||phi(y) - psi(x)||_H that is left. It is read beside two
references: the nearest training object (a decoder that ends farther away has searched in vain) and copies, the coordinates of training
objects themselves, where an answer at distance rho, what the r coordinates do not see, is known to exist.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import Model
from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress
from rkdiff.experiment import Experiment
from rkdiff.picture import nearest
from rkdiff.spaces import Fitted
from rkdiff.stages import Prepared, prepare, refuse_unguidable, sample, train

#: Figures of a set of decoded objects in the order they are printed: field, heading, digits.
COLUMNS = (
    ("valid", "valid", 2), ("novel", "novel", 2), ("unique", "unique", 2), ("residual", "residual", 3), ("seconds", "s/object", 4),
)  # fmt: skip


#: Objects of each decoder that are kept to look at.
EXAMPLES = 4


@dataclass(frozen=True)
class Figures:
    """What one decoder made of one set of coordinates.

    Attributes:
        valid, novel, unique: shares of the objects.
        residual: mean of ||phi(y) - psi(x)||_H.
        seconds: CPU seconds for each object.
    """

    valid: float
    novel: float
    unique: float
    residual: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """One decoder: figures on generated coordinates and on those of training objects, the first objects; or why there are none."""

    decoder: str
    generated: Figures | None = None
    copies: Figures | None = None
    examples: np.ndarray | None = None
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """All decoders of a space on the same coordinates.

    Attributes:
        count, copies: how many generated and how many training coordinates each decoder was given.
        nearest, nearest_copies: mean distance of the generated and of the training coordinates to the nearest training object.
        columns: tables only, what each column is.
    """

    modality: str
    count: int
    copies: int
    nearest: float
    nearest_copies: float
    rows: tuple[Row, ...]
    columns: tuple[Any, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [asdict(r) | {"examples": None if r.examples is None else r.examples.tolist()} for r in self.rows]
        return asdict(self) | {"rows": rows}


def compare(experiment: Experiment, device: str = "auto", count: int = 24) -> Generator[Progress, None, Table]:
    """Prepare, train and sample once, then decode the first `count` particles and `count` training objects with every decoder.

    Fewer are decoded where there are fewer; the table says how many.

    Raises:
        PartError: the space has nothing to decode, the parts do not fit each other, or `count` is below 1.
    """
    from threadpoolctl import threadpool_limits

    if count < 1:
        raise PartError(f"count is {count}; choose 1 or more objects")
    with threadpool_limits(1):
        return (yield from _compare(experiment, device, count))


def _compare(e: Experiment, device: str, count: int) -> Generator[Progress, None, Table]:
    yield Progress("preparing", 0, 1)
    p = prepare(e, device)
    if not p.space.decoders:
        raise PartError(
            f"{p.data.modality} are their own coordinates: there is nothing to decode; choose graphs, curves or images"
        )
    refuse_unguidable(p)
    model: Model
    model, _ = yield from train(p)
    trajectory = yield from sample(p, e.guidance.wrap(model, p.problem), p.rng)  # type: ignore[union-attr]
    x = trajectory.end[:count]
    of = p.rng.child("copies").numpy("picked").permutation(len(p.problem.x))[:count]
    copies = p.problem.x[of]
    rows = []
    for i, name in enumerate(p.space.decoders):
        yield Progress(f"decoding by {name.replace('_', ' ')}", i, len(p.space.decoders))
        rows.append(_row(p, name, x, copies))
    yield Progress("decoding", len(rows), len(rows))
    columns = tuple(p.data.meta.get("columns", ()))
    return Table(p.data.modality, len(x), len(copies), _to_nearest(p, x), _to_nearest(p, copies), tuple(rows), columns)


def _row(p: Prepared, name: str, x: Float[np.ndarray, "n d"], copies: Float[np.ndarray, "m d"]) -> Row:
    """One decoder on both sets; a decoder that cannot do it says why."""
    try:
        space = p.space.with_decoder(name)
        generated, objects = _figures(space, x, p, "decode")
        return Row(name, generated, _figures(space, copies, p, "decode copies")[0], objects[:EXAMPLES])
    except (ValueError, NotImplementedError, ArithmeticError) as problem:
        return Row(name, problem=" ".join(str(problem).split())[:300] or f"{type(problem).__name__} without a reason")


def _figures(space: Fitted, x: Float[np.ndarray, "n d"], p: Prepared, stream: str) -> tuple[Figures, np.ndarray]:
    began = time.process_time()
    objects = space.decode(x, p.rng.child(stream))
    seconds = (time.process_time() - began) / len(x)
    figures = Figures(
        valid=float(space.valid(objects).mean()),
        novel=float(space.novel(objects).mean()),
        unique=float(space.unique(objects)),
        residual=float(np.sqrt(space.residual(objects, x)).mean()),
        seconds=seconds,
    )
    return figures, objects


def _to_nearest(p: Prepared, x: Float[np.ndarray, "n d"]) -> float:
    """Mean distance to the training object that is nearest in H."""
    if hasattr(p.space, "nearest"):
        which = p.space.nearest(x)
    else:
        norm = np.sqrt(p.space.weights)
        which = nearest(x * norm, p.problem.x * norm)
    return float(np.sqrt(p.space.residual(p.data.train[which], x)).mean())


def lines(table: dict[str, Any]) -> Sequence[str]:
    """The table (as `to_dict` writes it) as aligned text: generated coordinates first, then copies."""
    head = ["decoder", "coordinates", *(title for _, title, _ in COLUMNS)]
    body, reasons = [], []
    for row in table["rows"]:
        for which in ("generated", "copies"):
            if row[which] is not None:
                body.append([row["decoder"], which, *(f"{row[which][name]:.{digits}f}" for name, _, digits in COLUMNS)])
        reasons += [f"{row['decoder']}: {row['problem']}"] if row["problem"] else []
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    out = [
        "  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True)))
        for line in [head, *body]
    ]
    reference = f"nearest training object: residual {table['nearest']:.3f} (generated), {table['nearest_copies']:.3f} (copies)"
    many = f"{table['count']} generated, {table['copies']} training objects"
    return [*out, *reasons, f"{reference}; {many}"]

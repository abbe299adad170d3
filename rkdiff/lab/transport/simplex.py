"""A path over the simplex of three laws: particles that turn from one dataset into another, or into a mixture of all.

    walked = outcome(simplex([None, make("data", "two_moons"), make("data", "eight_gaussians")], [(1, 0, 0), (0.2, 0.4, 0.4)]))

One network learns what each law contributes to every mixture (`rkdiff.methods._simplex`), and any path over the simplex is a walk
with it. A mixture here is a sum, sum_k alpha_k x_k of independent draws, not a mixture of densities: half-way between two clouds stands
their sum at half size. The particles begin as fresh draws of the first mixture, and the end is set beside fresh draws of the last.

The job takes {"data": three sources or "noise", "path": weights, "particles", "seed", "iterations"}.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError, from_dict, shown
from rkdiff.core.records import Progress, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.data import Source
from rkdiff.lab._ranges import every, refuse_unknown
from rkdiff.lab._setting import setting
from rkdiff.lab.play import pack_walk
from rkdiff.methods._pairs import Sample
from rkdiff.methods._simplex import SimplexTraining, along, mixed, train_simplex
from rkdiff.processes.slices import directions, squared_wasserstein

#: Laws, the most corners of a path, steps of a walk, and the range of the training steps.
LAWS, CORNERS, STEPS, ITERATIONS = 3, 12, 40, (10, 20_000)
#: Directions of the sliced distance at the end, and pairs of fresh draws behind its floor.
DIRECTIONS, PAIRS = 64, 12
#: Most fresh draws of the last mixture that come with a walk.
TARGET = 600


@dataclass(frozen=True)
class SimplexWalk:
    """Particles along a path over the simplex.

    Attributes:
        trajectory: u is the share of the path, curves "weight 0", ... the weights along it.
        weights: (T, 3) the same.
        titles: of the laws.
        target: fresh draws of the last mixture, at most 600.
        error: sliced 2-Wasserstein distance of the end to fresh draws of the last mixture; `floor` and `floor_sd` that of two fresh draws.
    """

    trajectory: Trajectory
    weights: Float[np.ndarray, "T k"]
    titles: tuple[str, ...]
    target: Float[np.ndarray, "m 2"]
    error: float
    floor: float
    floor_sd: float

    def to_dict(self) -> dict[str, Any]:
        """The packed trajectory (`rkdiff.lab.play.unpack_walk`), and what else is known."""
        told = {"titles": list(self.titles), "error": self.error, "floor": self.floor, "floor_sd": self.floor_sd}
        behind = {"target": np.round(self.target, 4).tolist()}
        return {**pack_walk(self.trajectory), "weights": self.weights.tolist(), **behind, **told}


def simplex(
    laws: Sequence[Source | None],
    path: Sequence[Sequence[float]],
    *,
    particles: int = 1000,
    seed: int = 0,
    iterations: int = 3000,
    device: str = "cpu",
) -> Generator[Progress, None, SimplexWalk]:
    """Learn the three laws together and walk the path.

    Args:
        laws: three datasets in the plane; None is the standard normal law.
        path: weights, three a corner, not negative and of sum 1; the walk is straight between them.

    Raises:
        PartError: other laws, a path that is none, or numbers out of range.
    """
    every(seed=seed, particles=particles)
    if isinstance(iterations, bool) or not isinstance(iterations, int) or not ITERATIONS[0] <= iterations <= ITERATIONS[1]:
        raise PartError(f"iterations is {shown(iterations)}; choose a whole number between {ITERATIONS[0]} and {ITERATIONS[1]}")
    weights = along(_corners(path), STEPS)
    samples = [_sampler(law, seed) for law in _checked(laws)]
    rng = Rng(seed).child("simplex")
    yield Progress("preparing", 0, 1)
    model = yield from train_simplex(samples, SimplexTraining(steps=iterations), rng=rng.child("fit"), device=device)
    x = model.walk(mixed(samples, weights[0], particles, rng.child("start")), weights, device)
    u = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(weights, axis=0)).sum(axis=1))])
    curves = {f"weight {k}": weights[:, k] for k in range(LAWS)}
    trajectory = Trajectory(u / u[-1], x, None, curves, 2 * (len(weights) - 1))
    truths = [mixed(samples, weights[-1], particles, rng.child(f"truth {k}")) for k in range(2 * PAIRS)]
    floors = [_sliced(a, b) for a, b in zip(truths[::2], truths[1::2], strict=True)]
    titles = tuple("Standard normals" if law is None else type(law).title() for law in laws)
    error = float(np.mean([_sliced(x[-1], truth) for truth in truths]))
    return SimplexWalk(
        trajectory, weights, titles, truths[0][:TARGET], error, float(np.mean(floors)), float(np.std(floors, ddof=1))
    )


def job(payload: Mapping[str, Any], device: str) -> Generator[Progress, None, dict[str, Any]]:
    """The walk of a payload.

    Raises:
        PartError: an entry that is missing, unknown or wrong, in one line.
    """
    allowed = ("data", "path", "particles", "seed", "iterations")
    refuse_unknown(payload, allowed)
    given = {k: v for k, v in payload.items() if v is not None}
    for name in ("data", "path"):
        if not isinstance(given.get(name), (list, tuple)):
            raise PartError(f"this job needs {name!r}, a list; got {shown(given.get(name))}")
    laws = [None if law == "noise" else from_dict("data", law) for law in given.pop("data")]
    walk = yield from simplex(laws, given.pop("path"), **given, device=device)
    return walk.to_dict()


def _checked(laws: Sequence[Source | None]) -> Sequence[Source | None]:
    if len(laws) != LAWS:
        raise PartError(f"there are {len(laws)} laws; give {LAWS}: datasets in the plane, or 'noise' for standard normals")
    for law in laws:
        if law is not None and law.modality != "points":
            raise PartError(f"{law.name!r} holds {law.modality}; the simplex takes points in the plane: choose such a dataset")
    return laws


def _sampler(law: Source | None, seed: int) -> Sample:
    """Draws of a law: fresh normals, or training points as they are."""
    if law is None:
        return lambda n, numbers: numbers.standard_normal((n, 2))
    x = setting(law, None, seed).problem.x
    return lambda n, numbers: x[numbers.integers(len(x), size=n)]


def _corners(path: Any) -> Float[np.ndarray, "c k"]:
    wrong = f"path is {shown(path)}; give 2 to {CORNERS} weights of {LAWS} shares each, not negative and of sum 1"
    if not isinstance(path, (list, tuple)) or not 2 <= len(path) <= CORNERS:
        raise PartError(wrong)
    for corner in path:
        if not isinstance(corner, (list, tuple)) or len(corner) != LAWS:
            raise PartError(wrong)
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) or not 0 <= v <= 1 for v in corner):
            raise PartError(wrong)
        if abs(sum(corner) - 1) > 1e-6:
            raise PartError(wrong)
    return np.array(path, dtype=float)


def _sliced(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> float:
    theta = directions(x.shape[1], DIRECTIONS, Rng(0).numpy("directions"))
    return float(np.sqrt(squared_wasserstein(np.sort(theta @ x.T, axis=1), np.sort(theta @ y.T, axis=1)).mean()))

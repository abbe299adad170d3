"""The quality bar: how good generated points are, each figure beside its noise floor.

A `Truth` is prepared once from the true samples and then measures any number of generated clouds. Where the law can be sampled, the
reference and the floors come from fresh points. Where data is finite and real, the reference is the held-out part, and the floor comes from
random splits of training and held-out points together; generated clouds are thinned so that all sizes agree. Every figure states its sizes.

    ratio = value / floor,     1 = as close to the truth as another true sample of that size

All distances are those of the coordinates given: multiply whitened coordinates by the square root of their weights first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.rng import Rng
from rkdiff.metrics.clouds import nearest
from rkdiff.processes.slices import directions, slice_constant, squared_energy, squared_wasserstein

#: Directions of the sliced figures (in the plane they are evenly spread, and then this is plenty) and pairs behind each floor.
DIRECTIONS, PAIRS = 64, 12
#: The reference holds at most this many points.
REFERENCE = 4000


@dataclass(frozen=True)
class Quality:
    """One figure beside its floor.

    Attributes:
        value: the figure itself.
        floor: its mean over pairs of true samples of the same sizes, and `floor_sd` the standard deviation of one such pair.
        sizes: points of the generated cloud and of the reference that were compared.
    """

    value: float
    floor: float
    floor_sd: float
    sizes: tuple[int, int]

    @property
    def ratio(self) -> float:
        """Value over floor: 1 is as good as a true sample."""
        return self.value / self.floor if self.floor > 0 else (1.0 if self.value == 0 else math.inf)


class Truth:
    """True samples, made ready to measure clouds of `n` points against.

    Figures: "sliced_wasserstein", "energy_distance" (both lower is better, ratio 1 is perfect), "memorisation" (1 none, 0 copies) and
    "spill" (1 none). The last two are left out where true points repeat each other so often that they say nothing.
    """

    def __init__(
        self,
        train: Float[np.ndarray, "t d"],
        held_out: Float[np.ndarray, "h d"],
        fresh: Float[np.ndarray, "f d"] | None,
        n: int,
        rng: Rng,
    ) -> None:
        for name, cloud in (("training", train), ("held-out", held_out)):
            if len(cloud) < 2:
                raise ValueError(f"the {name} part has {len(cloud)} points; a floor needs at least 2")
        self.train, self.rng = train, rng
        shuffle = rng.numpy("shuffle")
        if fresh is not None and len(fresh) >= 4:
            pool = fresh[shuffle.permutation(len(fresh))]
            m = min(REFERENCE, len(pool) // 2)
            self.reference, self.other = pool[:m], pool[m:]
        else:
            m = min(REFERENCE, len(held_out))
            self.reference, self.other = held_out[shuffle.permutation(len(held_out))[:m]], train
            pool = np.concatenate([train, held_out])
        self.m, self.n = m, min(n, len(pool) - m)
        theta = directions(train.shape[1], max(DIRECTIONS, 2 * train.shape[1]), rng.numpy("directions"))
        self._theta, self._c = theta, slice_constant(train.shape[1])
        self._sorted = np.sort(theta @ self.reference.T, axis=1)
        self._floors = self._cloud_floors(pool) | self._neighbour_floors(fresh if fresh is not None else held_out)

    def measure(self, generated: Float[np.ndarray, "n d"]) -> dict[str, Quality]:
        """All figures of a generated cloud (thinned at random to the size of the floor's samples where it is larger)."""
        if generated.shape[1:] != self.train.shape[1:] or len(generated) == 0 or not np.isfinite(generated).all():
            raise ValueError(
                f"the generated cloud has shape {generated.shape}; "
                f"give finite numbers in {self.train.shape[1]} coordinates, one point at least"
            )
        if len(generated) > self.n:
            generated = generated[self.rng.numpy("thin").permutation(len(generated))[: self.n]]
        values = self._distances(np.sort(self._theta @ generated.T, axis=1), self._sorted)
        if "memorisation" in self._floors:
            values["memorisation"] = float(np.median(nearest(generated, self.train))) / self._near_train
        if "spill" in self._floors:
            values["spill"] = float(np.quantile(nearest(generated, self.reference), 0.95)) / self._near_reference
        return {k: Quality(v, *self._floors[k], (len(generated), self.m)) for k, v in values.items()}

    def _distances(self, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        return {
            "sliced_wasserstein": math.sqrt(float(squared_wasserstein(x, y).mean())),
            "energy_distance": math.sqrt(self._c * float(squared_energy(x, y).mean())),
        }

    def _cloud_floors(self, pool: np.ndarray) -> dict[str, tuple[float, float]]:
        """Floors from disjoint random pairs of true samples; the pool is projected and sorted once."""
        p = self._theta @ pool.T
        order = np.argsort(p, axis=1)
        p = np.take_along_axis(p, order, axis=1)
        rows, generator = [], self.rng.numpy("floor")
        for _ in range(PAIRS):
            member = np.zeros(len(pool), np.uint8)
            pick = generator.permutation(len(pool))
            member[pick[: self.n]], member[pick[self.n : self.n + self.m]] = 1, 2
            side = member[order]
            rows.append(self._distances(p[side == 1].reshape(len(p), -1), p[side == 2].reshape(len(p), -1)))
        return {k: _mean_sd([r[k] for r in rows]) for k in rows[0]}

    def _neighbour_floors(self, fresh: np.ndarray) -> dict[str, tuple[float, float]]:
        """The denominators of memorisation and spill, and how much the two ratios vary for true samples of size n."""
        train, reference = nearest(fresh, self.train), nearest(self.other, self.reference)
        self._near_train, self._near_reference = float(np.median(train)), float(np.quantile(reference, 0.95))
        out, generator = {}, self.rng.numpy("neighbours")
        if self._near_train > 0:
            draws = [np.median(generator.choice(train, self.n)) / self._near_train for _ in range(PAIRS)]
            out["memorisation"] = (1.0, _mean_sd(draws)[1])
        if self._near_reference > 0:
            draws = [np.quantile(generator.choice(reference, self.n), 0.95) / self._near_reference for _ in range(PAIRS)]
            out["spill"] = (1.0, _mean_sd(draws)[1])
        return out


def _mean_sd(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1))


def quality(
    generated: Float[np.ndarray, "n d"],
    train: Float[np.ndarray, "t d"],
    held_out: Float[np.ndarray, "h d"],
    fresh: Float[np.ndarray, "f d"] | None,
    rng: Rng,
) -> dict[str, Quality]:
    """All figures of one generated cloud. For several clouds of one size, make the `Truth` once and `measure` each."""
    return Truth(train, held_out, fresh, len(generated), rng).measure(generated)

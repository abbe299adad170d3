"""What a learned sliced flow reaches, time by time: its law, unseen starts, memorisation, memory.

The law of the model at tau is shown by evenly spread starts (scrambled Sobol points, each a standard normal) carried there in 1, 4 or 12
calls, and set against fresh particle systems at the same tau, with the sliced distance

    sqrt(d) SW2,     SW2^2 = E_theta W2^2 along theta,     at most W2 and of its size in every dimension.

Every fresh system starts at independent standard normals. `floor` is the distance between such systems too: one as large as the model's
cloud, against those that the model is set against. So `law` over `floor` has evenly spread starts above and independent ones below: it
asks for the law that was learned, and early on, where systems still carry the noise of their starts, it is an easy bar.

`independent` has independent starts on both sides: the model at such starts against the same fresh systems. A map carries each start
alone and keeps their sampling noise to the end, which particles that move together lose; its floor `independent_floor` is what independent
draws of the flow's own law (points picked at random from one large system with evenly spread starts) are off by from the same systems.

Paired errors follow the
particles of fresh systems, whose starts the model never saw. The memorisation ratio is the mean distance to the nearest training point
over that of held-out points: below 1, what is drawn stands closer to the training points than new data does.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError, shown
from rkdiff.core.records import Progress
from rkdiff.experiment import Experiment
from rkdiff.lab._ranges import refuse_unknown
from rkdiff.methods._flow_map import LearnedFlow
from rkdiff.methods._particle_systems import Systems
from rkdiff.methods.learned_sliced_flow import LearnedSlicedFlow
from rkdiff.processes.slices import directions, squared_wasserstein
from rkdiff.samplers import start
from rkdiff.stages import Prepared, prepare

#: Shares of the clock log(1 + tau) at which the flow is looked at; calls of the model.
SHARES = (1 / 12, 1 / 4, 1 / 2, 3 / 4, 1.0)
CALLS = (1, 4, 12)
#: Points that show the model's law, fresh systems it is set against, and points of the large system behind the floor of independent draws.
POINTS, FRESH, LARGE = 4096, 3, 16384
#: Most particles of a fresh system, directions of the distance, and numbers in a quantile table of a frozen particle flow.
MOST, DIRECTIONS, QUANTILES = 4000, 128, 100
#: Seeds that a report may take.
SEEDS = 10


@dataclass(frozen=True)
class TimeFigures:
    """One seed at one tau; distances are sqrt(d) SW2, lists are by `CALLS`.

    Attributes:
        law: the model at evenly spread starts against fresh systems of independent starts.
        floor: a further system of independent starts, of as many points as the model, against these.
        independent, independent_floor: the model at independent starts in its most calls, and independent draws of the flow's law, each
            against the same fresh systems.
        held_out: the model against held-out data; `held_out_particles` a system, `held_out_floor` the training points.
        paired: root mean square distance to the particles of fresh systems with the same starts.
        memorised, memorised_particles: memorisation ratios of the model in its most calls, and of a system.
    """

    tau: float
    law: tuple[float, ...]
    floor: float
    independent: float
    independent_floor: float
    held_out: tuple[float, ...]
    held_out_particles: float
    held_out_floor: float
    paired: tuple[float, ...]
    memorised: float
    memorised_particles: float


@dataclass(frozen=True)
class Memory:
    """Bytes, in single precision.

    Attributes:
        network: everything the saved model holds.
        data: the training points, 4 m d.
        particles: what the particle flow needs at inference: data, the live particles, and the directions of every step.
        tables: a frozen particle flow that carries new points, 4 K L (2 Q + d): two quantile tables for each direction of each step.
        pool: the recorded systems while training; none of it is kept.
    """

    network: int
    data: int
    particles: int
    tables: int
    pool: int

    @property
    def honest(self) -> str:
        """Whether the network is smaller than the data, in one line."""
        given = f"The network takes {self.network:,} bytes and the training data {self.data:,}"
        if self.network < self.data:
            return f"{given}: here it is smaller than the data."
        return f"{given}: here it is larger than the data. It pays in calls, not in memory."


@dataclass(frozen=True)
class Report:
    """A learned flow, measured.

    Attributes:
        figures: of each seed, the figures of each time.
        train_seconds: CPU seconds of each seed's training, simulation included.
        sizes: points of the model and of a fresh system behind every distance.
    """

    title: str
    calls: tuple[int, ...]
    figures: tuple[tuple[TimeFigures, ...], ...]
    memory: Memory
    train_seconds: tuple[float, ...]
    sizes: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, with the honest line."""
        return {
            "title": self.title,
            "calls": list(self.calls),
            "figures": [
                [{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(f).items()} for f in s] for s in self.figures
            ],
            "memory": asdict(self.memory) | {"honest": self.memory.honest},
            "train_seconds": list(self.train_seconds),
            "sizes": list(self.sizes),
        }


def report(experiment: Experiment, seeds: int = 1, device: str = "cpu") -> Generator[Progress, None, Report]:
    """Train the experiment's flow for `seeds` seeds from its own one on, and measure each.

    Raises:
        PartError: the method is not the learned sliced flow, it has entropy (no map), or seeds out of range.
    """
    method = experiment.method
    if not isinstance(method, LearnedSlicedFlow):
        raise PartError(f"this report is about the method 'learned_sliced_flow'; the experiment has {method.name!r}")
    if method.entropy:
        raise PartError(
            f"this report measures a map, and with entropy {method.entropy:g} only the drift is learned; choose entropy 0"
        )
    _checked(seeds)
    figures, seconds = [], []
    for k in range(seeds):
        p = prepare(replace(experiment, seed=experiment.seed + k), device)
        yield Progress("preparing", k, seeds)
        began, pool = time.process_time(), 0
        systems = method.recorded(p.problem)
        model, pool = yield from method.learn(p.problem, p.rng.child("fit"))
        seconds.append(round(time.process_time() - began, 2))
        figures.append((yield from measured(model, systems, p)))
        memory = _memory(model, systems, p, pool)
    return Report(experiment.title, CALLS, tuple(figures), memory, tuple(seconds), (POINTS, _size(systems)))


def measured(model: LearnedFlow, systems: Systems, p: Prepared) -> Generator[Progress, None, tuple[TimeFigures, ...]]:
    """A trained model's figures at each time, against fresh systems of its experiment's own problem."""
    rng, d, n = p.rng.child("report"), p.space.dim, _size(systems)
    rows = sorted({max(1, round(share * (len(systems.times) - 1))) for share in SHARES})
    fresh, total = [], FRESH + 3
    for k in range(FRESH):
        yield Progress("simulating fresh systems", k, total)
        fresh.append(systems.path(start("iid", n, d, rng.child(f"fresh {k}")), rng.child(f"fresh {k}"))[rows])
    other = systems.path(start("iid", POINTS, d, rng.child("other")), rng.child("other"))[rows]
    yield Progress("simulating fresh systems", FRESH + 1, total)
    unseen = systems.path(start("sobol", POINTS, d, rng.child("unseen")), rng.child("unseen"))
    yield Progress("simulating fresh systems", FRESH + 2, total)
    large = systems.path(start("sobol", LARGE, d, rng.child("large")), rng.child("large"))[rows]
    drawn = large[:, rng.numpy("drawn").permutation(LARGE)[:POINTS]]
    even, iid = (start(kind, POINTS, d, rng.child(kind)) for kind in ("sobol", "iid"))
    near = _Nearest(p.problem.x, p.space.encode(p.data.held_out))
    far = Sliced(d, rng.numpy("directions"))
    out = []
    for i, row in enumerate(rows):
        yield Progress("measuring", i, len(rows))
        tau = float(systems.times[row])
        carried = [model.sample(even, tau, calls) for calls in CALLS]
        alone = model.sample(iid, tau, CALLS[-1])
        paths = [model.sample(unseen[0].astype(float), tau, calls) for calls in CALLS]
        out.append(
            TimeFigures(
                tau=tau,
                law=tuple(far.mean(x, [f[i] for f in fresh]) for x in carried),
                floor=far.mean(other[i], [f[i] for f in fresh]),
                independent=far.mean(alone, [f[i] for f in fresh]),
                independent_floor=far.mean(drawn[i], [f[i] for f in fresh]),
                held_out=tuple(far.mean(x, [near.held_out]) for x in carried),
                held_out_particles=far.mean(fresh[0][i], [near.held_out]),
                held_out_floor=far.mean(p.problem.x, [near.held_out]),
                paired=tuple(float(np.sqrt(((x - unseen[row]) ** 2).sum(1).mean())) for x in paths),
                memorised=near.ratio(carried[-1]),
                memorised_particles=near.ratio(fresh[0][i]),
            )
        )
    return tuple(out)


class Sliced:
    """sqrt(d) SW2 along directions that never change."""

    def __init__(self, d: int, generator: np.random.Generator) -> None:
        self.theta = directions(d, max(DIRECTIONS, 4 * d), generator)

    def __call__(self, x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> float:
        a, b = (np.sort(self.theta @ v.T.astype(float), axis=1) for v in (x, y))
        return float(np.sqrt(x.shape[1] * squared_wasserstein(a, b).mean()))

    def mean(self, x: Float[np.ndarray, "n d"], others: list[np.ndarray]) -> float:
        """The mean distance to several clouds."""
        return float(np.mean([self(x, y) for y in others]))


class _Nearest:
    """Distances to the nearest training point, beside those of held-out points."""

    def __init__(self, train: Float[np.ndarray, "m d"], held_out: Float[np.ndarray, "h d"]) -> None:
        from scipy.spatial import cKDTree

        self.tree, self.held_out = cKDTree(train), held_out
        self.usual = float(self.tree.query(held_out)[0].mean())

    def ratio(self, x: Float[np.ndarray, "n d"]) -> float:
        """The memorisation ratio; infinite where held-out points are training points."""
        return float(self.tree.query(x)[0].mean()) / self.usual if self.usual else float("inf")


def _checked(seeds: Any) -> int:
    if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= SEEDS:
        raise PartError(f"seeds is {shown(seeds)}; choose a whole number between 1 and {SEEDS}")
    return seeds


def _size(systems: Systems) -> int:
    return min(systems.particles, MOST)


def _memory(model: LearnedFlow, systems: Systems, p: Prepared, pool: int) -> Memory:
    (m, d), steps, lines = p.problem.x.shape, len(systems.times) - 1, systems.directions
    particles = 4 * m * d + 4 * systems.particles * d + 4 * steps * lines * d
    return Memory(model.bytes, 4 * m * d, particles, 4 * steps * lines * (2 * QUANTILES + d), pool)


def job(payload: Mapping[str, Any], device: str) -> Generator[Progress, None, dict[str, Any]]:
    """Payload: "experiment" as `Experiment.to_dict` writes it, and "seeds" (1)."""
    refuse_unknown(payload, ("experiment", "seeds"))
    if "experiment" not in payload:
        raise PartError("this job needs 'experiment'")
    work = report(Experiment.from_dict(payload["experiment"]), _checked(payload.get("seeds", 1)), device)
    return (yield from work).to_dict()

"""Independent particle systems: what a learned sliced-Wasserstein flow is taught with.

Each system starts at standard normals of its own and follows the sliced-Wasserstein flow to the same training points, one
exponential-Euler step between two recorded times (Liutkus et al. 2019, algorithm 1, in the natural time tau),

    X_{j+1} = X_j + (1 - exp(-dtau)) v_j(X_j) + sqrt(lambda s*^2 (1 - exp(-2 dtau))) Z,

with v_j the drift of the whole system, s*^2 the mean variance of the target's coordinates and lambda the share of entropy. Systems know
nothing of each other: pairs (X_0, X_j) from many systems are what averages the noise of a finite system out of a regression. Starts are
scrambled Sobol points through the inverse normal (Owen 1998), each one standard normal by itself: a system of n independent starts is off
the normal law by about n^-1/2, is carried to the data all the same, and so teaches a map that is right for its own starts only.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Problem
from rkdiff.methods._sliced_flow import SlicedFlow
from rkdiff.samplers import start

#: Most bytes of recorded positions; from larger systems a random part of the particles is kept.
ROOM = 256_000_000
#: Fewest particles in the system of one class.
FEWEST = 32


@dataclass(frozen=True)
class Systems:
    """What is simulated: `count` systems of `particles` particles at each of the recorded `times`.

    Attributes:
        times: (T,) rising from 0.
        entropy: lambda; 0 is the flow without noise.
        scale: s*^2, the mean variance of the target's coordinates.
        classes: whether each class gets systems of its own beside those of all data.
    """

    flow: SlicedFlow
    times: Float[np.ndarray, " T"]
    count: int
    particles: int
    entropy: float
    scale: float
    classes: bool

    @property
    def directions(self) -> int:
        """Directions along which one step matches a system to its target."""
        return len(self.flow.directions(0.0))

    def path(self, x0: Float[np.ndarray, "n d"], rng: Rng, c: int = ANY) -> Float[np.ndarray, "T n d"]:
        """One system that starts at `x0`, at every recorded time, float32."""
        return self._one(x0, c, rng)[0]

    def record(self, problem: Problem, rng: Rng) -> Generator[Progress, None, Pool]:
        """Simulate every system; reports each."""
        asked = self._asked(problem)
        d, steps = problem.x.shape[1], len(self.times) - 1
        room = ROOM // (4 * (steps + 1) * d * self.count * (2 if self.entropy else 1))
        x, v, labels, done = [], [], [], 0
        for c, n in asked.items():
            keep = min(n, max(FEWEST, room * n // sum(asked.values())))
            for r in range(self.count):
                own = rng.child(f"system {r} of {c}")
                path, pull = self._one(start("sobol", n, d, own), c, own)
                kept = np.sort(own.numpy("kept").permutation(n)[:keep])
                x.append(path[:, kept].transpose(1, 0, 2))
                v += [pull[:, kept].transpose(1, 0, 2)] if self.entropy else []
                labels.append(np.full(keep, c))
                done += 1
                yield Progress("simulating systems", done, self.count * len(asked))
        return Pool(self.times, np.concatenate(x), np.concatenate(v) if v else None, np.concatenate(labels))

    def _asked(self, problem: Problem) -> dict[int, int]:
        """Particles of the systems of all data, and of each class."""
        out = {ANY: self.particles}
        if self.classes and problem.labels is not None:
            found, counts = np.unique(problem.labels, return_counts=True)
            share = counts / counts.sum()
            out |= {int(c): max(FEWEST, round(self.particles * s)) for c, s in zip(found, share, strict=True)}
        return out

    def _one(
        self, x0: Float[np.ndarray, "n d"], c: int, rng: Rng
    ) -> tuple[Float[np.ndarray, "T n d"], Float[np.ndarray, "T1 n d"]]:
        """The positions of one system at the recorded times, and its drift at all but the last."""
        x, steps = to_torch(x0), len(self.times) - 1
        path = np.empty((steps + 1, *x0.shape), dtype=np.float32)
        pull = np.empty((steps if self.entropy else 0, *x0.shape), dtype=np.float32)
        path[0] = x0
        label = None if c == ANY else torch.full((len(x0),), c)
        for j in range(steps):
            before, after = float(self.times[j]), float(self.times[j + 1])
            v = self.flow.drift(x, before, label=label, rng=rng)
            x = x - math.expm1(before - after) * v
            if self.entropy:
                pull[j] = to_numpy(v)
                z = rng.child(f"step {j}").numpy("noise").standard_normal(x0.shape)
                x = x + step_noise(self.entropy, self.scale, before, after) * to_torch(z)
            path[j + 1] = to_numpy(x)
        return path, pull


def step_noise(entropy: float, scale: float, before: float, after: float) -> float:
    """Standard deviation sqrt(lambda s*^2 (1 - exp(-2 dtau))) of the noise of a step."""
    return math.sqrt(-entropy * scale * math.expm1(2 * (before - after)))


@dataclass(frozen=True)
class Pool:
    """The particles of all systems at the recorded times.

    Attributes:
        x: (p, T, d) positions, float32.
        v: (p, T - 1, d) drifts, where there is noise; without noise the positions tell them.
        labels: (p,) class of each particle's system, ANY where it flows to all data.
    """

    times: Float[np.ndarray, " T"]
    x: Float[np.ndarray, "p T d"]
    v: Float[np.ndarray, "p T1 d"] | None
    labels: Int[np.ndarray, " p"]

    @property
    def bytes(self) -> int:
        """What it takes while the flow is learned; nothing of it is kept."""
        return self.x.nbytes + (0 if self.v is None else self.v.nbytes)

"""Bridges against diffusion when steps are few: the same step, the same data, and what the training costs.

The reference is the noising chain x' = (1 - gamma) x + sqrt(2 gamma) z, a number N of steps long: too short, for small N, to reach the
standard normals that both start from. For each N there stand side by side

    diffusion   the chain reversed with its exact mean, E[x_k | x_{k+1}], which the data's exact denoiser gives: the first half-step
                of iterative proportional fitting, and nothing is trained
    bridge n    the chain after n rounds of fitting by turns, learned by small networks (De Bortoli et al. 2021); bridge 1 is diffusion
                again, learned, so that the gap between these two is what training misses

and for each the sliced 2-Wasserstein distance to fresh data beside its floor, the cloud it ends with, and the CPU seconds of training. What
may be seen is that a bridge needs fewer steps of sampling, at the price of several trainings; no claim is made about the sum of both.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError, from_dict, shown
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.data import Source
from rkdiff.lab._bands import Band
from rkdiff.lab._judge import judge
from rkdiff.lab._ranges import refuse_unknown, whole
from rkdiff.lab._setting import Setting, setting
from rkdiff.methods._ipf import fit_ipf
from rkdiff.methods._ipf_chain import Chain, Given, simulate
from rkdiff.methods._ipf_ends import normals, resampled
from rkdiff.methods._ipf_regressors import Network

#: Lengths that are compared, and how many may be.
STEPS, LENGTHS = (5, 10, 20, 50), 8
#: Rounds after which a bridge is measured.
ROUNDS = (1, 3, 5)
#: How velocities are learned unless one says otherwise.
SMALL = Network(600, 48, 3)
#: Points of a cloud that are kept.
CLOUD = 600
#: Least and most of the numbers of a payload that are this study's own.
MOST_STEPS, MOST_FITS, MOST_SEEDS, GAMMA = 200, 5, 10, (1e-3, 0.5)


@dataclass(frozen=True)
class Walked:
    """One way at one length.

    Attributes:
        steps: N; `rounds` 0 is diffusion with its exact mean, n the bridge after n rounds.
        distance: sliced 2-Wasserstein distance to fresh data, over the seeds.
        seconds: mean CPU seconds of training until this round; 0 for diffusion.
        cloud: where at most 600 particles of the first seed end, in the coordinates.
    """

    steps: int
    rounds: int
    distance: Band
    seconds: float
    cloud: Float[np.ndarray, "n d"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {"steps": self.steps, "rounds": self.rounds, "seconds": self.seconds}
        return plain | {"distance": self.distance.to_dict(), "cloud": np.round(self.cloud, 4).tolist()}


@dataclass(frozen=True)
class BridgeStudy:
    """Every way at every length.

    Attributes:
        gamma: time of a step; N steps last N * gamma.
        truth: at most 600 points of the data, in the coordinates.
        floor, floor_sd: the distance between two samples of the truth, and its deviation.
        seeds, particles: behind every distance.
    """

    gamma: float
    ways: tuple[Walked, ...]
    truth: Float[np.ndarray, "n d"]
    floor: float
    floor_sd: float
    seeds: int
    particles: int

    def of(self, rounds: int) -> tuple[Walked, ...]:
        """One way at every length, by length; `rounds` 0 is diffusion."""
        return tuple(sorted((w for w in self.ways if w.rounds == rounds), key=lambda w: w.steps))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        numbers = {k: getattr(self, k) for k in ("gamma", "floor", "floor_sd", "seeds", "particles")}
        return numbers | {"ways": [w.to_dict() for w in self.ways], "truth": np.round(self.truth, 4).tolist()}


def bridges(
    source: Source,
    *,
    steps: Sequence[int] = STEPS,
    fits: int = 3,
    gamma: float = 0.02,
    particles: int = 1000,
    seed: int = 0,
    seeds: int = 2,
    network: Network | None = None,
    device: str = "cpu",
) -> Generator[Progress, None, BridgeStudy]:
    """Measure diffusion and bridges of a few lengths; half a minute of one processor with these defaults.

    Args:
        steps: lengths N, from 1 to 200.
        fits: rounds of fitting by turns, 1 to 5; bridges are measured after 1, 3 and 5 of them and after the last.
        gamma: time of one step, 0.001 to 0.5.
        seed: of the data; training and starts are those of `seeds` seeds from this one on.
        network: how the velocities are learned; a small one if left out.

    Raises:
        PartError: a number out of its range, or data that cannot be written as points.
    """
    _check(steps, fits, gamma, particles, seed, seeds)
    s = setting(source, None, seed)
    yield Progress("preparing", 0, 1)
    judged = judge(s, particles)
    measured_at = sorted({n for n in (*ROUNDS, fits) if n <= fits})
    lengths, out = tuple(sorted(set(steps))), []
    for i, n in enumerate(lengths):
        ends: dict[int, list[np.ndarray]] = {r: [] for r in (0, *measured_at)}
        seconds: dict[int, list[float]] = {r: [] for r in (0, *measured_at)}
        for k in range(seeds):
            done = 100 * (i * seeds + k)
            for event in _one(s, n, fits, gamma, particles, seed + k, network or SMALL, device):
                if isinstance(event, Progress):
                    share = done + round(100 * event.done / event.total)
                    yield Progress("fitting bridges", share, 100 * len(lengths) * seeds, event.values)
                else:
                    rounds, end, spent = event
                    if rounds in ends:
                        ends[rounds].append(end)
                        seconds[rounds].append(spent)
        for r, clouds in ends.items():
            band = Band.of(np.array([[judged(x)] for x in clouds]))
            out.append(Walked(n, r, band, round(float(np.mean(seconds[r])), 3), clouds[0][:CLOUD]))
    total = 100 * len(lengths) * seeds
    yield Progress("fitting bridges", total, total)
    return BridgeStudy(gamma, tuple(out), s.problem.x[:CLOUD], judged.floor, judged.floor_sd, seeds, particles)


def _one(
    s: Setting, steps: int, fits: int, gamma: float, particles: int, seed: int, network: Network, device: str
) -> Generator[Progress | tuple[int, Float[np.ndarray, "n d"], float], None, None]:
    """One length and seed: progress, and (rounds, where the particles end, CPU seconds of training) for each way."""
    rng, chain = Rng(seed).child(f"bridges {steps}"), Chain.ornstein_uhlenbeck(steps, gamma * steps)
    z = to_torch(s.normals(seed, particles), device)

    def walk(velocity: Any) -> np.ndarray:
        with torch.no_grad():
            noise = Rng(seed).child("noise").torch("bridges")
            return to_numpy(simulate(chain, velocity, z, None, noise, to_target=True, last_noise=False)[-1])

    yield 0, walk(ExactReversal(chain, s.exact(device))), 0.0
    x = to_torch(s.problem.x, device).float()
    work = fit_ipf(normals(x), resampled(x), chain, network, half_steps=2 * fits - 1, paths=2048, rng=rng)
    while True:
        try:
            yield next(work)
        except StopIteration as end:
            found = end.value
            break
    for i, field in enumerate(found.s2t):
        yield i + 1, walk(field), found.seconds[2 * i]


class ExactReversal:
    """The exact first half-step: the mean of the noising chain's step before, given where a particle stands.

    Given x_0, the node after k of the chain's steps is N(a_k x_0, v_k I) with a_k = prod (1 - g), and the step to the next one has the
    factor 1 - g and the variance 2 g, so that E[x_k | x_{k+1}] = (a_k / v_k D + (1 - g) / (2 g) x_{k+1}) / (1 / v_k + (1 - g)^2 / (2 g)),
    where D = E[x_0 | x_{k+1}]; for k = 0 it is D.
    """

    def __init__(self, chain: Chain, denoiser: Any) -> None:
        self.chain, self.denoiser = chain, denoiser
        gammas = chain.pull * chain.lengths[::-1]
        factor = np.concatenate([[1.0], np.cumprod(1 - gammas)])
        variance = [0.0]
        for g in gammas:
            variance.append((1 - g) ** 2 * variance[-1] + 2 * g)
        self.gammas, self.a, self.v = gammas, factor, variance

    def __call__(self, x: torch.Tensor, t: float, y: Given) -> torch.Tensor:
        """The velocity that leads to that mean over the step from the node at time t."""
        k = self.chain.steps - int(np.abs(self.chain.times - t).argmin()) - 1  # steps from the data to the end of this move
        g, a, v = float(self.gammas[k]), float(self.a[k]), self.v[k]
        d = self.denoiser.denoise(x / float(self.a[k + 1]), math.sqrt(self.v[k + 1]) / float(self.a[k + 1]))
        before = d if v == 0 else (a / v * d + (1 - g) / (2 * g) * x) / (1 / v + (1 - g) ** 2 / (2 * g))
        moved: torch.Tensor = (before - x) / float(self.chain.lengths[::-1][k])
        return moved


def job(payload: Mapping[str, Any], device: str) -> Generator[Progress, None, dict[str, Any]]:
    """The study as a job: "data", and what is not left to the defaults of steps, fits, gamma, particles, seed, seeds.

    Raises:
        PartError: an entry that is missing, unknown or wrong.
    """
    allowed = ("data", "steps", "fits", "gamma", "particles", "seed", "seeds")
    refuse_unknown(payload, allowed)
    given = {k: v for k, v in payload.items() if v is not None}
    if "data" not in given:
        raise PartError("this job needs 'data'")
    source = from_dict("data", given.pop("data"))
    if source.modality != "points":
        raise PartError(f"data {source.name!r} are {source.modality}; bridges are compared on points of the plane")
    numbers: dict[str, Any] = {"steps": STEPS, "fits": 3, "gamma": 0.02, "particles": 1000, "seed": 0, "seeds": 2} | given
    _check(**numbers)
    study = yield from bridges(source, **numbers, device=device)
    return study.to_dict()


def _check(steps: Any, fits: Any, gamma: Any, particles: Any, seed: Any, seeds: Any) -> None:
    if not isinstance(steps, (list, tuple)) or not 1 <= len(steps) <= LENGTHS or not all(_count(n, MOST_STEPS) for n in steps):
        raise PartError(f"steps is {shown(steps)}; give 1 to {LENGTHS} whole numbers between 1 and {MOST_STEPS}")
    if not _count(fits, MOST_FITS):
        raise PartError(f"fits is {shown(fits)}; choose a whole number between 1 and {MOST_FITS}")
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float)) or not GAMMA[0] <= gamma <= GAMMA[1]:
        raise PartError(f"gamma is {shown(gamma)}; choose a number between {GAMMA[0]} and {GAMMA[1]}")
    if not _count(seeds, MOST_SEEDS):
        raise PartError(f"seeds is {shown(seeds)}; choose a whole number between 1 and {MOST_SEEDS}")
    whole("particles", particles)
    whole("seed", seed)


def _count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most

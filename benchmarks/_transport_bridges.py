"""Bridges: how short exact ones may be, trained ones against diffusion at few steps, and covariances against the closed form.

"short bridge": the exact 2-Wasserstein distance of the generated law to N(3, 0.25) after half-steps of iterative proportional fitting; no
seed, no training. "N steps": sliced 2-Wasserstein distance to fresh data of diffusion with its exact mean and of trained bridges, all with
steps of the same length, over the floor, with the CPU seconds of training. "covariance": the largest error of an entry of Cov(X_0, X_1)
between two correlated Gaussians with eps = 0.4, whose Schroedinger bridge has it in closed form.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks._bars import Verdict, at_most, below, values
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, to_numpy, to_torch, torch
from rkdiff.lab.transport.bridges import bridges
from rkdiff.lab.transport.short_bridge import short_bridge
from rkdiff.methods._bridge_matching import fit_bridge_matching
from rkdiff.methods._bridge_regressors import Affine
from rkdiff.methods._ipf import fit_ipf
from rkdiff.methods._ipf_chain import Chain, simulate
from rkdiff.methods._ipf_regressors import LeastSquares
from rkdiff.methods._light_fit import fit_light_bridge
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.gaussians.transport import entropic_coupling

#: The printed table: after 1, 3, 5, ... half-steps, by time.
PRINTED = {0.1: (1.601, 0.979, 0.632, 0.417, 0.278, 0.186), 0.25: (0.836, 0.304, 0.115, 0.043, 0.016, 0.006)}
LENGTHS = (5, 10, 20, 50)
#: The pair of Gaussians and the variance of the reference.
A = Gaussian(np.zeros(2), np.array([[1.0, 0.6], [0.6, 1.5]]))
B = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2.0]]))
EPS, POINTS = 0.4, 20_000


def rows(seeds: int, device: str = "cpu", data: str = "two_moons,eight_gaussians", fits: str = "5") -> Iterator[Row]:
    """The exact table, then every dataset, length and way for each seed, then the covariances."""
    record = short_bridge()
    for time_, distances in zip(record.times, record.distances, strict=True):
        for half, value in zip(record.half_steps, distances, strict=True):
            yield Row("N(3, 0.25)", f"short bridge, T = {time_:g}", 0, f"half-step {half}", float(value))
    for name in data.split(","):
        for seed in range(seeds):
            study = outcome(bridges(make("data", name), steps=LENGTHS, fits=int(fits), seed=seed, seeds=1, device=device))
            for w in study.ways:
                way = f"bridge, {w.rounds} rounds" if w.rounds else "diffusion, exact mean"
                yield Row(name, f"{way}, {w.steps} steps", seed, "distance", w.distance.mean[0], study.floor, w.seconds)
    exact = entropic_coupling(A, B, EPS)
    for way, solve in {"light bridge": _light, "bridge matching": _matched, "fitting by turns": _turns}.items():
        for seed in range(seeds):
            began = time.process_time()
            found = solve(Rng(seed))
            yield Row(
                "two Gaussians",
                way,
                seed,
                "covariance error",
                float(np.abs(found - exact).max()),
                None,
                time.process_time() - began,
            )


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """The exact table to its digits, a short bridge against a diffusion of its length, and covariances."""
    out = []
    for time_, printed in PRINTED.items():
        line = f"short bridge, T = {time_:g}"
        gap = [np.abs(values(rows, "N(3, 0.25)", line, f"half-step {2 * k + 1}") - v) for k, v in enumerate(printed)]
        out.append(at_most(f"{line}: largest gap to the printed digits", np.concatenate(gap), 5e-4, 5))
    five = (values(rows, "two_moons", f"{way}, 5 steps", "distance") for way in ("bridge, 5 rounds", "diffusion, exact mean"))
    out.append(below("two_moons, 5 steps: bridge after 5 rounds", *five, "diffusion with its exact mean"))
    bars = {"light bridge": 0.05, "bridge matching": 0.05, "fitting by turns": 0.1}  # the last has the bias of its 50 steps
    for way, bar in bars.items():
        out.append(at_most(f"covariance of {way}", values(rows, "two Gaussians", way, "covariance error"), bar))
    return out


def _result(work: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)).T @ (y - y.mean(0)) / len(x)


def _ends(rng: Rng) -> tuple[Callable[[int, np.random.Generator], np.ndarray], np.ndarray]:
    return A.sample, B.sample(POINTS, rng.numpy("data"))


def _light(rng: Rng) -> np.ndarray:
    source, target = _ends(rng)
    plan = _result(fit_light_bridge(source, target, EPS, rng, components=1, full=True))
    x = source(POINTS, rng.numpy("start"))
    return _cross(x, to_numpy(plan.draw(to_torch(x), 0.0, rng.child("draw"))))


def _matched(rng: Rng) -> np.ndarray:
    source, target = _ends(rng)
    found = _result(fit_bridge_matching(source, target, EPS**0.5, Affine(), rng, rounds=20, pairs=POINTS))
    last: np.ndarray = found.couplings[-1]
    return last


def _turns(rng: Rng) -> np.ndarray:
    like = torch.zeros(1, 2, dtype=torch.float64)
    a, b = (to_torch(np.linalg.cholesky(law.cov)) for law in (A, B))
    shift = to_torch(B.mean)
    source = lambda n, y, generator: randn((n, 2), generator, like) @ a.T
    data = lambda n, generator: (shift + randn((n, 2), generator, like) @ b.T, None)
    chain = Chain.brownian(50, EPS**0.5)
    found = outcome(fit_ipf(source, data, chain, LeastSquares(), half_steps=39, paths=POINTS, rng=rng))
    generator = rng.torch("ends")
    paths = simulate(chain, found.s2t[-1], source(POINTS, None, generator), None, generator, to_target=True)
    return _cross(to_numpy(paths[0]), to_numpy(paths[-1]))

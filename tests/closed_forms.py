"""Laws with known answers, and small helpers, that several tests stand on."""

from __future__ import annotations

import numpy as np

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import torch
from rkdiff.methods import Method, Problem
from rkdiff.processes.gaussians import Gaussian
from rkdiff.processes.mixture import Mixture
from rkdiff.processes.schedules import Grid, Schedule
from rkdiff.samplers import Sampler, Walk

#: Two correlated Gaussians in the plane, whose bridges and couplings are known.
CORRELATED = Gaussian(np.zeros(2), np.array([[1, 0.6], [0.6, 1.5]]))
OPPOSED = Gaussian(np.array([1.0, -0.5]), np.array([[0.5, -0.2], [-0.2, 2]]))


def three_modes() -> Mixture:
    """Three elongated Gaussians in the plane, of two classes."""
    means = np.array([[1.0, 0.5], [-1.2, 0.3], [0.2, -1.1]])
    covs = np.array([[[0.10, 0.04], [0.04, 0.05]], [[0.04, 0.0], [0.0, 0.2]], [[0.15, -0.1], [-0.1, 0.12]]])
    return Mixture(np.array([0.3, 0.5, 0.2]), means, covs, np.array([0, 1, 1]))


def one_gaussian() -> Mixture:
    """A single correlated Gaussian off the centre."""
    return Mixture(np.ones(1), np.array([[0.5, -0.3]]), np.array([[[0.8, 0.3], [0.3, 0.4]]]), np.zeros(1, dtype=int))


def problem_of(x: np.ndarray, labels: np.ndarray | None = None) -> Problem:
    """Points in flat coordinates, all of weight 1."""
    return Problem(x, np.ones(x.shape[1]), labels)


def fitted(method: Method, problem: Problem, seed: int = 0) -> Model:
    """The model that a method returns, its progress thrown away."""
    return outcome(method.fit(problem, Rng(seed)))


def part_of(schedule: Schedule, steps: int, nu_max: float, nu_min: float) -> Grid:
    """A stretch of a schedule's clock between two noise levels, evenly spaced in t; it does not end at 0."""
    ends = schedule.t_of_logsnr(-2 * np.log(np.array([nu_max, nu_min])))
    t = np.linspace(ends[0], ends[1], steps + 1)
    return Grid(t, schedule.alpha(t), schedule.sigma(t), schedule.alpha_dot(t), schedule.sigma_dot(t))


def even_in_logsnr(steps: int, nu_max: float, nu_min: float) -> Grid:
    nu = np.geomspace(nu_max, nu_min, steps + 1)
    return Grid(nu, np.ones_like(nu), nu)


class Linear(Denoiser):
    """The denoiser of N(0, v I), with one variance for each label and another for none."""

    def __init__(self, any_class: float, *of_class: float) -> None:
        self.variances, self.classes = [*of_class, any_class], len(of_class)

    def denoise(self, x, nu, label=None):
        v = torch.tensor(self.variances, dtype=x.dtype)[label if label is not None else torch.full((len(x),), -1)]
        return (v / (v + nu**2))[:, None] * x


class _Probe(Walk):
    """A walk whose every normal is a unit vector of its own."""

    draws: int = 1

    def noise(self, i, k=0):
        e = torch.zeros(self.shape, dtype=torch.float64)
        e[0, 1 + i * self.draws + k] = 1.0
        return e


def output_variance(
    sampler: Sampler, model: Denoiser, grid: Grid, start: float, label: int | None = None, draws: int = 1
) -> float:
    """The exact variance of what a linear model's sampler puts out, from N(0, start): no Monte-Carlo.

    One particle in 1 + N draws coordinates: the start is the first unit vector and each normal that a step draws has one of the others, so
    the end holds the coefficient of every random number. `draws`: normals that a step draws at the most.
    """
    steps = len(grid.t) - 1
    n = 1 + steps * draws
    walk = _Probe(model, grid, Rng(0), (1, n), None if label is None else torch.tensor([label]), "cpu")
    walk.draws = draws
    x = torch.zeros((1, n), dtype=torch.float64)
    x[0, 0] = start**0.5
    for i in range(steps):
        x = sampler.step(walk, i, x)
    return float((x**2).sum())

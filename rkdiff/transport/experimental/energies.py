"""Experimental. Energies of a cloud of particles, with their Wasserstein gradients.

    potential       J = mean V(x_i)                                             gradient  grad V(x_i)
    interaction     J = mean_ij W(x_i - x_j) / 2,  W even                       gradient  mean_j grad W(x_i - x_j)
    sliced          J = SW2^2(x, target) / 2                                    gradient  mean theta (<theta, x_i> - target of its rank)
    energy distance J = E|x - y| - E|x - x'| / 2 - E|y - y'| / 2  (an MMD)      gradient  mean_j unit(x_i - y_j) - mean_j unit(x_i - x_j)

The Wasserstein gradient is n times the derivative by x_i: particles that follow minus it follow the energy's gradient flow. None of these
holds an entropy, which a cloud of points does not have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from rkdiff.processes.slices import quantile_targets, ranked, squared_wasserstein
from rkdiff.transport._clouds import room

#: A function of points and its gradient.
Field = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Energy(ABC):
    """A functional of a cloud; energies add with `+`."""

    @abstractmethod
    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        """The energy and its Wasserstein gradient at every particle."""

    def __add__(self, other: Energy) -> Energy:
        return Sum(self, other)


@dataclass(frozen=True, eq=False)
class Sum(Energy):
    """Two energies at once."""

    first: Energy
    second: Energy

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        (a, da), (b, db) = self.first(x), self.second(x)
        return a + b, da + db


@dataclass(frozen=True, eq=False)
class Potential(Energy):
    """A height V over space: `field` maps points (n, d) to their heights (n,) and gradients (n, d)."""

    field: Field

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        value, gradient = self.field(x)
        return float(value.mean()), gradient


@dataclass(frozen=True, eq=False)
class Interaction(Energy):
    """Attraction or repulsion by an even function W of differences: `field` maps (k, d) to values (k,) and gradients (k, d)."""

    field: Field

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        n, d = x.shape
        room(n, n, d)
        value, gradient = self.field((x[:, None] - x[None]).reshape(-1, d))
        return float(value.mean()) / 2, gradient.reshape(n, n, d).mean(axis=1)


@dataclass(frozen=True, eq=False)
class Sliced(Energy):
    """Half the squared sliced distance to a target over fixed directions (l, d), unit rows."""

    target: Float[np.ndarray, "m d"]
    theta: Float[np.ndarray, "l d"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        p, y = self.theta @ x.T, np.sort(self.theta @ self.target.T, axis=1)
        order = ranked(p)
        ordered = np.take_along_axis(p, order, axis=1)
        back = np.empty_like(p)
        np.put_along_axis(back, order, ordered - quantile_targets(y, len(x)), axis=1)
        return float(squared_wasserstein(ordered, y).mean()) / 2, back.T @ self.theta / len(self.theta)


@dataclass(frozen=True, eq=False)
class EnergyDistance(Energy):
    """Half the squared energy distance to a target, the maximum mean discrepancy of the kernel -|x - y|."""

    target: Float[np.ndarray, "m d"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "n d"]]:
        (xy, to_y), (xx, to_x) = _units(x, self.target), _units(x, x)
        return xy - (xx + self._own) / 2, to_y - to_x

    @cached_property
    def _own(self) -> float:
        return _units(self.target, self.target)[0]


def _units(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean distance, and the mean unit vector from y to each x (0 where they coincide)."""
    room(len(x), len(y), x.shape[1])
    away = x[:, None] - y[None]
    far = np.sqrt((away**2).sum(-1))
    return float(far.mean()), (away / np.where(far > 0, far, 1.0)[..., None]).mean(axis=1)

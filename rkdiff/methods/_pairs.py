"""Pairs of points of a source and a target, coupled however one likes: what a velocity is learned from.

draw = coupled(source, target, "ot", group=128)                 # any two samplers: (count, generator) -> points
pairs = draw(256, np.random.default_rng(0))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY
from rkdiff.methods._couplings import coupling_named


@dataclass(frozen=True)
class Pairs:
    """Coupled points.

    Attributes:
        label: class of each pair, ANY for none; None where no pair has one.
        given: what the network is told of each pair besides (data-dependent couplings), or None.
    """

    x0: Float[np.ndarray, "n d"]
    x1: Float[np.ndarray, "n d"]
    label: Int[np.ndarray, " n"] | None = None
    given: Float[np.ndarray, "n k"] | None = None


#: A sampler of one end: how many, and random numbers.
Sample = Callable[[int, np.random.Generator], Float[np.ndarray, "n d"]]
#: A sampler of coupled ends.
Draw = Callable[[int, np.random.Generator], Pairs]


def coupled(source: Sample, target: Sample, coupling: str = "independent", sigma: float = 1.0, group: int = 128) -> Draw:
    """Pairs from two samplers of ends, coupled `group` at a time by one of `_couplings.COUPLINGS`."""
    match = coupling_named(coupling)

    def draw(count: int, generator: np.random.Generator) -> Pairs:
        x0, x1 = source(count, generator), target(count, generator)
        return Pairs(x0, x1[matched(x0, x1, match, generator, sigma, group)])

    return draw


def matched(
    x0: Float[np.ndarray, "n d"],
    x1: Float[np.ndarray, "n d"],
    match: Callable[..., Int[np.ndarray, " k"]],
    generator: np.random.Generator,
    sigma: float,
    group: int,
) -> Int[np.ndarray, " n"]:
    """The partner of every source point, where only those of one group of consecutive points are matched with each other."""
    parts = [slice(k, k + group) for k in range(0, len(x0), group)]
    return np.concatenate([k.start + match(x0[k], x1[k], generator, sigma) for k in parts])


def no_class(count: int) -> Int[np.ndarray, " n"]:
    """Labels that ask for no class."""
    return np.full(count, ANY, dtype=np.int64)

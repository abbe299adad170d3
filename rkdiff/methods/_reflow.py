"""Reflow: the ends of a learned flow's own paths, as the coupling for the next (Liu et al. 2023, algorithm 1).

    pairs (z, ODE(z)) of the flow  ->  straight-line flow matching on these pairs  ->  the next flow

Every round lowers, or keeps, the cost of every convex function of x_1 - x_0, and rounds without end make the flow straight. Straight is
not optimal: between Gaussians whose covariances do not commute the map is straight after one round and stays as costly as it was. Errors
of the laws add up round by round, because each learns from the samples of the one before. Pairs can also run the other way, from the data
back to their sources: these end at the data itself (Kim et al. 2025).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.methods._interpolants import Interpolant
from rkdiff.methods._pairs import Draw, Pairs
from rkdiff.methods._velocity import Training, VelocityModel
from rkdiff.methods._velocity_training import Report, flowed, train_velocity

#: Heun steps along which the pairs are made.
STEPS = 20


def ends_of(
    model: VelocityModel,
    source: Float[np.ndarray, "n d"],
    target: Float[np.ndarray, "m d"],
    *,
    label: Int[np.ndarray, " n"] | None = None,
    target_label: Int[np.ndarray, " m"] | None = None,
    steps: int = STEPS,
    device: str = "cpu",
) -> Pairs:
    """The two ends of the flow's paths from the source points, and of those that end at the target points (none: an empty array).

    Args:
        label: class that each path from the source is asked for, ANY for none.
        target_label: class along which each target point goes back.
    """
    told = [None if v is None or not model.classes else v for v in (label, target_label)]
    ahead = flowed(model, source, steps, label=told[0], heun=True, device=device)
    back = target
    if len(target):
        back = flowed(model, target, steps, label=told[1], heun=True, backward=True, device=device)
    x0, x1 = np.concatenate([source, back]), np.concatenate([ahead, target])
    if told[0] is None and told[1] is None:
        return Pairs(x0, x1)
    labels = [np.full(len(v), ANY) if at is None else at for v, at in zip((source, target), told, strict=True)]
    return Pairs(x0, x1, np.concatenate(labels))


def redrawn(pairs: Pairs) -> Draw:
    """Pairs drawn again and again, each as likely as any other."""

    def draw(count: int, generator: np.random.Generator) -> Pairs:
        pick = generator.integers(len(pairs.x0), size=count)
        return Pairs(pairs.x0[pick], pairs.x1[pick], None if pairs.label is None else pairs.label[pick])

    return draw


def reflow(
    model: VelocityModel,
    pairs: Pairs,
    training: Training,
    *,
    rng: Rng,
    weights: Float[np.ndarray, " d"] | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> Generator[Progress, None, VelocityModel]:
    """One round: learn the straight-line velocity of the pairs. The network goes on from the model's where both have the same shape."""
    begin = None if model.interpolant.noisy else model
    straight = yield from train_velocity(
        redrawn(pairs), training, rng=rng, interpolant=Interpolant(), weights=weights, classes=model.classes, device=device,
        begin=begin, report=report,
    )  # fmt: skip
    return straight

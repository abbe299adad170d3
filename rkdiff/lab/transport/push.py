"""Any cloud, drawn by hand, carried on by a learned sliced flow: composition of its maps from a moment of the clock to the end.

A map of two times G(x, s, t) takes particles wherever they stand, so a flow can be stopped at a moment, its cloud edited or drawn anew, and
carried on. What comes of a cloud that is far from where the flow's particles stand at that moment is the network's guess; nothing is
claimed of it. With entropy there is no map, and the cloud walks along the learned drift with the flow's noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import PartError, shown
from rkdiff.core.records import Trajectory
from rkdiff.core.rng import Rng
from rkdiff.experiment import Run
from rkdiff.lab._ranges import refuse_unknown
from rkdiff.lab.play import pack_walk
from rkdiff.methods._flow_map import LearnedFlow
from rkdiff.processes.schedules import Grid
from rkdiff.samplers import Sampler
from rkdiff.samplers.exponential_euler import ExponentialEuler
from rkdiff.samplers.flow_map import FlowMapJumps

#: Most points of a cloud, and most frames.
POINTS, FRAMES = 5000, 200
#: The entries of a payload and their bounds, where they are whole numbers: (default, least, most).
NUMBERS = {"frames": (48, 1, FRAMES), "calls": (4, 1, 48), "label": (-1, -1, 10_000)}


def push(
    model: LearnedFlow,
    cloud: Float[np.ndarray, "n d"],
    at: float,
    frames: int = 48,
    *,
    calls: int = 4,
    labels: Int[np.ndarray, " n"] | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> Trajectory:
    """The way of a cloud from the share `at` of the clock log(1 + tau) to the end, in `frames` steps.

    Args:
        at: 0 is the start (standard normals), below 1; the trajectory's u runs from here to 1.
        calls: of the map, from `at` to the end.
        seed: of the noise, where the flow has any.

    Raises:
        PartError: a share outside [0, 1).
        ValueError: a label that the model does not know, or particles that left the finite numbers.
    """
    if not 0 <= at < 1:
        raise PartError(f"at is {shown(at)}; choose a share of the clock from 0 to below 1")
    clock = np.linspace(at, 1.0, frames + 1)
    tau = np.expm1(np.log1p(model.horizon) * clock)
    tau[-1] = model.horizon
    grid = Grid(tau, np.ones(frames + 1), np.zeros(frames + 1), clock="tau")
    sampler: Sampler = ExponentialEuler() if model.entropy else FlowMapJumps(calls=calls)
    t = sampler.run(model, np.asarray(cloud, float), grid, Rng(seed).child("push"), labels=labels, device=device)
    return replace(t, u=np.interp(t.u, [0.0, 1.0], [at, 1.0]))


def pushed(run: Run, payload: Mapping[str, Any], device: str) -> dict[str, Any]:
    """A packed trajectory (`rkdiff.lab.play.unpack_walk`) of the payload's cloud through the flow that a run learned.

    `payload`: "cloud", (n, 2) points in the drawn plane; "at", the share of the clock (0); and, where not the usual ones, "frames",
    "calls" and "label".

    Raises:
        PartError: a run of another method, data that is not drawn in its own two coordinates, or a wrong entry.
    """
    given = read(payload)
    if run.experiment.method.name != "learned_sliced_flow":
        raise PartError(
            f"run {run.experiment.key} learned {run.experiment.method.name!r}; give a run whose method is 'learned_sliced_flow'"
        )
    d = len(run.model["mean"])
    if d != 2:
        raise PartError(f"a cloud is drawn in the plane and this run has {d} coordinates; give a run of data in the plane")
    cloud, label = given["cloud"], given["label"]
    labels = None if label < 0 else np.full(len(cloud), label)
    model = LearnedFlow.from_state(run.model, device)
    if label >= model.classes:
        raise PartError(
            f"label is {label} and this run knows {model.classes} classes; choose a smaller one, or leave it out for all data"
        )
    t = push(model, cloud, given["at"], given["frames"], calls=given["calls"], labels=labels, device=device)
    return pack_walk(t)


def read(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a payload beside the run, checked.

    Raises:
        PartError: an entry that is missing, unknown or wrong, in one line.
    """
    refuse_unknown(payload, ("run", "cloud", "at", *NUMBERS))
    out: dict[str, Any] = {"cloud": _cloud(payload.get("cloud")), "at": payload.get("at", 0.0)}
    at = out["at"]
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at < 1:
        raise PartError(f"at is {shown(at)}; choose a share of the clock from 0 to below 1")
    for name, (usual, low, high) in NUMBERS.items():
        value = payload.get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise PartError(f"{name} is {shown(value)}; choose a whole number between {low} and {high}")
        out[name] = value
    return out


def _cloud(value: Any) -> Float[np.ndarray, "n 2"]:
    """The drawn points.

    Raises:
        PartError: no list of pairs of finite numbers, or too many of them.
    """
    try:
        cloud = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        cloud = np.zeros(0)
    if cloud.ndim != 2 or cloud.shape[1] != 2 or not 1 <= len(cloud) <= POINTS:
        size = f"has shape {cloud.shape}" if cloud.size else f"is {shown(value)}"
        raise PartError(f"the cloud {size}; give a list of 1 to {POINTS} pairs of coordinates")
    if not np.isfinite(cloud).all():
        raise PartError("the cloud has coordinates that are not finite; give finite numbers")
    return cloud

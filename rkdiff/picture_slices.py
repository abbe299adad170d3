"""A sliced flow at work: the directions it really used, and the cloud and the data along each of them as sorted numbers.

    s_k(l, a) = quantile of { <theta_l, x_i(u_a)> } over the particles,      t_k(l, a) = quantile of { <theta_l, y_j> } over the data

at the levels (k + 1/2) / q. On a line the optimal matching for any convex cost joins equal ranks, so s_k is matched to t_k (Bonneel, Rabin,
Peyre and Pfister 2015). A flow draws new directions for each step; those of a moment are the ones of the step that begins there, from the
same stream of random numbers, and the cloud is projected along them once more where the next moment begins. A flow that runs in scaled
coordinates hands its directions over in those of the space, where they are given unit length again; ranks and matching stay the same.

In more than two dimensions the projections are those along the whole direction; its part in the plane is only where it is drawn, and the
directions kept are those that lie in the plane the most. A direction and its opposite are one, so each is turned to point upwards (or, if
level, to the right), and they are ordered by angle: an index stays near one orientation while directions are drawn anew.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import ANY, Model
from rkdiff.core.records import Trajectory
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem
from rkdiff.processes.schedules import Grid
from rkdiff.spaces import Fitted

#: Moments of the clock, directions at each, and quantiles along a direction.
MOMENTS, SHOWN, LEVELS = 25, 16, 33


def slices(model: Model, t: Trajectory, grid: Grid, problem: Problem, space: Fitted, rng: Rng) -> dict[str, np.ndarray]:
    """Arrays of `rkdiff.core.records.Slices`, under the names "slices.u", "slices.theta", ...; float32.

    Nothing comes of a model without directions, of one whose pull is no gap between quantiles, of particles asked for several classes
    (each class is then matched on its own, and no single matching exists), and of classes that flow jointly (directions then reach into
    the coordinates of the classes).

    Args:
        model: the model that was sampled.
        t: the cloud it moved, in the coordinates of the space.
        grid: the grid the sampler walked.
        problem: the data the model was fitted to.
        space: the space, which knows the drawn plane.
        rng: the family of streams the sampler was given.
    """
    directions, method = getattr(model, "directions", None), getattr(model, "method", None)
    asked = np.unique(t.labels) if t.labels is not None else np.array([ANY])
    joint = getattr(method, "classes", "apart") == "joint" and problem.labels is not None
    if not callable(directions) or getattr(method, "gap", "horizontal") != "horizontal" or len(asked) != 1 or joint:
        return {}
    y = problem.x if asked[0] == ANY or problem.labels is None else problem.x[problem.labels == asked[0]]
    steps = len(grid.t) - 1
    begin = np.unique(np.rint(np.linspace(0, steps - 1, min(MOMENTS, steps))).astype(int))
    u = grid.u[begin]
    clouds, theta = t.at(np.append(u, 1.0)), []
    for i in begin:
        theta.append(_shown(np.asarray(directions(float(grid.t[i]), rng.child(f"step {i}")), dtype=float), space))
    found = [
        (quantiles(x @ o.T), quantiles(after @ o.T), quantiles(y @ o.T))
        for o, x, after in zip(theta, clouds[:-1], clouds[1:], strict=True)
    ]
    source, later, target = (np.stack(part).astype(np.float32) for part in zip(*found, strict=True))
    plane = np.stack([space.plane(o) for o in theta]).astype(np.float32)
    return {
        "slices.u": u.astype(np.float32),
        "slices.theta": plane,
        "slices.source": source,
        "slices.later": later,
        "slices.target": target,
    }


def quantiles(projected: Float[np.ndarray, "n l"]) -> Float[np.ndarray, "l q"]:
    """The quantiles of each column at the middles of `LEVELS` equal shares."""
    return np.quantile(projected, (np.arange(LEVELS) + 0.5) / LEVELS, axis=0).T


def _shown(theta: Float[np.ndarray, "l d"], space: Fitted) -> Float[np.ndarray, "k d"]:
    """The directions that lie in the plane the most, turned upwards and ordered by their angle there."""
    theta = theta / np.linalg.norm(theta, axis=1, keepdims=True)
    plane = space.plane(theta)
    turned = np.where((plane[:, 1] < 0) | ((plane[:, 1] == 0) & (plane[:, 0] < 0)), -1.0, 1.0)[:, None]
    length = np.hypot(plane[:, 0], plane[:, 1])
    keep = np.sort(np.argsort(-length, kind="stable")[:SHOWN])
    angle = np.arctan2(*(turned * plane)[keep].T[::-1])
    return (turned * theta)[keep[np.argsort(angle, kind="stable")]]

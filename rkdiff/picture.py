"""What stands around a moving cloud: the truth's density, arrows of the field, classes, decoded objects.

Everything is computed once, while the run is made, as plain arrays in the coordinates that are drawn: those of the space's plane, with
every frame scaled to unit variance of signal plus noise, x / sqrt(alpha^2 + sigma^2).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Denoiser, Model
from rkdiff.core.records import Dataset, Progress, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.player.layout import spread
from rkdiff.spaces import Fitted
from rkdiff.spaces._kernel import FittedKernel

if TYPE_CHECKING:
    from rkdiff.experiment import Experiment

GRID = 15
MOMENTS = 25
#: Training objects that are linked to a particle, and objects in the Gram matrix that is kept.
PULLS, GRAM = 5, 80


def nearest(x: Float[np.ndarray, "n d"], train: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " n"]:
    """Which training point is nearest to each point."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(train).query(x)[1], dtype=np.int64)


def background(data: Dataset, space: Fitted, e: Experiment, rng: Rng) -> dict[str, np.ndarray]:
    """The truth's density in the plane, as a picture: from many fresh points where the law can be drawn from, else from the data."""
    from rkdiff.metrics.density import density

    fresh = e.data.fresh(20000 if data.modality == "points" else 3000, rng.child("density"))
    points = space.plane(space.encode(data.train if fresh is None else fresh.train))
    view = square(points)
    return {"density": density(points, view).astype(np.float32), "extent": np.array(view)}


def square(points: Float[np.ndarray, "n 2"], margin: float = 0.12) -> tuple[float, float, float, float]:
    """A square view that holds the points and the noise they come from (radius 3), with a margin."""
    low, high = np.quantile(points, 0.001, axis=0), np.quantile(points, 0.999, axis=0)
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-6) * (1 + margin)
    half = max(half, 2.6)
    return (float(centre[0] - half), float(centre[0] + half), float(centre[1] - half), float(centre[1] + half))


def arrows(model: Model, t: Trajectory, device: str) -> dict[str, np.ndarray]:
    """Velocity of the cloud, as it is drawn, on a fixed grid at moments of the clock.

    A diffusion's field is read off the model at the grid; a transport has no field away from its particles, so their velocities are
    averaged around each grid point and left out where no particle is near.
    """
    u = np.linspace(0.0, 1.0, MOMENTS)
    axis = np.linspace(-2.4, 2.4, GRID)
    at = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    v = _model_field(model, t, u, at, device) if isinstance(model, Denoiser) else _cloud_field(t, u, at)
    return {"arrows.u": u, "arrows.at": at.astype(np.float32), "arrows.v": v.astype(np.float32)}


def _model_field(model: Denoiser, t: Trajectory, u: np.ndarray, at: np.ndarray, device: str) -> np.ndarray:
    """With y = x / sqrt(1 + nu^2) the drawn point, dy/d(-nu) is proportional to sqrt(1 + nu^2) D - y (all classes)."""
    nus = np.interp(u, t.u, t.curves["sigma"] / t.curves["alpha"])
    out = np.zeros((len(u), *at.shape))
    for k, nu in enumerate(np.maximum(nus, 1e-2)):
        scale = float(np.sqrt(1 + nu**2))
        with torch.no_grad():
            d = to_numpy(model.denoise(to_torch(at * scale, device), float(nu)))
        out[k] = d * scale - at
    return out


def _cloud_field(t: Trajectory, u: np.ndarray, at: np.ndarray, reach: float = 0.25) -> np.ndarray:
    step = 0.5 / (len(u) - 1)
    ahead, behind = np.minimum(u + step, 1.0), np.maximum(u - step, 0.0)
    speed = (t.at(ahead) - t.at(behind)) / (ahead - behind)[:, None, None]
    where = t.at(u)
    out = np.zeros((len(u), *at.shape))
    for k in range(len(u)):
        d2 = ((at[:, None] - where[k][None]) ** 2).sum(-1)
        w = np.exp(-d2 / (2 * reach**2)) * (d2 < (3 * reach) ** 2)
        total = w.sum(1, keepdims=True)
        out[k] = np.where(total > 0.5, w @ speed[k] / np.maximum(total, 1e-12), 0.0)
    return out


def decoded(
    space: Fitted, t: Trajectory, train: Float[np.ndarray, "m d"], data: Dataset, e: Experiment, rng: Rng
) -> Generator[Progress, None, dict[str, np.ndarray]]:
    """Objects of the first `shown` particles along the clock, and of `decoded` particles at its end (structured data only)."""
    k, at_end = min(e.shown, t.x.shape[1]), min(max(e.shown, e.decoded), t.x.shape[1])
    if data.modality == "points" or not at_end:
        return {}
    out, shown = {}, list[np.ndarray]()
    if k:
        u, norm = np.linspace(0.0, 1.0, e.moments), np.sqrt(space.weights)
        for i, state in enumerate(t.drawn().at(u)[:, :k]):
            yield Progress("decoding", i, e.moments + 1)
            shown.append(space.decode(state, rng.child(f"decode {i}"), start=shown[-1] if shown else None))
        out = {
            "objects.u": u,
            "objects.values": np.stack(shown),
            "objects.nearest": space.shown(data.train[nearest(t.end[:k] * norm, train * norm)]),
            "objects.valid": np.stack([space.valid(s) for s in shown]),
            **_pulls(t, u, k, train, data.train_labels),
        }
        if data.modality == "graphs":
            out["objects.layout"] = _layouts(out["objects.values"])
    yield Progress("decoding", e.moments, e.moments + 1)
    rest = [space.decode(t.end[k:at_end], rng.child("decode end"))] if at_end > k else []
    return out | {"samples": np.concatenate([*shown[-1:], *rest])}


def _pulls(
    t: Trajectory, u: np.ndarray, k: int, train: Float[np.ndarray, "m d"], classes: Int[np.ndarray, " m"] | None
) -> dict[str, np.ndarray]:
    """Which training objects pull each shown particle: those of the largest weights in their exact posterior mean.

        E[x_0 | x_t] = sum_i w_i z_i,      w_i ~ exp(-|x_t - alpha z_i|^2 / (2 sigma^2)),

    The sum runs over the class that the particle was asked to become, where it was asked for one. Guidance moves particles in other ways
    too (a strength other than 1, pins), of which no weight tells. At the very end, where sigma is 0, it is taken as 0.001.
    """
    if "sigma" not in t.curves:
        return {}
    barred = np.zeros((k, len(train)), dtype=bool)
    if t.labels is not None and classes is not None:
        asked = t.labels[:k, None]
        barred = (asked >= 0) & (asked != classes[None])
    which, shares = [], []
    for moment, state in zip(u, t.at(u)[:, :k], strict=True):
        alpha, sigma = (float(np.interp(moment, t.u, t.curves[c])) for c in ("alpha", "sigma"))
        logits = -((state[:, None] - alpha * train) ** 2).sum(-1) / (2 * max(sigma, 1e-3) ** 2)
        logits[barred] = -np.inf
        w = np.exp(logits - logits.max(1, keepdims=True))
        w /= w.sum(1, keepdims=True)
        top = np.argsort(-w, axis=1, kind="stable")[:, :PULLS]
        which.append(top)
        shares.append(np.take_along_axis(w, top, axis=1))
    return {"objects.pull": np.stack(which).astype(np.int32), "objects.pull_weights": np.stack(shares).astype(np.float32)}


def embedding(space: Fitted, data: Dataset) -> dict[str, np.ndarray]:
    """The data's place in H, for spaces with a kernel: variances of the coordinates, those of the noise, a Gram matrix of some objects."""
    if not isinstance(space, FittedKernel):
        return {}
    order = np.argsort(data.train_labels, kind="stable") if data.train_labels is not None else np.arange(len(data.train))
    some = order[np.linspace(0, len(order) - 1, min(len(order), GRAM)).astype(int)]
    e = space.embedding
    return {
        "embedding.variances": e.variances,
        "embedding.noise": space.noise,
        "embedding.explained": e.explained,
        "embedding.gram": space.gram(data.train[some]).astype(np.float32),
        "embedding.gram_rows": some,
    }


def _layouts(values: np.ndarray) -> np.ndarray:
    """One place for each node of a particle along the whole clock, so that a drawing never jumps.

    The last graph decides; a node that it lacks is placed by the edges of the last moment that has it.
    """
    whole = values[-1].copy()
    for earlier in values[-2::-1]:
        new = np.diagonal(earlier, axis1=1, axis2=2) > np.diagonal(whole, axis1=1, axis2=2)
        whole = np.where(new[:, :, None] | new[:, None, :], np.maximum(whole, earlier), whole)
    return np.broadcast_to(spread(whole), (*values.shape[:3], 2)).astype(np.float32)

"""Records: the plain NumPy values that floors hand to each other.

T frames, n particles, d coordinates. Inside a diffusion the physical time t is 0 at the data and 1 at the noise; inside a transport
it is 0 at the source and grows to the target. A `Trajectory` carries the *screen's* clock u, always 0 at the noise and 1 at the
data, and the physical coordinates as named curves beside it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

T = TypeVar("T")


@dataclass(frozen=True)
class Dataset:
    """Objects of one modality, split into a training and a held-out part.

    Objects are ONE NumPy array whose first axis runs over objects: points (n, 2), curves (n, grid), images (n, h, w), graphs
    (n, N, N) uint8 adjacency whose diagonal is 1 where a node exists, strings (n, L) uint8 ASCII codes padded with 0 at the end, clouds
    (n, P, 2) floats whose P points have no order, tables (n, c) floats in which a category is its index (`meta["columns"]` says what
    each column is: name, type "number" | "integer" | "category", low and high, or levels).

    Attributes:
        law: the exact distribution the points come from, where one is known (see `rkdiff.processes.mixture`).
        meta: what a drawing needs and nothing else knows: grid of the curves, names of the classes, source.
    """

    name: str
    modality: str
    train: np.ndarray
    held_out: np.ndarray
    train_labels: Int[np.ndarray, " n"] | None = None
    held_out_labels: Int[np.ndarray, " m"] | None = None
    law: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """How many classes the labels name; 0 without labels."""
        return 0 if self.train_labels is None else int(self.train_labels.max()) + 1


@dataclass(frozen=True)
class Progress:
    """One report of long work: `done` of `total` within `stage`, numbers to plot, and perhaps a look at the cloud."""

    stage: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)
    snapshot: Float[np.ndarray, "n d"] | None = None


def outcome(work: Generator[Progress, None, T]) -> T:
    """Do work that reports progress to its end, without passing the reports on; returns what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Trajectory:
    """A moving cloud on the screen's clock: what every sampler returns.

    Attributes:
        u: (T,) strictly increasing from 0 (noise) to 1 (data).
        x: (T, n, d) positions in the coordinates of the space.
        labels: (n,) class of each particle, or None.
        curves: physical coordinates along u, each (T,): "t", "alpha", "sigma", "logsnr", "tau", ...
        calls: evaluations of the model that were really made for each particle (Heun counts two a step). A flow
            map's are those that its end took; looks on the way are not counted.
    """

    u: Float[np.ndarray, " T"]
    x: Float[np.ndarray, "T n d"]
    labels: Int[np.ndarray, " n"] | None = None
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    calls: int = 0

    def __post_init__(self) -> None:
        if self.x.shape[0] != len(self.u):
            raise ValueError(f"a trajectory with {len(self.u)} times has {self.x.shape[0]} frames; give one frame a time")
        if len(self.u) > 1 and not (np.diff(self.u) > 0).all():
            raise ValueError("the screen's clock u must increase strictly from the noise (0) to the data (1)")

    @property
    def end(self) -> Float[np.ndarray, "n d"]:
        """The cloud at the data's end."""
        return self.x[-1]

    def at(self, u: Float[np.ndarray, " F"]) -> Float[np.ndarray, "F n d"]:
        """Positions at any screen times, linear between frames: 20 steps and 200 steps share one clock."""
        if len(self.u) == 1:
            return np.repeat(self.x, len(u), axis=0)
        i = np.clip(np.searchsorted(self.u, u, side="right") - 1, 0, len(self.u) - 2)
        w = np.clip((u - self.u[i]) / (self.u[i + 1] - self.u[i]), 0.0, 1.0)[:, None, None]
        return (1 - w) * self.x[i] + w * self.x[i + 1]

    def drawn(self) -> Trajectory:
        """The same path as it is drawn: every frame scaled to unit variance of signal plus noise, x / sqrt(alpha^2 + sigma^2)."""
        if "alpha" not in self.curves:
            return self
        scale = np.hypot(self.curves["alpha"], self.curves["sigma"])[:, None, None]
        return replace(self, x=self.x / scale)

    def curve(self, name: str, u: Float[np.ndarray, " F"]) -> Float[np.ndarray, " F"]:
        """A physical coordinate at any screen times."""
        return np.interp(u, self.u, self.curves[name])


@dataclass(frozen=True)
class Density:
    """A picture under the samples: non-negative values on a grid over a rectangle, row 0 at the bottom."""

    values: Float[np.ndarray, "h w"]
    extent: tuple[float, float, float, float]  # x0, x1, y0, y1


@dataclass(frozen=True)
class Field:
    """Arrows along the clock: velocities on a fixed grid of points at each of A screen times."""

    u: Float[np.ndarray, " A"]
    at: Float[np.ndarray, "g 2"]
    v: Float[np.ndarray, "A g 2"]


@dataclass(frozen=True)
class Objects:
    """Decoded objects of a few particles along the clock, ready to draw.

    Attributes:
        kind: "curves" | "images" | "graphs" | "strings" | "clouds" | "tables".
        particles: (k,) which particle each object belongs to.
        u: (A,) screen times at which objects were decoded.
        values: (A, k, ...) the objects themselves, as `Dataset` writes them (images: grey in 0..1).
        layout: graphs only, (A, k, N, 2) node positions in the unit square, stable along the clock.
        nearest: (k, ...) the nearest training object of each final object, or None.
        valid: (A, k) whether each obeys the rules of its kind, or None.
        pull: (A, k, p) the training objects (rows of the panel's target) that pull each particle most at that moment, and `pull_weights`
            their shares of the exact posterior, falling; None where the model has no noise level.
        columns: tables only, what each column is.
        marks: curves only, (m, 2) values that every curve was asked to pass: the place (0 its beginning, 1 its end) and the value there.
    """

    kind: str
    particles: Int[np.ndarray, " k"]
    u: Float[np.ndarray, " A"]
    values: np.ndarray
    layout: np.ndarray | None = None
    nearest: np.ndarray | None = None
    valid: Bool[np.ndarray, "A k"] | None = None
    pull: Int[np.ndarray, "A k p"] | None = None
    pull_weights: Float[np.ndarray, "A k p"] | None = None
    columns: tuple[Mapping[str, Any], ...] = ()
    marks: Float[np.ndarray, "m 2"] | None = None


@dataclass(frozen=True)
class Slices:
    """A sliced flow at work: directions at some of its steps, and along each the cloud and its target as sorted numbers.

    On a line the optimal matching pairs numbers of equal rank, so entry k of `source` is matched to entry k of `target`.

    Attributes:
        u: (A,) screen times at which these steps begin, increasing; the directions hold until the next of them.
        theta: (A, L, 2) the part of each direction that lies in the drawn plane (in two dimensions the unit vector itself).
        source: (A, L, q) quantiles of <theta, x> over the cloud at u, in the coordinates of the space, ascending; level (k + 1/2) / q.
        later: (A, L, q) the same, along the same directions, where the next moment begins (or at the end).
        target: (A, L, q) the quantiles of the target along the same directions.
    """

    u: Float[np.ndarray, " A"]
    theta: Float[np.ndarray, "A L 2"]
    source: Float[np.ndarray, "A L q"]
    later: Float[np.ndarray, "A L q"]
    target: Float[np.ndarray, "A L q"]


@dataclass(frozen=True)
class Panel:
    """One moving picture: a two-dimensional trajectory and what is drawn under and beside it.

    Attributes:
        hue: "data" (blue), "model" (orange), "exact" (dark grey), "second" (green), "third" (purple).
        target: (m, 2) training points drawn small under the cloud, or None.
        notes: short lines of text under the title (quality figures, calls).
        slices: the directions of a sliced flow and the matchings along them, or None.
    """

    title: str
    trajectory: Trajectory
    hue: str = "model"
    density: Density | None = None
    arrows: Field | None = None
    objects: Objects | None = None
    target: Float[np.ndarray, "m 2"] | None = None
    notes: tuple[str, ...] = ()
    slices: Slices | None = None


@dataclass(frozen=True)
class Scene:
    """One to six panels that share a view, a clock and a direction.

    Attributes:
        view: x0, x1, y0, y1 of every panel.
        axes: names of the two coordinates.
        classes: names of the classes for the legend.
        direction: "backward" plays u from 0 to 1 (noise to data), "forward" from 1 to 0, "both" from 1 to 0 and back to 1 (then each
            panel's trajectory is the backward one and `forward` holds the noising one).
        slices: whether the directions of sliced flows are shown at first; where a panel has them they are one click away.
        drawing: whether a person may draw a cloud of their own on a panel.
        ends: what stands at u = 0 and at u = 1, as the clock calls them.
    """

    panels: tuple[Panel, ...]
    view: tuple[float, float, float, float]
    title: str = ""
    axes: tuple[str, str] = ("x", "y")
    direction: str = "backward"
    forward: tuple[Trajectory, ...] = ()
    classes: tuple[str, ...] = ()
    slices: bool = False
    drawing: bool = False
    ends: tuple[str, str] = ("noise", "data")

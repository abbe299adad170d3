"""Flow matching: a network learns the velocity that carries standard normals to the data along chosen paths.

    x_t = alpha x_0 + beta x_1 + gamma z,   b(x, t) = E[dx_t/dt | x_t = x],   dX/dt = b(X, t),   X_0 ~ N(0, I)

One class holds a family: with straight lines and independent ends it is flow matching, rectified flow and iterative alpha-(de)blending
(Lipman et al. 2023; Liu et al. 2023; Heitz et al. 2023, see `deblend`); with the assignment of each batch OT-CFM (Tong et al. 2024); with a
Brownian bridge and entropic partners of the same sigma the matching of a Schroedinger bridge's flow, as far as the coupling of batches is
that of the laws; with other weights stochastic interpolants (Albergo, Boffi and Vanden-Eijnden 2023), which also know a score and can
walk with noise; with reflow straighter paths (Liu et al. 2023). What differs is the coupling and the path; the law at the end is the same.

In one dimension there is nothing to choose: every such flow is the increasing map from the source's quantiles to the data's.

Ends are coupled within groups of points; a class, where one is asked for, is a problem of its own, so batches of lessons that name classes
couple only points of the same class, and lessons that name none couple all.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.model import Model
from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._couplings import COUPLINGS, coupling_named
from rkdiff.methods._interpolants import INTERPOLANTS, NOISY, Interpolant
from rkdiff.methods._moments import refuse_none
from rkdiff.methods._pairs import Draw, Pairs, matched, no_class
from rkdiff.methods._reflow import ends_of, reflow
from rkdiff.methods._velocity import Training, VelocityModel
from rkdiff.methods._velocity_training import PARTICLES, Report, train_velocity
from rkdiff.processes.schedules import Grid

#: Couplings that match one batch with the other.
MATCHED = ("ot", "sinkhorn", "immiscible")
#: Round counts of reflow from one on.
ROUNDS = (1, 2, 3)


@dataclass(frozen=True)
class FlowMatching(Transport):
    """A small network learns the velocity along straight lines (or others) between noise and data, coupled as you choose."""

    label: ClassVar[str] = "Flow matching"
    samplers: ClassVar[tuple[str, ...]] = ("transport_heun", "transport_euler")
    quick: ClassVar[Mapping[str, Any]] = {"steps": 20, "batch": 64, "pairs": 100}

    interpolant: str = knob(
        "linear",
        options=INTERPOLANTS,
        help="the path between two coupled points: a straight line, a quarter of a circle, through pure noise, or a Brownian bridge",
    )
    coupling: str = knob(
        "independent",
        options=tuple(COUPLINGS),
        help="which noise goes with which point: any, the nearest in all (exact or roughly), or drawn from the entropic plan",
    )
    sigma: float = knob(
        0.5,
        0.02,
        5.0,
        log=True,
        help="noise of a Brownian bridge, of a path through noise, and of sinkhorn partners, in units of the coordinates",
    )
    reflow: int = knob(
        0,
        0,
        3,
        help="rounds in which the flow learns again from its own end points: straighter paths; the law stays, the map may change "
        "and need not become optimal",
    )
    steps: int = knob(3000, 1, 20000, step=100, log=True, help="training steps (of each round): more is better and slower")
    width: int = knob(64, 4, 512, step=4, log=True, help="neurons in each hidden layer")
    layers: int = knob(3, 1, 6, help="hidden layers")
    rate: float = knob(0.005, 1e-4, 0.1, log=True, help="learning rate at its peak; it rises in the first steps and falls to 0")
    batch: int = knob(256, 8, 2048, step=8, log=True, advanced=True, help="pairs in each training step")
    group: int = knob(
        128,
        1,
        2048,
        log=True,
        advanced=True,
        when={"coupling": MATCHED},
        help="points that are matched with each other at a time: 1 is the independent coupling, more comes closer to the optimal one",
    )
    fourier: int = knob(32, 0, 128, advanced=True, help="random Fourier features of the position, for fine detail; 0 is off")
    noise: float = knob(
        0.0,
        0.0,
        10.0,
        advanced=True,
        when={"interpolant": NOISY, "reflow": (0,)},
        help="noise of the walk: e(t) = noise gamma(t)^2 of the stochastic differential equation with the same laws; 0 walks the flow",
    )
    class_share: float = knob(
        0.25, 0.0, 0.9, advanced=True, help="share of the training steps that name the class of each point; 0 learns no classes"
    )
    pairs: int = knob(
        10000,
        100,
        50000,
        step=100,
        log=True,
        advanced=True,
        when={"reflow": ROUNDS},
        help="pairs each round of reflow learns from",
    )
    pairs_from: str = knob(
        "both",
        options=("noise", "both"),
        advanced=True,
        when={"reflow": ROUNDS},
        help="pairs for reflow: from noise to wherever the flow ends, or half of them from the data back to their noise",
    )
    normalised: bool = knob(
        False, advanced=True, when={"reflow": ROUNDS}, help="in reflow, divide the loss of each sample by itself (held fixed)"
    )
    time_law: str = knob(
        "uniform",
        options=("uniform", "exponential"),
        advanced=True,
        when={"reflow": ROUNDS},
        help="times at which reflow learns: alike, or more of them near the data (density 10^t)",
    )

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, VelocityModel]:
        """Train, and again for each round of reflow; reports the loss and shows the cloud.

        Raises:
            PartError: no data, numbers that are not finite, or noise where no score is learned to walk with.
        """
        refuse_none(problem.x)
        if self.noise > 0 and self.interpolant not in NOISY:
            raise PartError(
                f"noise {self.noise:g} needs a path that mixes a Gaussian in and interpolant is {self.interpolant!r}; choose "
                f"interpolant {' or '.join(map(repr, NOISY))}, or noise 0"
            )
        if self.noise > 0 and self.reflow > 0:
            raise PartError(
                f"noise {self.noise:g} walks with a score and reflow is {self.reflow}, whose paths have none; choose reflow 0, or noise 0"
            )
        d, device = problem.x.shape[1], problem.device
        classes = problem.classes if self.class_share > 0 else 0
        looks = rng.numpy("look").standard_normal((PARTICLES, d))
        whole = self.steps * (1 + self.reflow)
        plain = Training(self.steps, self.batch, self.width, self.layers, self.rate, self.fourier)
        model = yield from train_velocity(
            self.drawn(problem), plain, rng=rng, interpolant=Interpolant(self.interpolant, self.sigma), weights=problem.weights,
            classes=classes, device=device, report=Report(0, whole, looks),
        )  # fmt: skip
        for k in range(self.reflow):
            again = rng.child(f"reflow {k + 1}")
            lessons = Training(
                self.steps, self.batch, self.width, self.layers, self.rate, self.fourier, self.time_law, self.normalised
            )
            ends = self.reflow_pairs(model, problem, again)
            report = Report(self.steps * (k + 1), whole, looks)
            model = yield from reflow(model, ends, lessons, rng=again, weights=problem.weights, device=device, report=report)
        model.noise_rate = self.noise
        return model

    def drawn(self, problem: Problem) -> Draw:
        """Pairs of standard normals and data, coupled as the knobs say."""
        x, labels, match = problem.x, problem.labels, coupling_named(self.coupling)

        def draw(count: int, generator: np.random.Generator) -> Pairs:
            pick, x0 = generator.integers(len(x), size=count), generator.standard_normal((count, x.shape[1]))
            x1 = x[pick]
            if labels is None or generator.random() >= self.class_share:
                partner = matched(x0, x1, match, generator, self.sigma, self.group)
                return Pairs(x0, x1[partner], None if labels is None else no_class(count))
            asked = labels[pick].astype(np.int64)
            partner = np.arange(count)
            for c in np.unique(asked):
                rows = np.flatnonzero(asked == c)
                partner[rows] = rows[matched(x0[rows], x1[rows], match, generator, self.sigma, self.group)]
            return Pairs(x0, x1[partner], asked)

        return draw

    def reflow_pairs(self, model: VelocityModel, problem: Problem, rng: Rng) -> Pairs:
        """The ends of the flow's own paths; with classes, the share that names them is asked for classes as frequent as the data's."""
        numbers, n = rng.numpy("pairs"), len(problem.x)
        back = self.pairs // 2 if self.pairs_from == "both" else 0
        ahead = self.pairs - back
        z, pick = numbers.standard_normal((ahead, problem.x.shape[1])), numbers.integers(n, size=self.pairs)
        named = numbers.random(self.pairs) < self.class_share
        label = None if problem.labels is None else np.where(named, problem.labels[pick], no_class(self.pairs))
        return ends_of(
            model,
            z,
            problem.x[pick[ahead:]],
            label=None if label is None else label[:ahead],
            target_label=None if label is None else label[ahead:],
            device=problem.device,
        )

    def backward(
        self, model: Model, problem: Problem, x: Float[np.ndarray, "n d"], grid: Grid, rng: Rng
    ) -> Float[np.ndarray, "T n d"] | None:
        """The flow without noise walked from the data to the source, with Heun's corrected steps."""
        if not isinstance(model, VelocityModel):
            raise PartError(f"{self.title()} goes back along its own velocity; got a {type(model).__name__}")
        y, frames = to_torch(x, problem.device), [x]
        for after, before in pairwise(float(t) for t in grid.t[::-1]):
            h = before - after
            first = model.velocity(y, after)
            y = y + h / 2 * (first + model.velocity(y + h * first, before))
            frames.append(to_numpy(y))
        return np.stack(frames[::-1])


def deblend(model: Model, x0: Float[torch.Tensor, "n d"], steps: int) -> Float[torch.Tensor, "n d"]:
    """Iterative alpha-(de)blending (Heitz et al. 2023, algorithm 4): the whole of flow matching's sampling in three lines.

    x_{alpha'} = x_alpha + (alpha' - alpha) D(x_alpha, alpha)
    """
    alpha = np.linspace(0.0, 1.0, steps + 1)
    for now, after in pairwise(alpha):
        x0 = x0 + float(after - now) * model.drift(x0, float(now))
    return x0

"""Diffusion Schroedinger bridges: a short chain between noise and data, fitted by turns in both directions.

Plain diffusion runs a noising process until it has forgotten the data. A bridge does not wait: it is the process closest to a reference
that has standard normals at one end and the data at the other, so a few steps can do. It is found by iterative proportional fitting: each
half-step simulates the chain in one direction and teaches a network its reversal (De Bortoli, Thornton, Heng and Doucet 2021;
`rkdiff.methods._ipf` has the formulas). The first half-step is a plain diffusion of that length. The price is several trainings, and
what comes out approximates the Schroedinger bridge as well as these trainings do.

References are Brownian motion of variance sigma^2 over the whole way, or the Ornstein-Uhlenbeck process of standard normals run for a
time T. The networks predict velocities at the time of the node that a step leaves, so a sampler may take more or fewer steps than the
chain has; the last step takes the mean, without noise. Fewer steps than the chain's make its drifts coarser, more refine only what lies
between its nodes. With labels the networks are told the class, as conditional bridges are told what was observed (Shi, De Bortoli,
Deligiannidis and Doucet 2022), and on half of the paths nothing, so that they know both.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Model
from rkdiff.core.parts import knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._ipf import TARGETS, Ipf, fit_ipf
from rkdiff.methods._ipf_chain import LAWS, Chain, Given, Velocity, node_times
from rkdiff.methods._ipf_ends import Data, normals
from rkdiff.methods._ipf_regressors import Network
from rkdiff.methods._moments import refuse_none
from rkdiff.processes.schedules import Grid

#: Share of the paths of labelled data that are told no class.
UNTOLD = 0.5
#: Paths simulated at a time, at the least, for each number that least squares fits in one coordinate.
PATHS_EACH = 4
#: Times closer to the target than this are the target.
LAST = 1e-9


@dataclass(frozen=True)
class DiffusionSchrodingerBridge(Transport):
    """A short random walk from noise to data and back, each direction learned from paths of the other."""

    label: ClassVar[str] = "Diffusion Schrödinger bridge"
    samplers: ClassVar[tuple[str, ...]] = ("transport_euler",)
    quick: ClassVar[Mapping[str, Any]] = {
        "chain": 5, "rounds": 2, "iterations": 10, "paths": 64, "width": 8, "batch": 32, "refresh": 10,
    }  # fmt: skip

    chain: int = knob(
        20, 5, 200, label="Steps of the chain", help="how many steps the trained chain has; a sampler may take others"
    )
    reference: str = knob(
        "brownian",
        options=("brownian", "ornstein_uhlenbeck"),
        help="what the bridge stays close to: Brownian motion, or the noising process of diffusion cut short",
    )
    sigma: float = knob(
        1.0, 0.1, 5.0, step=0.1, when={"reference": ("brownian",)},
        help="standard deviation of the Brownian reference over the whole way; small is nearly deterministic and fits slowly",
    )  # fmt: skip
    time: float = knob(
        0.5, 0.05, 5.0, step=0.05, when={"reference": ("ornstein_uhlenbeck",)},
        help="how long the noising process runs; diffusion needs 3 or more, a bridge much less",
    )  # fmt: skip
    rounds: int = knob(
        5, 1, 20,
        help="rounds of fitting by turns; 1 is a plain diffusion of this length. With few iterations worse than other methods",
    )  # fmt: skip
    iterations: int = knob(1000, 1, 20000, step=100, log=True, help="training steps of each direction in each round")
    target: str = knob(
        "plain", options=TARGETS, advanced=True,
        help="what the networks regress: the move itself, or the paper's formula, whose bias shows when steps are few",
    )  # fmt: skip
    gammas: str = knob(
        "constant", options=LAWS, label="Lengths of the steps", advanced=True,
        help="even, or growing geometrically to the middle, so that both ends are finely resolved",
    )  # fmt: skip
    conditional: bool = knob(True, help="where the data has labels, learn each class as well as the whole")
    width: int = knob(64, 4, 512, step=4, log=True, help="neurons in each hidden layer")
    layers: int = knob(3, 1, 6, help="hidden layers")
    rate: float = knob(0.005, 1e-4, 0.1, log=True, help="learning rate at its peak; it rises in the first steps and falls to 0")
    fourier: int = knob(32, 0, 128, help="random Fourier features of the position, for fine detail; 0 is off")
    batch: int = knob(512, 8, 4096, step=8, log=True, advanced=True, help="moves in each training step")
    paths: int = knob(
        2048, 64, 20000, step=64, log=True, advanced=True, help="paths that are simulated at a time and learned from"
    )
    refresh: int = knob(250, 1, 10000, log=True, advanced=True, help="training steps after which the paths are simulated anew")
    warm_start: bool = knob(
        True,
        advanced=True,
        help="begin each training at the network of the round before; off, at a new one, as in the paper",
    )

    def grid(self, steps: int) -> Grid:
        """Times at which a sampler stands, laid out as the chain's are."""
        t = node_times(steps, self.gammas)
        return Grid(t, np.ones(steps + 1), np.zeros(steps + 1))

    def links(self) -> Chain:
        """The chain that is trained."""
        if self.reference == "brownian":
            return Chain.brownian(self.chain, self.sigma, self.gammas)
        return Chain.ornstein_uhlenbeck(self.chain, self.time, self.gammas)

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, SchrodingerBridge]:
        """Train by turns; reports losses, and shows the cloud after each round.

        Raises:
            PartError: no data, or numbers that are not finite.
        """
        refuse_none(problem.x)
        x = to_torch(problem.x, problem.device).float()
        classes = problem.classes if self.conditional else 0
        labels = None if not classes else to_torch(np.asarray(problem.labels), problem.device)
        least = PATHS_EACH * (x.shape[1] + classes + 1)
        found = yield from fit_ipf(
            normals(x),
            _told(x, labels, classes),
            self.links(),
            Network(
                self.iterations, self.width, self.layers, self.rate, self.batch, self.refresh, self.fourier, self.warm_start
            ),
            half_steps=2 * self.rounds - 1,
            paths=max(self.paths, least),
            rng=rng,
            target=self.target,
        )
        return SchrodingerBridge(found, classes)

    def backward(
        self, model: Model, problem: Problem, x: Float[np.ndarray, "n d"], grid: Grid, rng: Rng
    ) -> Float[np.ndarray, "T n d"]:
        """The chain that leads from the data to the source: the one whose reversal was learned last."""
        assert isinstance(model, SchrodingerBridge)
        return model.back(x, grid.t, rng, problem.device)


def _told(x: Float[torch.Tensor, "n d"], labels: Int[torch.Tensor, " n"] | None, classes: int) -> Data:
    """Draws of the data, and what each path is told of its class: one-hot, or nothing."""

    def draw(n: int, generator: torch.Generator) -> tuple[torch.Tensor, Given]:
        pick = torch.randint(len(x), (n,), generator=generator).to(x.device)
        if labels is None:
            return x[pick], None
        told = (torch.rand(n, generator=generator) >= UNTOLD).to(x)
        return x[pick], told[:, None] * torch.nn.functional.one_hot(labels[pick], classes).to(x)

    return draw


class SchrodingerBridge(Model):
    """Two trained fields, one for each direction."""

    family = "transport"

    def __init__(self, found: Ipf, classes: int) -> None:
        self.found, self.classes = found, classes
        self.chain = found.chain
        self.s2t, self.t2s = found.s2t[-1], found.t2s[-1]

    def _asked(self, x: torch.Tensor, label: Int[torch.Tensor, " n"] | None) -> Given:
        if label is not None and not bool(((label >= ANY) & (label < self.classes)).all()):
            known = f"ask for {ANY} to {self.classes - 1}" if self.classes else f"it learned none; ask for none ({ANY})"
            raise ValueError(f"{type(self).__name__} does not know the class {int(label.max())}; {known}")
        if not self.classes:
            return None
        y = torch.zeros(len(x), self.classes + 1, dtype=x.dtype, device=x.device)
        return y[:, 1:] if label is None else y.scatter_(1, label[:, None] + 1, 1.0)[:, 1:]

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """Velocity of the chain at time t; within its last step whatever is left of the way to that step's end.

        Raises:
            ValueError: a class that was not learned.
        """
        return onwards(self.chain, self.s2t, x, t, self._asked(x, label))

    def noise(self, before: float, after: float) -> float:
        """The reference's, and none in the step that ends at the data."""
        return 0.0 if after > 1 - LAST else math.sqrt(self.chain.variance * (after - before))

    def back(
        self, x: Float[np.ndarray, "n d"], times: Float[np.ndarray, " T"], rng: Rng, device: str
    ) -> Float[np.ndarray, "T n d"]:
        """Points of the data on their way to the source, at rising times: frame 0 at the source."""
        at = to_torch(x, device)
        y, frames = self._asked(at, None), [x]
        first = float(self.chain.times[1])
        with torch.no_grad():
            for k, (after, before) in enumerate(pairwise(times[::-1].tolist())):
                h = after - before
                z = to_torch(rng.child(f"step {k}").numpy("normals").standard_normal(x.shape), device)
                at = at + h * self.t2s(at, max(after, first), y) + math.sqrt(self.chain.variance * h) * z
                frames.append(to_numpy(at))
        return np.stack(frames[::-1])

    def state(self) -> dict[str, np.ndarray]:
        """Both directions; the way back of a single iteration is the reference, which was not learned."""
        fields = {"s2t": self.s2t, "t2s": self.t2s}
        learned = {f"{k}.{n}": a for k, f in fields.items() if hasattr(f, "state") for n, a in f.state().items()}
        return {
            "times": self.chain.times,
            "variance": np.array(self.chain.variance),
            "pull": np.array(self.chain.pull),
            **learned,
        }


def onwards(chain: Chain, velocity: Velocity, x: Float[torch.Tensor, "n d"], t: float, y: Given) -> Float[torch.Tensor, "n d"]:
    """The velocity towards the target at any time.

    The last node with a velocity stands at t_{N-1}: from there on a step of any length covers its share of the way that is left to
    x + h v(x), the mean of the chain's last step.
    """
    last = float(chain.times[-2])
    v = velocity(x, min(t, last), y)
    return v if t <= last else v * (1 - last) / max(1 - t, LAST)

"""The learned sliced-Wasserstein flow: a map of two times, trained on independent particle systems.

    G(x, s, t) ~ X_t given X_s = x,      X the sliced-Wasserstein flow from standard normals to the data, 0 <= s <= t <= tau_max

The flow itself moves all particles together and needs the data at every step. Its characteristics do not: in a large system the velocity
is a field, and a particle's way depends on its start alone. R systems with starts of their own are simulated
(`rkdiff.methods._particle_systems`), and a small network learns where particles go from any recorded time to any later one
(`rkdiff.methods._flow_map`). One call then samples at any tau; a few calls, each from the end of the one before, follow the law closer,
because short jumps are smoother than long ones. One system alone teaches the noise of its own starts: more systems average it out.

With entropy the flow has noise (Liutkus et al. 2019, eq. 8) and no map: E[X_tau | X_0] shrinks to the mean of the data. The network then
learns the drift, and particles walk with noise in every step. With `classes` each class has systems that flow to its own points, and the
model takes a label; lessons without a label come from systems that flow to all data, never from a class's with the label hidden, which
would teach the mean of the classes' maps.

Known limits: as for the particles (`sliced_wasserstein_flow`: late times come to lie on training points, which a map can only follow so
far; the limit is not the optimal transport map in general). A map of independent starts keeps the sampling noise of its starts, which
particles that move together lose: evenly spread starts (Sobol) show the law that was learned. The network is a fixed size: smaller than
the data only where there is much of it.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress, outcome
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import randn, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._flow_map import LearnedFlow, Relaxation, no_map
from rkdiff.methods._flow_map_training import train
from rkdiff.methods._mlp import Perceptron
from rkdiff.methods._moments import refuse_none
from rkdiff.methods._particle_systems import Systems
from rkdiff.methods.sliced_wasserstein_flow import SlicedWassersteinFlow
from rkdiff.processes.schedules import Grid

#: Spread of the Fourier frequencies, for clouds of unit spread in the plane; kept the same along a line in more dimensions.
PITCH = 3.0


@dataclass(frozen=True)
class LearnedSlicedFlow(Transport):
    """A network that jumps along the sliced-Wasserstein flow, taught by many small particle systems; it keeps no data."""

    label: ClassVar[str] = "Learned sliced flow"
    samplers: ClassVar[tuple[str, ...]] = ("flow_map", "exponential_euler")
    quick: ClassVar[Mapping[str, Any]] = {"systems": 2, "particles": 64, "snapshots": 8, "iterations": 20, "width": 16}

    systems: int = knob(16, 1, 64, log=True, help="independent particle systems to learn from; one alone teaches its own noise")
    particles: int = knob(2048, 32, 20000, step=32, log=True, help="particles in each system")
    iterations: int = knob(6000, 1, 50000, step=100, log=True, help="how many training steps: more is better and slower")
    width: int = knob(128, 4, 512, step=4, log=True, help="neurons in each hidden layer")
    layers: int = knob(3, 1, 6, help="hidden layers")
    tau_max: float = knob(
        20.0, 1.0, 100.0, step=1.0, help="how far the flow is learned; longer comes closer to the training points"
    )
    entropy: float = knob(
        0.0,
        0.0,
        1.0,
        step=0.01,
        help="noise that spreads the particles, in units of the data's variance; above 0 the drift is learned, not the map",
    )
    classes: bool = knob(False, help="learn each class of labelled data as well, so that the model takes a label")
    directions: int = knob(0, 0, 1024, advanced=True, help="directions of each simulated step; 0 chooses by dimension")
    snapshots: int = knob(48, 4, 200, advanced=True, help="times at which the particles are recorded, beside the start")
    fourier: int = knob(
        32, 0, 128, advanced=True, help="random Fourier features of the position, for steep boundaries; 0 is off"
    )
    batch: int = knob(1024, 8, 8192, step=8, log=True, advanced=True, help="pairs of times in each training step")
    rate: float = knob(0.01, 1e-4, 0.1, log=True, advanced=True, help="learning rate at its peak")

    def grid(self, steps: int) -> Grid:
        """The times of the sliced-Wasserstein flow: from 0 to `tau_max`, evenly on the clock log(1 + tau)."""
        return self._flow.grid(steps)

    def fits(self, sampler: str) -> str:
        """Why a sampler of `samplers` cannot walk with these knobs; empty where it can."""
        return no_map(self.entropy) if sampler == "flow_map" and self.entropy else ""

    @property
    def _flow(self) -> SlicedWassersteinFlow:
        return SlicedWassersteinFlow(directions=self.directions, tau_max=self.tau_max)

    def recorded(self, problem: Problem) -> Systems:
        """The systems that it learns from, before they are simulated.

        Raises:
            PartError: no data, or classes of data without labels.
        """
        refuse_none(problem.x)
        if self.classes and problem.labels is None:
            raise PartError("LearnedSlicedFlow.classes is True and this data has no labels; choose False, or labelled data")
        simulated = Problem(problem.x, problem.weights, problem.labels, device="cpu")
        flow = outcome(self._flow.fit(simulated, Rng(0)))
        scale = float(problem.x.var(axis=0).mean())
        return Systems(flow, self.grid(self.snapshots).t, self.systems, self.particles, self.entropy, scale, self.classes)

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, LearnedFlow]:
        """Simulate the systems, then train; reports each system, the loss, and the cloud a dozen times."""
        return (yield from self.learn(problem, rng))[0]

    def learn(self, problem: Problem, rng: Rng) -> Generator[Progress, None, tuple[LearnedFlow, int]]:
        """`fit`, and how many bytes the recorded systems took."""
        systems = self.recorded(problem)
        pool = yield from systems.record(problem, rng.child("systems"))
        model = self._untrained(problem, systems.scale, rng)
        return (yield from train(model, pool, self.iterations, self.batch, self.rate, rng)), pool.bytes

    def _untrained(self, problem: Problem, scale: float, rng: Rng) -> LearnedFlow:
        """The affine map alone: the network's last layer starts at 0."""
        d, start = problem.x.shape[1], rng.torch("network")
        classes = problem.classes if self.classes else 0
        like = torch.zeros(1, dtype=torch.float32, device=problem.device)
        frequencies: Float[torch.Tensor, "d f"] = PITCH * math.sqrt(2 / d) * randn((d, self.fourier), start, like)
        net = Perceptron((LearnedFlow.inputs(d, self.fourier, classes), *[self.width] * self.layers, d))
        relaxation = Relaxation.of(np.asarray(problem.x, dtype=float), self.tau_max, self.entropy, problem.device)
        return LearnedFlow(net, net.start(start, like, output=0.0), frequencies, relaxation, classes, self.entropy, scale)

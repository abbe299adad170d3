"""Schroedinger bridge matching: two diffusions, from the noise and from the data, that come to agree.

Each learns its drift from pairs that the other has simulated (DSBM: Shi, De Bortoli, Campbell and Doucet 2023; `_bridge_matching` and
`_bridge_regressors` have the formulas):

    dX = b(X, t) dt + sigma dW  from the source,     dY = g(Y, s) ds + sigma dW  from the data, s = 1 - t

The pairs tend to those of the Schroedinger bridge, the entropic plan of eps = sigma^2; how near they are after a few rounds is a matter
of training, and what is drawn is the trained approximation. Between Gaussians in the plane the network's covariance of both ends is within
5 per cent of the bridge's after four rounds for sigma 1 and 0.5; for smaller sigma the error grows (5 to 8 per cent at 0.25). Where both
drifts have agreed, sigma^2 times the score is b + g, and the flow without noise that has the same marginals has the velocity (b - g) / 2.
With sigma = 0 nothing is drawn at random: the first training is flow matching on unpaired points, every later one goes on from pairs of
that flow (rectified flow, Liu et al. 2023), and the way back is the flow reversed. Labels are not used.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import Model
from rkdiff.core.parts import knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._bridge_matching import STARTS, Matched, fit_bridge_matching
from rkdiff.methods._bridge_network import Network
from rkdiff.methods._bridge_regressors import Affine, Field, Regressor
from rkdiff.methods._bridges import Bridge, grid_to_data, rising, walk, walked_back
from rkdiff.methods._light_fit import standard_normal
from rkdiff.processes.schedules import Grid

#: How many reports of progress and looks at the cloud; particles in a look, and the steps it takes.
REPORTS, LOOKS, PARTICLES, STEPS = 100, 12, 300, 12


@dataclass(frozen=True)
class SchrodingerBridgeMatching(Transport):
    """Two small networks, one from the noise and one from the data, learn from each other's paths for a few rounds."""

    label: ClassVar[str] = "Schrödinger bridge matching"
    samplers: ClassVar[tuple[str, ...]] = ("transport_euler", "brownian_bridge")
    quick: ClassVar[Mapping[str, Any]] = {"rounds": 1, "steps": 10, "pairs": 64, "walk": 4, "width": 16}

    sigma: float = knob(0.5, 0.0, 3.0, step=0.05, help="noise of the paths; 0 is rectified flow, without any noise")
    rounds: int = knob(
        3,
        1,
        20,
        help="how often both directions are trained, each on paths of the other; without noise one is trained and reversed",
    )
    steps: int = knob(
        500, 1, 20000, step=100, log=True, when={"drift": ("network",)}, help="training steps of each direction in each round"
    )
    start: str = knob(
        "independent",
        options=STARTS,
        help="which points are paired at first: any with any, each with itself plus noise, or by the entropic plan of batches",
    )
    drift: str = knob(
        "network",
        options=("network", "affine"),
        help="what learns the drift: a network, or means and covariances alone (control)",
    )
    deterministic: bool = knob(False, help="walk the flow without noise that has the same clouds at every time")
    width: int = knob(64, 4, 512, step=4, log=True, when={"drift": ("network",)}, help="neurons in each of three hidden layers")
    rate: float = knob(0.005, 1e-5, 0.1, log=True, when={"drift": ("network",)}, help="learning rate at its peak")
    batch: int = knob(
        256, 8, 4096, step=8, log=True, advanced=True, when={"drift": ("network",)}, help="points in each training step"
    )
    pairs: int = knob(4096, 16, 100000, step=16, log=True, advanced=True, help="paths simulated for each training")
    walk: int = knob(40, 1, 500, advanced=True, help="steps of each of these paths")

    def grid(self, steps: int) -> Grid:
        """Times from 0 to 1 that draw together towards the data."""
        return grid_to_data(steps)

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, MatchedBridge]:
        """Train both directions by turns; reports the loss, and shows the cloud a dozen times once it can be made.

        Raises:
            PartError: there are no points, or numbers that are not finite, or the start asks for noise and sigma is 0.
        """
        d, device = problem.x.shape[1], problem.device
        work = fit_bridge_matching(
            standard_normal(d), problem.x, self.sigma, self._regressor(problem), rng, rounds=self.rounds,
            pairs=self.pairs, steps=self.walk, start=self.start, device=device,
        )  # fmt: skip
        z = to_torch(rng.numpy("look").standard_normal((PARTICLES, d)), device)
        shown, losses, every = -1, [], 0
        while True:
            try:
                turn = next(work)
            except StopIteration as end:
                return MatchedBridge(end.value, self.sigma, self.deterministic)
            losses.append(turn.loss)
            every = max(1, turn.total // REPORTS)
            if turn.done % every and turn.done < turn.total:
                continue
            due = turn.done * LOOKS // turn.total
            seen = self._look(turn.ahead, z, rng) if turn.ahead is not None and due > shown else None
            shown = due if seen is not None else shown
            yield Progress("training", turn.done, turn.total, {"loss": float(np.mean(losses))}, seen)
            losses.clear()

    def backward(
        self, model: Model, problem: Problem, x: Float[np.ndarray, "n d"], grid: Grid, rng: Rng
    ) -> Float[np.ndarray, "T n d"] | None:
        """From the data to the source, with the diffusion learned in that direction; along the flow where paths are deterministic."""
        assert isinstance(model, MatchedBridge)
        if self.deterministic:
            return walked_back(lambda y, s: -model.probability_flow(y, 1 - s), x, grid, 0.0, rng, problem.device)
        return walked_back(lambda y, s: model.back.drift(y, s), x, grid, self.sigma, rng, problem.device)

    def _regressor(self, problem: Problem) -> Regressor:
        if self.drift == "affine":
            return Affine()
        weights = to_torch(problem.weights, problem.device)
        return Network(self.steps, self.batch, self.width, rate=self.rate, weights=weights)

    def _look(self, ahead: Field, z: torch.Tensor, rng: Rng) -> Float[np.ndarray, "n d"]:
        with torch.no_grad():
            *_, last = walk(ahead.drift, z, rising(STEPS), self.sigma, rng.torch("look"))
        return to_numpy(last)


class MatchedBridge(Bridge):
    """The diffusion from the source, with the one from the data beside it; or the flow between both."""

    def __init__(self, matched: Matched, sigma: float, deterministic: bool = False) -> None:
        self.ahead, self.back, self.matched = matched.ahead, matched.back, matched
        self.sigma, self.deterministic = 0.0 if deterministic else sigma, deterministic
        #: A step of the flow asks both networks.
        self.calls_each = 2 if deterministic else 1

    def endpoint_mean(
        self, x: Float[torch.Tensor, "n d"], t: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """E[X_1 | X_t = x]; for the flow, where its present velocity leads."""
        return x + (1 - t) * self.drift(x, t, label=label)

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        self.refuse_class(label)
        return self.probability_flow(x, t) if self.deterministic else self.ahead.drift(x, t)

    def probability_flow(self, x: Float[torch.Tensor, "n d"], t: float) -> Float[torch.Tensor, "n d"]:
        """(b - g) / 2: the velocity of the flow with the same marginals, as far as both directions agree."""
        return (self.ahead.drift(x, t) - self.back.drift(x, 1 - t)) / 2

    def state(self) -> dict[str, np.ndarray]:
        both = (("ahead", self.ahead), ("back", self.back))
        return {f"{name}.{key}": value for name, field in both for key, value in field.state().items()}

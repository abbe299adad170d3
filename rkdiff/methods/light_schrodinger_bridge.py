r"""The light Schroedinger bridge: a mixture of Gaussians whose entropic plan from the noise to the data is known in closed form.

    v(y) = sum_k alpha_k N(y | r_k, eps S_k),     y | x ~ sum_k w_k(x) N(r_k + S_k x, eps S_k),     eps = sigma^2

Among all processes from the standard normals to the data, the Schroedinger bridge is the closest to a Brownian motion of deviation sigma
at time 1. This method minimises the divergence from it over mixtures, without simulating anything (Korotin, Gushchin and Burnaev 2024).
What it finds is an exact bridge to the law that its mixture gives; it is the bridge to the data only as far as that law is the data's.
Given its end a path is a Brownian bridge, so that whole paths are drawn without any error of steps.

Small sigma: components compete ever harder (their weights become zeros and ones) and some may die; many dimensions: the source's tails
meet few components. No probability flow is offered, because the marginals between the ends are not known in closed form for this source,
and no way back of its own, because x given y is no mixture. Labels are not used: weights of each class on shared components would miss
the class, because with its weight the part of the source that a component draws from moves, and with that the component's image.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.parts import knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods import Problem, Transport
from rkdiff.methods._bridges import Bridge, grid_to_data
from rkdiff.methods._light_fit import fit_light_bridge, standard_normal
from rkdiff.methods._light_plan import LightPlan
from rkdiff.processes.schedules import Grid

#: How many reports of progress, looks at the cloud, and particles in a look.
REPORTS, LOOKS, PARTICLES = 100, 12, 300


@dataclass(frozen=True)
class LightSchrodingerBridge(Transport):
    """A mixture of Gaussians learns nearly Brownian paths from noise to data; exact for its own law, near for the data's."""

    label: ClassVar[str] = "Light Schrödinger bridge"
    samplers: ClassVar[tuple[str, ...]] = ("brownian_bridge", "transport_euler")
    quick: ClassVar[Mapping[str, Any]] = {"components": 5, "iterations": 20}

    components: int = knob(
        20, 1, 500, help="how many Gaussians the plan is made of; more follow finer data; as many as points nearly store them"
    )
    sigma: float = knob(
        0.316,
        0.03,
        3.0,
        step=0.01,
        log=True,
        help="noise of the paths; small: nearly straight, large: start and end forget each other",
    )
    iterations: int = knob(2000, 1, 50000, step=100, log=True, help="how many training steps: more is better and slower")
    rate: float = knob(0.01, 1e-5, 0.1, log=True, help="learning rate at its beginning; small sigma asks for a smaller one")
    batch: int = knob(256, 1, 4096, step=8, log=True, advanced=True, help="points in each training step")
    covariance: str = knob(
        "diagonal",
        options=("diagonal", "full"),
        advanced=True,
        help="components along the axes, or turned as they like (slower in many dimensions)",
    )

    def grid(self, steps: int) -> Grid:
        """Times from 0 to 1 that draw together towards the data."""
        return grid_to_data(steps)

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, LightBridge]:
        """Train; reports the loss, and shows the cloud a dozen times.

        Raises:
            PartError: there are no points, or numbers that are not finite, or the loss left the finite numbers.
        """
        d, eps = problem.x.shape[1], self.sigma**2
        work = fit_light_bridge(
            standard_normal(d), problem.x, eps, rng, components=self.components, iterations=self.iterations,
            rate=self.rate, batch=self.batch, full=self.covariance == "full", device=problem.device,
        )  # fmt: skip
        z = to_torch(rng.numpy("look").standard_normal((PARTICLES, d)), problem.device)
        every, shown, losses = max(1, self.iterations // REPORTS), -1, []
        while True:
            try:
                step = next(work)
            except StopIteration as end:
                return LightBridge(end.value)
            losses.append(step.loss)
            if step.done % every and step.done < self.iterations:
                continue
            due = step.done * LOOKS // self.iterations
            seen = to_numpy(step.plan().draw(z, 0.0, rng.child("look"))) if due > shown else None
            shown = max(due, shown)
            yield Progress("training", step.done, self.iterations, {"loss": float(np.mean(losses))}, seen)
            losses.clear()


class LightBridge(Bridge):
    """The bridge of a `LightPlan`: drift and law of the end in closed form."""

    def __init__(self, plan: LightPlan) -> None:
        self.plan, self.sigma = plan, plan.eps**0.5

    def endpoint_mean(
        self, x: Float[torch.Tensor, "n d"], t: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        self.refuse_class(label)
        return self.plan.mean(x, t)

    def endpoint_draw(
        self, x: Float[torch.Tensor, "n d"], t: float, rng: Rng, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """A draw of X_1 given X_t = x, of the plan y | x at t = 0."""
        self.refuse_class(label)
        return self.plan.draw(x, t, rng)

    def drift(
        self, x: Float[torch.Tensor, "n d"], t: float, *, label: Int[torch.Tensor, " n"] | None = None, rng: Rng | None = None
    ) -> Float[torch.Tensor, "n d"]:
        """The bridge's velocity, exact up to t = 1."""
        self.refuse_class(label)
        return self.plan.drift(x, t)

    def log_density(self, x: Float[torch.Tensor, "n d"], y: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, " n"]:
        """Log density of the plan's y given X_0 = x."""
        return self.plan.log_density(x, y)

    def state(self) -> dict[str, np.ndarray]:
        return self.plan.state()

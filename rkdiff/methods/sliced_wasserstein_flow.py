"""The sliced-Wasserstein flow: particles that roll down the sliced distance to the data. Nothing is learned.

    dx/dtau = d E_theta[ theta T_theta(<theta, x>) ] - x,     T_theta = the monotone map, on the line, from the cloud to the data

the gradient flow of SW2^2 / 2 (Liutkus et al. 2019, theorem 2), in its natural time tau = t/d: in every dimension one unit of tau brings
the mean e times closer to its target. The velocity of one particle depends on all the others, so this is a drift of the whole cloud. A
step of length dtau goes the share 1 - exp(-dtau) of the way, which is exact for means, translations and round Gaussians, and for anything
on the line. Slow modes need large tau, so steps grow: tau_j = (1 + tau_max)^{j/J} - 1.

The gap "vertical" is another flow, down half the squared energy distance (Hertrich et al. 2024), and all of the above about time is not
true of it. Its velocity, 2 c_d E_theta[theta (F_x - F_y)] with the distribution functions of cloud and data along theta, is at most 2 long
however far the data is, and no relaxation; here it is multiplied by 2 sqrt(pi) d s / c_d, s the data's spread or that of the source if that
is larger. A round Gaussian a little beside its like then comes back at rate 2, since the mean of a normal density is 1 / (2 sqrt(pi) s).
A step is a plain one, of length 1 - exp(-dtau) <= 1, which that mode bears; steps shrink, tau_j = tau_max (1 - (1 - j/J)^2), so that
particles which are thrown to and fro come to rest. Fine detail comes slowly:
it takes a longer flow, in more steps, than the Wasserstein gap needs.

With entropy lambda the energy is SW2^2 / 2 + l s^2 / d times the integral of rho log rho, where s^2 is the data's mean variance: each step
adds normals of variance l s^2 (1 - exp(-2 dtau)) to every coordinate. A round Gaussian of deviation s is then blurred to one of deviation
s (1 + sqrt(1 + 4 l)) / 2 in the limit of short steps.

Known limits: particles come to lie on training points when tau is long and there are as many of them (memorisation); the end is not
the optimal transport map in general. With labels, the particles of each class flow to the points of that class on their own, or jointly
with classes as coordinates (`rkdiff.methods._sliced_classes`).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rkdiff.core.parts import PartError, knob
from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.methods import Problem, Transport
from rkdiff.methods._sliced_scaling import SCALINGS
from rkdiff.processes.schedules import Grid

if TYPE_CHECKING:
    from rkdiff.methods._sliced_flow import SlicedFlow


@dataclass(frozen=True)
class SlicedWassersteinFlow(Transport):
    """Particles that move together, matched to the data along many directions at once; nothing is learned."""

    label: ClassVar[str] = "Sliced-Wasserstein flow"
    samplers: ClassVar[tuple[str, ...]] = ("exponential_euler",)

    directions: int = knob(0, 0, 1024, help="directions of each step; 0 chooses by dimension (16 in the plane)")
    tau_max: float = knob(20.0, 1.0, 100.0, step=1.0, help="how long the flow runs; longer comes closer to the training points")
    gap: str = knob(
        "horizontal",
        options=("horizontal", "vertical"),
        help="what pulls on a line: the gap between quantiles (Wasserstein) or between distribution functions (energy distance), whose "
        "speed is bounded: fine detail and far data need a longer flow in more steps",
    )
    scheme: str = knob(
        "even",
        options=("even", "orthogonal", "iid"),
        advanced=True,
        help="how directions are drawn: evenly spread, as random orthonormal bases, or independently (noisiest)",
    )
    refresh: bool = knob(
        True, advanced=True, help="draw new directions for each step; off, what the first ones miss is never corrected"
    )
    entropy: float = knob(
        0.0,
        0.0,
        0.5,
        step=0.01,
        when={"gap": ("horizontal",), "scaling": ("none",)},
        help="noise of the entropic flow, in units of the data's variance: it keeps particles off the training points and blurs the end",
    )
    scaling: str = knob(
        "none",
        options=SCALINGS,
        advanced=True,
        help="coordinates in which the flow runs: the space's own, each with spread one, or whitened so that no axis counts for little",
    )
    classes: str = knob(
        "apart",
        options=("apart", "joint"),
        advanced=True,
        help="with labels: each class flows on its own, or all flow together with the class as coordinates that stand still",
    )
    amplifier: float = knob(
        3.0,
        0.0,
        100.0,
        step=0.5,
        advanced=True,
        when={"classes": ("joint",)},
        help="how far classes stand apart in their coordinates; at 0 labels have no effect, far apart they flow on their own",
    )

    def grid(self, steps: int) -> Grid:
        """Times from 0 to `tau_max`: steps grow, for slow modes; where the gap is vertical they shrink, so that particles rest."""
        u = np.arange(steps + 1) / steps
        t = self.tau_max * (1 - (1 - u) ** 2) if self.gap == "vertical" else np.expm1(np.log1p(self.tau_max) * u)
        return Grid(t, np.ones(steps + 1), np.zeros(steps + 1), clock="tau")

    def fit(self, problem: Problem, rng: Rng) -> Generator[Progress, None, SlicedFlow]:
        """Only keeps the data.

        Raises:
            PartError: there is no data, it has numbers that are not finite, or entropy is asked for where it has no meaning.
        """
        if problem.x.size == 0:
            raise PartError(
                f"{self.title()} needs at least one point of data; it was given an array of shape {problem.x.shape}"
            )
        if not (sound := np.isfinite(problem.x).all(axis=1)).all():
            raise PartError(
                f"{int((~sound).sum())} of {len(sound)} points have coordinates that are not finite; leave those points out"
            )
        if self.entropy > 0 and self.gap != "horizontal":
            raise PartError(
                f"entropy {self.entropy:g} belongs to the Wasserstein distance and gap is {self.gap!r}; choose gap 'horizontal', "
                "or entropy 0"
            )
        if self.entropy > 0 and self.scaling != "none":
            raise PartError(
                f"entropy {self.entropy:g} is noise of one size along every coordinate and scaling is {self.scaling!r}; choose "
                "scaling 'none', or entropy 0"
            )
        from rkdiff.methods._sliced_flow import SlicedFlow  # here, because the model reads the knobs of this class

        yield Progress("keeping the data", 1, 1)
        return SlicedFlow(self, problem, rng)

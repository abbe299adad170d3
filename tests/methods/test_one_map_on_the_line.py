"""On the line there is one increasing map from the source to the target, T = Q1(F0(x)), and every deterministic flow ends at it.

Exact velocities and particles must reach it up to their steps; small nets up to what they learn in an instant.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, spearmanr

from rkdiff.core.model import Denoiser
from rkdiff.core.parts import choices, make
from rkdiff.core.records import outcome
from rkdiff.core.rng import Rng
from rkdiff.experiment import samplers_for
from rkdiff.methods import Problem
from rkdiff.methods._interpolants import INTERPOLANTS
from rkdiff.methods.exact import TrueLaw
from rkdiff.methods.flow_matching import FlowMatching
from rkdiff.metrics.straightness import StraightClock
from rkdiff.processes.mixture import Mixture

LAW = Mixture(np.array([0.4, 0.6]), np.array([[-1.2], [0.9]]), np.array([[[0.25]], [[0.09]]]))
SHARES = (np.arange(400) + 0.5) / 400
Z = norm.ppf(np.linspace(0.02, 0.98, 49))[:, None]


def quantile(share):
    """The quantile function of the target."""
    sd = np.sqrt(LAW.covs[:, 0, 0])
    return np.array(
        [brentq(lambda y, s=s: float(LAW.weights @ norm.cdf((y - LAW.means[:, 0]) / sd)) - s, -5, 5) for s in share]
    )


DATA = quantile(SHARES)[:, None]
WANTED = quantile(norm.cdf(Z[:, 0]))
PROBLEM = Problem(DATA, np.ones(1), None, LAW)

#: Knobs for small nets that learn the line in a second.
SMALL = {"steps": 400, "batch": 128, "width": 32, "layers": 2, "rate": 0.02, "fourier": 8, "group": 32}


def missed(end):
    """Root mean square distance from the map, in units of the target's deviation."""
    return float(np.sqrt(((end[:, 0] - WANTED) ** 2).mean()) / DATA.std())


def ended(method, steps=40, sampler=None):
    model = outcome(method.fit(PROBLEM, Rng(0)))
    walker = make("sampler", sampler or samplers_for(type(method))[0])
    return walker.run(model, Z, method.grid(steps), Rng(1)).end


@pytest.mark.parametrize("sampler", ["heun", "ddim", "dpm_solver_2m"])
def test_the_exact_probability_flow_ends_at_the_increasing_map(sampler):
    from rkdiff.lab.plan import Plan

    grid = Plan(make("schedule", "karras"), make("sampler", sampler), steps=100).grid()
    end = make("sampler", sampler).run(TrueLaw(LAW), Z, grid, Rng(0)).end
    assert missed(end) < 0.02


def test_exact_flow_matching_ends_at_the_increasing_map():
    end = make("sampler", "transport_heun").run(StraightClock(TrueLaw(LAW)), Z, FlowMatching().grid(200), Rng(0)).end
    assert missed(end) < 0.01


def test_the_sliced_flow_of_particles_ends_at_the_increasing_map():
    method = make("method", "sliced_wasserstein_flow")
    z = norm.ppf(SHARES)[:, None]
    model = outcome(method.fit(PROBLEM, Rng(0)))
    end = make("sampler", "exponential_euler").run(model, z, method.grid(20), Rng(0)).end
    assert np.abs(end - DATA).max() < 1e-6


@pytest.mark.parametrize(
    "knobs",
    [
        *({"interpolant": name, "sigma": 1.0} for name in INTERPOLANTS),
        {"coupling": "ot"},
        {"coupling": "sinkhorn"},
        {"coupling": "immiscible"},
        {"reflow": 1, "pairs": 2000, "steps": 300},
    ],
    ids=lambda knobs: " ".join(str(v) for v in knobs.values()),
)
def test_every_trained_flow_ends_near_the_increasing_map(knobs):
    end = ended(FlowMatching(**{**SMALL, **knobs}))
    assert missed(end) < 0.15  # the best line, of a model that knows two moments alone, misses by .3
    assert (np.diff(end[:, 0]) > 0).all()


#: Methods of the registry that learn the map well in an instant, the knobs they need for it, and how far off they may be.
NEAR = {"exact": ({}, 0.1), "network_diffusion": ({"steps": 250}, 0.15), "sliced_wasserstein_flow": ({}, 0.1)}


@pytest.mark.parametrize("name", sorted(choices("method")))
def test_a_method_of_the_registry_without_noise_keeps_the_order_of_particles(name):
    cls = choices("method")[name]
    knobs, bar = NEAR.get(name, (cls.quick, None))
    method = cls(**knobs)
    model = outcome(method.fit(PROBLEM, Rng(0)))
    z = norm.ppf(SHARES)[:, None][::8]  # a flow of the whole cloud needs the whole source
    if isinstance(model, Denoiser):
        end = make("sampler", "transport_heun").run(StraightClock(model), z, FlowMatching().grid(40), Rng(0)).end
    else:
        grid = method.grid(40)
        if any(model.noise(float(a), float(b)) > 0 for a, b in pairwise(grid.t)):
            return  # walks that draw noise have no map
        end = make("sampler", samplers_for(cls)[0]).run(model, z, grid, Rng(0)).end
    assert spearmanr(z[:, 0], end[:, 0]).statistic > 0.999
    if bar is not None:
        off = np.sqrt(((end[:, 0] - quantile(norm.cdf(z[:, 0]))) ** 2).mean()) / DATA.std()
        assert off < bar

"""Experimental: JKO on particles against closed forms of its steps."""

import numpy as np
import pytest

from rkdiff.processes.gaussians.proximal import sliced_step
from rkdiff.processes.slices import directions
from rkdiff.transport.exact import distance
from rkdiff.transport.experimental.energies import EnergyDistance, Interaction, Potential, Sliced
from rkdiff.transport.experimental.jko import particle_jko


def bowl(x):
    return (x**2).sum(-1) / 2, x


def double_well(x):
    return ((x**2).sum(-1) - 1) ** 2 / 4, ((x**2).sum(-1) - 1)[:, None] * x


def cloud(n=40, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) + 0.5


def energies():
    g = np.random.default_rng(1)
    return {
        "potential": Potential(double_well),
        "interaction": Interaction(bowl),
        "sliced": Sliced(g.normal(size=(30, 2)) - 1, directions(2, 16, g)),
        "distance": EnergyDistance(g.normal(size=(25, 2)) - 1),
        "sum": Potential(bowl) + EnergyDistance(g.normal(size=(25, 2))),
    }


@pytest.mark.parametrize("name", list(energies()))
def test_gradients_are_n_times_the_derivatives(name):
    energy, x = energies()[name], cloud()
    step = 1e-6 * np.random.default_rng(2).normal(size=x.shape)
    slope = (energy(x)[1] * step).sum() / len(x)
    assert energy(x + step)[0] - energy(x - step)[0] == pytest.approx(2 * slope, rel=1e-5)


@pytest.mark.parametrize("name", list(energies()))
@pytest.mark.parametrize("h", [0.05, 0.5])
def test_every_step_pays_for_its_way_with_energy(name, h):
    for inner in (3, 40):
        found = particle_jko(cloud(), energies()[name], h, 3, inner=inner)
        assert (found.slack >= -1e-12).all()
        for k in range(3):
            assert distance(found.frames[k], found.frames[k + 1]) ** 2 <= found.moved[k] + 1e-12
        assert found.moved[0] > 0


def test_in_a_bowl_a_step_divides_by_one_plus_h():
    x = cloud()
    found = particle_jko(x, Potential(bowl), 0.7, 3)
    assert found.settled.all()
    for k in range(4):
        assert np.abs(found.frames[k] - x / 1.7**k).max() < 1e-6


def test_attraction_by_squares_shrinks_the_cloud_about_its_mean():
    x = cloud()
    found = particle_jko(x, Interaction(bowl), 0.7, 2)
    assert np.abs(found.frames[2] - (x.mean(0) + (x - x.mean(0)) / 1.7**2)).max() < 1e-6


@pytest.mark.parametrize("d", [1, 2, 3])
def test_towards_a_scaled_copy_the_sliced_step_is_the_closed_form(d):
    x = np.random.default_rng(0).normal(size=(50, d))
    x -= x.mean(0)
    target = 3.0 * x + 2.0
    found = particle_jko(x, Sliced(target, directions(d, 12, np.random.default_rng(1))), 0.8, 3, tolerance=1e-10)
    mean, scale = 0.0, 1.0
    for k in range(3):
        mean, scale = sliced_step(mean, scale, 2.0, 3.0, 0.8, d)
        assert np.abs(found.frames[k + 1] - (mean + scale * x)).max() < 1e-6


def test_short_steps_are_the_gradient_flow():
    x = cloud()
    found = particle_jko(x, Potential(double_well), 0.002, 100)
    z = x.copy()
    for _ in range(2000):
        z -= 1e-4 * double_well(z)[1]
    assert np.abs(found.frames[-1] - z).max() < 0.01


def test_the_energy_distance_brings_particles_to_the_target():
    g = np.random.default_rng(0)
    target = g.normal(size=(30, 2)) + 2
    found = particle_jko(g.normal(size=(30, 2)), EnergyDistance(target), 2.0, 8, inner=50)
    assert found.energy[-1] < 0.02 * found.energy[0]
    assert set(found.to_dict()) == {"h", "energy", "moved", "settled"}


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="positive length"):
        particle_jko(cloud(), Potential(bowl), 0.0, 1)
    with pytest.raises(ValueError, match="not finite"):
        particle_jko(cloud(), Potential(lambda x: (np.full(len(x), np.inf), x)), 0.1, 1)

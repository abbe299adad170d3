"""The energy distance on the line against a closed form between normal laws."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from rkdiff.processes.slices import squared_energy


def mean_size(mean, sd):
    """E|Z| of a normal Z."""
    return sd * math.sqrt(2 / math.pi) * math.exp(-((mean / sd) ** 2) / 2) + mean * (1 - 2 * norm.cdf(-mean / sd))


def test_half_the_squared_energy_of_two_normal_laws_is_its_closed_form():
    """E|x - y| - E|x - x'| / 2 - E|y - y'| / 2 for N(0, 1) and N(1, 0.5^2), from evenly spaced quantiles of both."""
    closed = mean_size(1.0, math.sqrt(1.25)) - mean_size(0.0, math.sqrt(2)) / 2 - mean_size(0.0, math.sqrt(0.5)) / 2
    assert closed == pytest.approx(0.3805893350, abs=1e-10)
    levels = (np.arange(4000) + 0.5) / 4000
    x, y = norm.ppf(levels), norm.ppf(levels, 1.0, 0.5)
    assert squared_energy(x[None], y[None])[0] / 2 == pytest.approx(closed, rel=1e-4)


def test_it_is_the_integral_of_the_squared_gap_between_the_distribution_functions():
    z = np.linspace(-12, 12, 4001)
    gap = norm.cdf(z) - norm.cdf(z, 1.0, 0.5)
    assert (gap**2).sum() * (z[1] - z[0]) == pytest.approx(0.3805893350, abs=1e-9)

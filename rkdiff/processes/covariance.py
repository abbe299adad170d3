"""The covariance of the noise in a Hilbert space: C = diag(q) in the basis of the data's own principal components.

    spectrum    q_j = lam_j^s                                        s = 0 white, s = 1 matched to the data, s > 1 smoother than the data
    power_law   q_j = j^(-s)                                         s = 0 white; trace class from s > 1 on
    matern      q_j = (2 s / l^2 + (pi j)^2)^(-(s + 1/2)), l = 0.1   Matern of smoothness s on the unit interval; trace class for s > 0

with lam_1 >= lam_2 >= ... the variances of the data. Noise lives in the space, in the limit of infinitely many components, if and only if
the q_j have a finite sum; white noise does not (Da Prato and Zabczyk 2014, "Stochastic equations in infinite dimensions", section 2.3).
Only the shape is chosen here: q_1 = 1, and the level of noise is the schedule's affair.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

NOISES = ("spectrum", "power_law", "matern")
#: Correlation length of the Matern family, in units of the interval.
LENGTH = 0.1


def noise_variances(name: str, variances: Float[np.ndarray, " r"], smoothness: float) -> Float[np.ndarray, " r"]:
    """The variances q of the noise, one for each of the data's (falling, positive) `variances`; q[0] = 1.

    Raises:
        ValueError: an unknown family, a negative smoothness, or variances that are not positive.
    """
    if name not in NOISES:
        raise ValueError(f"there is no noise family {name!r}; choose one of {', '.join(NOISES)}")
    if not (np.isfinite(smoothness) and smoothness >= 0):
        raise ValueError(f"the smoothness of the noise is {smoothness!r}; choose a number from 0 on")
    if not (np.isfinite(variances).all() and (variances > 0).all()):
        raise ValueError("the variances of the data must be positive, finite numbers")
    if name == "spectrum":
        return (variances / variances[0]) ** smoothness
    j = np.arange(1, len(variances) + 1)
    if name == "power_law":
        return j ** -float(smoothness)
    q = (2 * smoothness / LENGTH**2 + (np.pi * j) ** 2) ** -(smoothness + 0.5)
    return q / q[0]

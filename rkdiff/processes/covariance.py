"""The covariance of the noise in a Hilbert space: C = diag(q) in the basis of the data's own principal components.

    spectrum    q_j = lam_j^s                                        s = 0 white, s = 1 matched to the data, s > 1 smoother than the data
    power_law   q_j = j^(-s)                                         s = 0 white; trace class from s > 1 on
    matern      q_j = (2 s / l^2 + (pi j)^2)^(-(s + 1/2)), l = 0.1   Matern of smoothness s on the unit interval; trace class for s > 0

with lam_1 >= lam_2 >= ... the variances of the data. Noise lives in the space, in the limit of infinitely many components, if and only if
the q_j have a finite sum; white noise does not (Da Prato and Zabczyk 2014, "Stochastic equations in infinite dimensions", section 2.3).
Only the shape is chosen here: q_1 = 1, and the level of noise is the schedule's affair.

In coordinates in which the noise is white the data has the variances v_j = lam_j / q_j over their mean. Noise smoother than the data
(q_j falls faster than lam_j) lets v_1 sink below the last noise of any schedule: the coordinate that matters most is lost, while the finest
get noise too small to be seen. `bounded` therefore keeps q_j >= SHARE lam_j / lam_1, which gives v_j >= SHARE lam_j / lam_1 for every j, so
that at most sigma_min^2 / SHARE times r lam_1 / sum lam of the data's variance drowns in the last noise; where q_j falls no faster than
lam_j, it changes nothing.

On the unit interval the components are functions e_j, orthonormal in L2. Draws xi = sum_j sqrt(q_j) eps_j e_j can be evaluated on any grid,
and the same eps give the same function on all of them (Karhunen and Loeve; Adler and Taylor 2007, section 3.2). Draws of trace-class noise
are almost never in the Cameron-Martin space of C, whose norm is |h|_C^2 = sum_j h_j^2 / q_j.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

NOISES = ("spectrum", "power_law", "matern")
#: Functions that are orthonormal on the unit interval. With q_j = 1/(pi j)^2 sines make the Brownian bridge, with 1/(pi (j - 1/2))^2
#: half sines make Brownian motion.
BASES = ("cosine", "sine", "half_sine")
#: Correlation length of the Matern family, in units of the interval.
LENGTH = 0.1
#: Least noise of a coordinate, as a share of what noise like the data has there.
SHARE = 0.1


def noise_variances(
    name: str, variances: Float[np.ndarray, " r"], smoothness: float, j: Int[np.ndarray, " r"] | None = None
) -> Float[np.ndarray, " r"]:
    """The variances q of the noise, one for each of the data's (positive) `variances`; q[0] = 1 where these fall.

    `j`: index of each coordinate from 1 on where it has a meaning of its own: cosine mode j has the frequency pi (j - 1), and Matern noise
    is then the Matern field. Left out, j is the rank: the coordinate in which the data varies most has the largest q.

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
    if j is None:
        j = np.empty(len(variances), dtype=int)
        j[np.argsort(-variances, kind="stable")] = np.arange(1, len(variances) + 1)
    elif name == "matern":
        j = j - 1
    if name == "power_law":
        return j ** -float(smoothness)
    # the constant mode has no finite variance at smoothness 0
    q = np.maximum(2 * smoothness / LENGTH**2 + (np.pi * j) ** 2, 1.0) ** -(smoothness + 0.5)
    return q / q.max()


def bounded(q: Float[np.ndarray, " r"], variances: Float[np.ndarray, " r"], share: float = SHARE) -> Float[np.ndarray, " r"]:
    """The noise q, raised where it is smoother than the data by so much that coarse coordinates would drown (see above)."""
    top = int(np.argmax(variances))
    return np.maximum(q, share * q[top] * (variances / variances[top]))


def is_trace_class(name: str, smoothness: float, decay: float) -> bool:
    """Whether the q have a finite sum in the limit, so that the noise lives in H; told from the exponents, not from a truncation.

    Args:
        decay: a of data with lam_j = j^(-a); `math.inf` for spectra that fall exponentially, as those of a Gaussian kernel do.

    Raises:
        ValueError: an unknown family, a negative smoothness, or a decay that is not positive.
    """
    return _exponent(name, smoothness, decay) > 1


def in_cameron_martin(name: str, smoothness: float, decay: float) -> bool:
    """Whether the data lies in the Cameron-Martin space of the noise, sum lam_j / q_j < inf: finite information at every level.

    Raises:
        ValueError: as `is_trace_class`.
    """
    b = _exponent(name, smoothness, decay)
    if np.isinf(decay):
        return name != "spectrum" or smoothness < 1
    return decay - b > 1


def _exponent(name: str, smoothness: float, decay: float) -> float:
    """B of q_j ~ j^(-b)."""
    noise_variances(name, np.ones(1), smoothness)  # refuses what is none
    if not decay > 0:
        raise ValueError(f"the decay of the data is {decay!r}; choose a positive number")
    if name == "spectrum":
        return smoothness * decay if smoothness > 0 else 0.0
    return smoothness if name == "power_law" else 2 * smoothness + 1 if smoothness > 0 else 1.0


def cameron_martin_norm2(h: Float[np.ndarray, "n r"], q: Float[np.ndarray, " r"]) -> Float[np.ndarray, " n"]:
    """Squared norm of coefficients in the Cameron-Martin space of C = diag(q)."""
    return (h**2 / q).sum(axis=1)


def basis(name: str, grid: Float[np.ndarray, " g"], r: int) -> Float[np.ndarray, "r g"]:
    """The first r functions of a basis of L2[0, 1] on a grid; the cosines begin with the constant.

    Raises:
        ValueError: an unknown basis.
    """
    if name not in BASES:
        raise ValueError(f"there is no basis {name!r}; choose one of {', '.join(BASES)}")
    if name == "cosine":
        e = np.sqrt(2.0) * np.cos(np.pi * np.arange(r)[:, None] * grid)
        e[0] = 1.0
        return e
    first = 1.0 if name == "sine" else 0.5
    return np.sqrt(2.0) * np.sin(np.pi * (np.arange(r) + first)[:, None] * grid)


def noise_fields(
    eps: Float[np.ndarray, "n r"], q: Float[np.ndarray, " r"], grid: Float[np.ndarray, " g"], name: str = "cosine"
) -> Float[np.ndarray, "n g"]:
    """Functions sum_j sqrt(q_j) eps_j e_j on a grid: with standard normal eps, draws from N(0, C)."""
    return (eps * np.sqrt(q)) @ basis(name, grid, len(q))


def matern_variances(smoothness: float, r: int, length: float = LENGTH) -> Float[np.ndarray, " r"]:
    """Variances of Matern noise in the cosine basis, constant included, of mean pointwise variance 1: their sum is 1.

    Raises:
        ValueError: a smoothness or a length that is not positive.
    """
    if not (smoothness > 0 and length > 0):
        raise ValueError(f"Matern noise of smoothness {smoothness!r} and length {length!r} is none; choose positive numbers")
    q = (2 * smoothness / length**2 + (np.pi * np.arange(r)) ** 2) ** -(smoothness + 0.5)
    return q / q.sum()

"""Kernels on curves: functions on an interval, seen through L2.

    ||f||^2 = integral of f^2 / (b - a),  on a grid  sum_i w_i f(x_i)^2  with trapezoid weights w that sum to one,

so that sqrt(w) * values is a vector whose Euclidean norm is the norm of the function, whatever the number of grid points: a Gaussian
kernel on these vectors is the squared-exponential kernel on functions (Wynne and Duncan 2022, "A kernel two-sample test for functional
data", section 4, T = identity), and the linear kernel gives functional principal components.

The cosine basis e_0 = 1, e_k(s) = sqrt(2) cos(pi k s) is orthonormal in L2 of the unit interval, and on N evenly spaced points, ends
included, the first N - 1 of its functions are orthonormal under the trapezoid weights too: a curve's coefficients are sums, and its
values on any other grid are exact.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def quadrature(grid: Float[np.ndarray, " g"]) -> Float[np.ndarray, " g"]:
    """Trapezoid weights of a strictly increasing grid, scaled to sum to one.

    Raises:
        ValueError: fewer than two points, points that are not finite, or a grid that does not increase.
    """
    step = np.diff(grid)
    if len(grid) < 2 or not np.isfinite(grid).all() or not (step > 0).all():
        raise ValueError("the grid of a set of curves must hold two points or more, be finite and increase strictly")
    w = np.zeros(len(grid))
    w[:-1] += step / 2
    w[1:] += step / 2
    return w / w.sum()


def l2_vectors(curves: Float[np.ndarray, "n g"], weights: Float[np.ndarray, " g"]) -> Float[np.ndarray, "n g"]:
    """Vectors whose Euclidean inner product is the L2 inner product of the curves."""
    return curves * np.sqrt(weights)


def from_l2_vectors(vectors: Float[np.ndarray, "n g"], weights: Float[np.ndarray, " g"]) -> Float[np.ndarray, "n g"]:
    """The curves of `l2_vectors`."""
    return vectors / np.sqrt(weights)


def cosine_basis(places: Float[np.ndarray, " m"], modes: int) -> Float[np.ndarray, "k m"]:
    """The first `modes` functions of the cosine basis at places of the unit interval."""
    k = np.arange(modes)
    return np.where(k == 0, 1.0, np.sqrt(2))[:, None] * np.cos(np.pi * np.outer(k, places))


def resample(
    curves: Float[np.ndarray, "n g"], grid: Float[np.ndarray, " g"], places: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "n m"]:
    """Values of curves at other places, by cubic splines through their points: unchanged at shared places, linear in the curves."""
    if np.array_equal(grid, places):
        return curves
    if not len(curves):
        return np.zeros((0, len(places)))
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(grid, curves, axis=1)(places), dtype=float)

"""Curves in the cosine basis: the coordinates are coefficients of fixed functions, so that nothing in them knows a grid.

    f = sum_k c_k e_k + rest,      z_k = c_k - mean c_k,      psi(z) = sum_k (mean c_k + z_k) e_k

The basis takes the place of the training objects as anchors of a linear kernel: then every formula of `rkdiff.spaces.rkhs` holds as it
stands, and ||psi(z) - f||^2 = ||z - z(f)||^2 + ||rest||^2. Noise of variances q_k in these coordinates is a random function with the
covariance sum_k q_k e_k e_k' (its Karhunen-Loeve expansion; Hagemann et al. 2023, section 3).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.kernels.curves import cosine_basis, l2_vectors
from rkdiff.kernels.vectors import Kernel
from rkdiff.spaces.rkhs import Embedding

#: A mode in which the data hardly varies is given this share of the largest variance, so that its noise has a size.
LEAST = 1e-10


def cosine_embedding(
    vectors: Float[np.ndarray, "n g"], places: Float[np.ndarray, " g"], weights: Float[np.ndarray, " g"], modes: int
) -> Embedding:
    """The embedding of curves on an even grid by their first `modes` cosine coefficients (at most one less than grid points).

    Raises:
        PartError: fewer than two curves, all alike, or values that are not finite.
    """
    if not np.isfinite(vectors).all():
        raise PartError(f"the {len(vectors)} training curves hold values that are not finite; give finite numbers only")
    if len(vectors) < 2:
        raise PartError(f"there are {len(vectors)} training curves; give at least two different ones")
    basis = l2_vectors(cosine_basis(places, min(modes, len(places) - 1)), weights)
    coefficients = vectors @ basis.T
    mean, variances = coefficients.mean(0), coefficients.var(0)
    total = float(vectors.var(0).sum())
    if variances.max() <= (64 * np.finfo(float).eps) ** 2 * max(float((vectors**2).sum(1).mean()), 1e-300):
        raise PartError(
            f"the {len(vectors)} training curves all look alike in {len(basis)} modes; give at least two different ones"
        )
    floored = np.maximum(variances, LEAST * variances.max())
    return Embedding(Kernel("linear"), basis, mean, np.eye(len(basis)), mean, floored, max(total, float(variances.sum())))

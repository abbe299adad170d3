"""What every way to the coordinates of a Hilbert space asks of its kernel: finite values, no negative eigenvalue, more than one object.

A Gram matrix of n objects is known to about eps times its trace. Eigenvalues nearer to zero than that are rounding, of either sign; below
it, and below 1e-8 of the largest, no Hilbert space belongs to the kernel.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError

FLAT = 1e-10
#: An eigenvalue of a Gram matrix below this share of the largest is no rounding error: the kernel is not positive definite.
INDEFINITE = -1e-8
#: Eigenvalues up to this share of the trace of a Gram matrix are rounding.
ROUNDING = 8 * float(np.finfo(float).eps)
#: Landmarks see at most all of an object: by more than this share of its squared length, and the kernel is not positive definite.
EXCESS = 1e-6


def finite(values: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """The values of a kernel, if they are finite.

    Raises:
        PartError: they are not.
    """
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise PartError(
            f"the kernel gave {count} values that are not finite; look at its width, and bring the data to a smaller scale"
        )
    return values


def spectrum(centred: Float[np.ndarray, "m m"], trace: float) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, "m m"]]:
    """Falling eigenvalues and eigenvectors of a centred Gram matrix; `trace` is that of the Gram matrix as it was.

    Raises:
        PartError: one of them is too negative to be rounding.
    """
    mu, u = np.linalg.eigh(centred)
    mu, u = mu[::-1], u[:, ::-1]
    if mu[-1] < min(INDEFINITE * max(mu[0], FLAT), -ROUNDING * trace):
        raise indefinite(f"eigenvalues from {mu[0]:.3g} down to {mu[-1]:.3g}")
    return mu, u


def centred_gram(gram: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m m"]:
    """J K J: inner products of the objects less their mean."""
    centre = gram.mean(0)
    return gram - centre[:, None] - centre + centre.mean()


def indefinite(seen: str) -> PartError:
    """The refusal of a kernel, with what was seen of it."""
    given = f"this kernel is not positive definite on these objects ({seen})"
    return PartError(f"{given}, so no Hilbert space belongs to it; a Laplace form exp(-d / s) of the same distance may do")


def how_many(mu: Float[np.ndarray, " m"], r: int, size: float, n: int) -> int:
    """How many of the falling eigenvalues to keep, at most r; `size` is the trace of what was not yet centred.

    Raises:
        PartError: none is large enough to be more than rounding.
    """
    rank = int((mu > max(FLAT * mu[0], ROUNDING * size)).sum()) if len(mu) else 0
    if rank == 0 or mu[0] <= 1e-12 * size:
        raise PartError(f"the {n} training objects all look alike to this kernel; give at least two different ones")
    return min(r, rank)


def signed(u: Float[np.ndarray, "m r"]) -> Float[np.ndarray, "m r"]:
    """Columns with their largest entry positive: the same signs on every machine."""
    top = np.abs(u).argmax(axis=0)
    return u * np.where(u[top, np.arange(u.shape[1])] < 0, -1.0, 1.0)

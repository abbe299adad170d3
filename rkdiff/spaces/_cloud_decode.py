"""Decoders of clouds: which vector the flow aims at, and how points find their partners in the frame before."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

#: Decoder -> the pre-image among vectors of sorted projections that its flow aims at.
TARGETS = {
    "flow": "fixed_point",
    "simplex_flow": "simplex",
    "average_flow": "average",
    "distance_flow": "distance",
    "conformal_flow": "conformal",
    "learned_flow": "learned",
}
DECODERS = (*TARGETS, "nearest")
ITERATIONS = 60


def in_order_of(start: Float[np.ndarray, "n p 2"], clouds: Float[np.ndarray, "n p 2"]) -> Float[np.ndarray, "n p 2"]:
    """The same clouds, with their points in the order that moves them least from `start` (optimal assignment)."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    pairs = zip(start, clouds, strict=True)
    return np.stack([c[linear_sum_assignment(cdist(s, c, "sqeuclidean"))[1]] for s, c in pairs]) if len(clouds) else clouds

"""Clouds of points as vectors: sorted projections on fixed directions, whose Euclidean distance is the sliced Wasserstein distance.

For directions theta_1..theta_L and Q equal shares of the mass,

    psi(P) = (L Q)^(-1/2) [ mean over share q of the quantile function of <theta_l, P> ]_{l, q}
    ||psi(P) - psi(P')||^2 = SW_2^2(P, P')     exactly on these directions for clouds of Q points, never more otherwise

so exp(-SW_2^2 / 2 l^2) is a Gaussian kernel on vectors and positive definite (Kolouri, Zou and Rohde 2016, "Sliced Wasserstein kernels
for probability distributions", theorem 3). psi does not see the order of the points and moves with them: psi(P + c) = psi(P) + const(c).

The way back is the flow of Bonneel et al. 2015 ("Sliced and Radon Wasserstein barycenters of measures", section 3) with the sorted
projections of a target cloud replaced by any vector g: every point moves by the mean over directions of what its rank lacks,

    p <- p + (2 / L) sum_l theta_l (lift of g - psi at the rank of <theta_l, p>)

which is a gradient step on ||psi(P) - g||^2, and ends on a cloud even where no cloud has exactly the vector g. Nesterov's momentum
i / (i + 3) takes it there to rounding in tens of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.processes.slices import directions

#: Numbers in one block of projections: bounds the memory.
BLOCK = 4_000_000


@dataclass(frozen=True)
class SlicedQuantiles:
    """The map psi and the flow back; made by `draw`.

    Attributes:
        theta: (L, 2) unit directions with mean of theta theta^T = I / 2.
        average: (Q, P) takes P sorted numbers to their means over Q equal shares.
        lift: (P, Q) its pseudo-inverse, the identity for Q = P.
    """

    theta: Float[np.ndarray, "L 2"]
    average: Float[np.ndarray, "Q P"]
    lift: Float[np.ndarray, "P Q"]

    @staticmethod
    def draw(points: int, slices: int, levels: int, rng: np.random.Generator) -> SlicedQuantiles:
        """Equal angles with one random offset, and at most `levels` shares for clouds of `points` points."""
        q = min(levels, points)
        average = _shares(points, q)
        return SlicedQuantiles(directions(2, slices, rng), average, np.linalg.pinv(average))

    def __call__(self, clouds: Float[np.ndarray, "n P 2"]) -> Float[np.ndarray, "n LQ"]:
        """The vectors psi.

        Raises:
            PartError: clouds of another number of points.
        """
        n, p = clouds.shape[:2]
        if p != self.average.shape[1]:
            raise PartError(
                f"these clouds have {p} points and the others {self.average.shape[1]}; give every cloud as many points"
            )
        rows = max(1, BLOCK // (p * len(self.theta)))
        out = np.empty((n, len(self.theta) * len(self.average)))
        for i in range(0, n, rows):
            part = self._shrink(np.sort(self._projected(clouds[i : i + rows]), axis=2))
            out[i : i + rows] = part.reshape(len(part), -1)
        return out / np.sqrt(out.shape[1])

    def flow(
        self, clouds: Float[np.ndarray, "n P 2"], target: Float[np.ndarray, "n LQ"], iterations: int
    ) -> Float[np.ndarray, "n P 2"]:
        """Clouds that moved towards the vectors `target`, point by point from where they were."""
        wanted = target.reshape(len(target), len(self.theta), len(self.average)) * np.sqrt(target.shape[1])
        at, ahead = clouds.astype(float), clouds.astype(float)
        for i in range(iterations):
            shadow = self._projected(ahead)
            order = np.argsort(shadow, axis=2)
            lack = (wanted - self._shrink(np.take_along_axis(shadow, order, axis=2))) @ self.lift.T
            pull = np.empty_like(shadow)
            np.put_along_axis(pull, order, lack, axis=2)
            new = ahead + (2 / len(self.theta)) * np.einsum("nlp,lc->npc", pull, self.theta)
            ahead, at = new + i / (i + 3) * (new - at), new
        return at

    def _projected(self, clouds: Float[np.ndarray, "n P 2"]) -> Float[np.ndarray, "n L P"]:
        return np.matmul(self.theta, clouds.transpose(0, 2, 1))

    def _shrink(self, ordered: Float[np.ndarray, "n L P"]) -> Float[np.ndarray, "n L Q"]:
        return ordered if len(self.average) == ordered.shape[2] else ordered @ self.average.T


def _shares(p: int, q: int) -> Float[np.ndarray, "q p"]:
    """How much of each of p equal masses lies in each of q equal shares; rows sum to one."""
    low, high = np.arange(p) / p, np.arange(1, p + 1) / p
    begin, end = (np.arange(q) / q)[:, None], (np.arange(1, q + 1) / q)[:, None]
    return np.maximum(np.minimum(end, high) - np.maximum(begin, low), 0.0) * q

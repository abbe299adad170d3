"""Coordinates in which a sliced flow runs.

A sliced flow commutes with rotations, translations and one factor for all coordinates, but not with a factor for each: a coordinate with a
small spread counts for little among random directions. In standardised coordinates z = (x - mean) A all count alike,

    "axes":   A = diag(1 / std)
    "whiten": A = C^{-1/2},  C = (1 - s) cov + s tr(cov) / d I,  s = 1e-3        (zero-phase whitening, which turns the cloud least)

and a velocity of z is one of x after A^{-1}. Coordinates with a standard deviation under 1e-6 are constant and keep their unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.tensors import to_torch, torch

SCALINGS = ("none", "axes", "whiten")
#: Below this a coordinate is constant.
CONSTANT = 1e-6
#: Share of the identity mixed into the covariance before it is inverted.
SHRINKAGE = 1e-3


@dataclass(frozen=True)
class Scaling:
    """z = (x - mean) A and back."""

    mean: Float[np.ndarray, " d"]
    matrix: Float[np.ndarray, "d d"]
    inverse: Float[np.ndarray, "d d"]

    @classmethod
    def fit(cls, x: Float[np.ndarray, "m d"], kind: str) -> Scaling:
        """The standardised coordinates of a cloud; "none": its own, not even centred.

        Raises:
            ValueError: another kind.
        """
        d = x.shape[1]
        if kind == "none":
            return cls(np.zeros(d), np.eye(d), np.eye(d))
        if kind == "axes":
            std = x.std(axis=0)
            unit = np.where(std < CONSTANT, 1.0, std)
            return cls(x.mean(axis=0), np.diag(1 / unit), np.diag(unit))
        if kind != "whiten":
            raise ValueError(f"scaling is {kind!r}; choose one of {', '.join(SCALINGS)}")
        centred = x - x.mean(axis=0)
        cov = centred.T @ centred / len(x)
        power = np.trace(cov) / d
        values, turn = np.linalg.eigh((1 - SHRINKAGE) * cov + SHRINKAGE * power * np.eye(d))
        unit = np.sqrt(values) if power >= CONSTANT**2 else np.ones(d)
        return cls(x.mean(axis=0), (turn / unit) @ turn.T, (turn * unit) @ turn.T)

    def to(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Points in the standardised coordinates."""
        return (x - self.mean) @ self.matrix

    def to_torch(self, x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        """The same where the tensor is."""
        where = str(x.device)
        return (x - to_torch(self.mean, where).to(x)) @ to_torch(self.matrix, where).to(x)

    def back(self, v: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, "n d"]:
        """Velocities in the coordinates of the points."""
        return v @ to_torch(self.inverse, str(v.device)).to(v)

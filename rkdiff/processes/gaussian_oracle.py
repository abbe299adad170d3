r"""Gaussian data and Gaussian noise in a Hilbert space: everything a diffusion does is known, mode by mode.

Data N(m, Lambda) and noise N(0, C) with one eigenbasis, Lambda = diag(lam) and C = diag(q), x_t = alpha x_0 + sigma xi. Then

    marginal variance   v = alpha^2 lam + sigma^2 q                 signal to noise   SNR = alpha^2 lam / (sigma^2 q)
    denoiser            D = m + alpha lam / v (x - alpha m)          score in H        S = C grad log p = -q (x - alpha m) / v
    posterior           Cov(x_0 | x) = lam sigma^2 q / v = (sigma^2 / alpha) (grad D) C
    probability flow    x_0 = m + sqrt(lam / v) (x_t - alpha m), increasing, so it is also the optimal map between the two Gaussians
    information         I(x_0; x_t) = 1/2 sum log(1 + SNR)
    learning xi         E|xi|^2 = sum q, of which sum q SNR / (1 + SNR) stays however good the model (divide by q for the norm of C)

Nothing here divides by q where the data has no variance, and S, not grad log p, is the object that exists in infinitely many dimensions
(Pidstrigach, Marzouk, Reich and Wang 2023, section 3). With 1 + SNR = v / (sigma^2 q) all of it follows from Gaussian conditioning
(Stuart 2010, section 2.4); the flow as a transport map: Khrulkov et al. 2023, theorem 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Norms in which the error of a predicted noise can be counted: that of H, and that of the Cameron-Martin space of C.
NORMS = ("hilbert", "cameron_martin")


@dataclass(frozen=True, eq=False)
class Modes:
    """Gaussian data seen through Gaussian noise, one number a mode.

    Attributes:
        variances: (r,) lam >= 0 of the data.
        noise: (r,) q > 0 of the noise at sigma = 1.
        mean: (r,) m, or None for zero.

    Raises:
        ValueError: lengths that differ, a negative variance, or noise that is not positive.
    """

    variances: Float[np.ndarray, " r"]
    noise: Float[np.ndarray, " r"]
    mean: Float[np.ndarray, " r"] | None = None

    def __post_init__(self) -> None:
        lam, q = self.variances, self.noise
        if lam.shape != q.shape or len(lam) == 0 or (self.mean is not None and self.mean.shape != lam.shape):
            raise ValueError(f"{lam.shape} variances, {q.shape} of the noise: give as many of both, at least one, and of means")
        if not (np.isfinite(lam).all() and (lam >= 0).all() and np.isfinite(q).all() and (q > 0).all()):
            raise ValueError("give variances of the data from 0 on and positive variances of the noise, all finite")

    @property
    def centre(self) -> Float[np.ndarray, " r"]:
        """The mean of the data."""
        return np.zeros_like(self.variances) if self.mean is None else self.mean

    def marginal(self, alpha: float, sigma: float) -> Float[np.ndarray, " r"]:
        """The variances v of alpha x_0 + sigma xi."""
        return alpha**2 * self.variances + sigma**2 * self.noise

    def snr(self, alpha: float, sigma: float) -> Float[np.ndarray, " r"]:
        """Signal over noise, in variance; sigma > 0."""
        return alpha**2 * self.variances / (sigma**2 * self.noise)

    def denoise(self, x: Float[np.ndarray, "n r"], alpha: float, sigma: float) -> Float[np.ndarray, "n r"]:
        """E[x_0 | x_t = x]."""
        gain = alpha * self.variances / self.marginal(alpha, sigma)
        return self.centre + gain * (x - alpha * self.centre)

    def score(self, x: Float[np.ndarray, "n r"], alpha: float, sigma: float) -> Float[np.ndarray, "n r"]:
        """S = C grad log p_t(x)."""
        return -self.noise / self.marginal(alpha, sigma) * (x - alpha * self.centre)

    def flow(self, x: Float[np.ndarray, "n r"], alpha: float, sigma: float) -> Float[np.ndarray, "n r"]:
        """Where the exact probability flow takes x_t = x, down to the data."""
        return self.centre + np.sqrt(self.variances / self.marginal(alpha, sigma)) * (x - alpha * self.centre)

    def posterior_variance(self, alpha: float, sigma: float) -> Float[np.ndarray, " r"]:
        """Variance of x_0 given x_t, the same for every x_t."""
        return self.variances * sigma**2 * self.noise / self.marginal(alpha, sigma)

    def information(self, alpha: float, sigma: float) -> float:
        """Mutual information of x_0 and x_t, in nats; finite as r grows if and only if sum lam / q is."""
        return float(np.log1p(self.snr(alpha, sigma)).sum() / 2)

    def prior_kl(self, alpha: float, sigma: float) -> float:
        """KL(p_t || N(0, C)): what a start from pure noise gets wrong, in nats."""
        ratio = self.marginal(alpha, sigma) / self.noise
        return float((ratio - 1 - np.log(ratio) + alpha**2 * self.centre**2 / self.noise).sum() / 2)

    def prior_w2(self, alpha: float, sigma: float) -> float:
        """Squared Wasserstein distance between p_t and N(0, C), in H."""
        return w2_squared(self.marginal(alpha, sigma), self.noise, alpha * self.centre)

    def target_energy(self, norm: str = "hilbert") -> float:
        """E|xi|^2, the size of what a network that predicts the noise has to learn: tr C in H, r in the norm of C.

        Raises:
            ValueError: an unknown norm.
        """
        return float((self._weights(norm) * self.noise).sum())

    def irreducible(self, alpha: float, sigma: float, norm: str = "hilbert") -> float:
        """E|xi - E[xi | x_t]|^2: the loss of the best predictor.

        Raises:
            ValueError: an unknown norm.
        """
        share = alpha**2 * self.variances / self.marginal(alpha, sigma)  # SNR / (1 + SNR)
        return float((self._weights(norm) * self.noise * share).sum())

    def _weights(self, norm: str) -> Float[np.ndarray, " r"]:
        if norm not in NORMS:
            raise ValueError(f"there is no norm {norm!r}; choose one of {', '.join(NORMS)}")
        return np.ones_like(self.noise) if norm == "hilbert" else 1 / self.noise


def w2_squared(a: Float[np.ndarray, " r"], b: Float[np.ndarray, " r"], shift: Float[np.ndarray, " r"] | float = 0.0) -> float:
    """Squared 2-Wasserstein distance between N(shift, diag(a)) and N(0, diag(b)) (Gelbrich 1990, in the commuting case)."""
    return float(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() + np.square(np.broadcast_to(shift, a.shape)).sum())

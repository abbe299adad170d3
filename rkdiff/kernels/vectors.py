"""Kernels on vectors: radial ones, and the linear one. Images and curves come here as vectors; graphs as vectors of features.

    gaussian  exp(-d^2 / 2 l^2)      laplace  exp(-d / l)      matern  (1 + sqrt(3) d / l) exp(-sqrt(3) d / l)
    polynomial  ((1 + <x, y> / l^2) / 2)^3      linear  <x, y>

with d the Euclidean distance and l the width. Every one is positive definite, and the radial ones are normalised, k(x, x) = 1.
Median heuristic: l is the median distance between two training vectors. `pull` is what the pre-image's fixed point needs: for a kernel
f(d^2) the gradient of k(y, x) in y is 2 f'(d^2) (y - x), so a stationary y is an average of the x with weights proportional to -f'
(Mika et al. 1999, "Kernel PCA and de-noising in feature spaces", equation 10, for the Gaussian); for f(<x, y>) it is f' x.

Vectors far from zero and close together (values around 3000 that differ by 1) lose their distances in x.x + y.y - 2 x.y. There the vectors
are moved to their mean first: distances do not feel it, and kernel PCA with the linear kernel, which centres anyway, neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError

KERNELS = ("gaussian", "laplace", "matern", "polynomial", "linear")
DEGREE = 3
_TINY = 1e-12
#: Vectors whose squared distances are below this share of their squared lengths are moved towards zero before they are multiplied.
FAR = 1e-6


def squared_distances(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "n m"]:
    """All ||x_i - y_j||^2, never negative; where all are small beside the vectors' lengths, of the vectors less the mean of y."""
    length2 = (y**2).sum(1)
    d2 = np.maximum((x**2).sum(1)[:, None] + length2[None] - 2 * x @ y.T, 0.0)
    if d2.size and d2.max() < FAR * length2.max():
        middle = y.mean(0)
        x, y = x - middle, y - middle
        d2 = np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T, 0.0)
    return d2


def far_off(x: Float[np.ndarray, "n p"]) -> bool:
    """Whether the vectors lie so far from zero, and so close together, that inner products lose what tells them apart."""
    return bool(len(x)) and bool(((x - x.mean(0)) ** 2).sum(1).max() < FAR * (x**2).sum(1).max())


def median_distance(x: Float[np.ndarray, "n p"], limit: int = 1000) -> float:
    """The median of ||x_i - x_j||, i < j, over at most `limit` evenly spread rows; 1.0 where all rows agree."""
    if len(x) > limit:
        x = x[np.linspace(0, len(x) - 1, limit).astype(int)]
    eps, length2 = float(np.finfo(float).eps), float((x**2).sum(1).max(initial=0.0))
    if far_off(x):
        x = x - x.mean(0)
    d2 = squared_distances(x, x)[np.triu_indices(len(x), 1)]
    rounding = max(64 * eps * float((x**2).sum(1).max(initial=0.0)), (64 * eps) ** 2 * length2)
    far = d2[d2 > max(_TINY * float(d2.max(initial=0.0)), rounding)]
    return float(np.sqrt(np.median(far))) if len(far) else 1.0


@dataclass(frozen=True)
class Kernel:
    """A kernel by name and width: `Kernel("gaussian", 0.5)(x, y)` is its Gram matrix.

    Attributes:
        origin: what the vectors are counted from in inner products, zero if None; nothing changes for radial kernels.
    """

    name: str
    width: float = 1.0
    origin: Float[np.ndarray, " p"] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.name not in KERNELS:
            raise ValueError(f"there is no kernel {self.name!r}; choose one of {', '.join(KERNELS)}")
        if not (np.isfinite(self.width) and self.width > 0):
            raise ValueError(f"the width of a kernel is {self.width!r}; choose a positive number")

    @property
    def radial(self) -> bool:
        """Whether k depends on the distance alone."""
        return self.name not in ("linear", "polynomial")

    def __call__(self, x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "n m"]:
        """The Gram matrix k(x_i, y_j)."""
        return self.of(self.counted(x) @ self.counted(y).T) if not self.radial else self.of(squared_distances(x, y))

    def counted(self, x: Float[np.ndarray, "*n p"]) -> Float[np.ndarray, "*n p"]:
        """Vectors counted from the origin."""
        return x if self.origin is None else x - self.origin

    def of(self, value: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """The kernel as a function of the squared distance (radial kernels) or of the inner product (linear, polynomial)."""
        if self.name == "gaussian":
            return np.exp(-value / (2 * self.width**2))
        if self.name == "laplace":
            return np.exp(-np.sqrt(value) / self.width)
        if self.name == "matern":
            s = np.sqrt(3 * value) / self.width
            return (1 + s) * np.exp(-s)
        return ((1 + value / self.width**2) / 2) ** DEGREE if self.name == "polynomial" else value

    def diagonal(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        """The diagonal k(x_i, x_i)."""
        return np.ones(len(x)) if self.radial else self.of((self.counted(x) ** 2).sum(1))

    def slope(self, value: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """The derivative of `of` by its argument: negative for radial kernels, positive for the linear one and the data's polynomial."""
        l = self.width
        if self.name == "gaussian":
            return -np.exp(-value / (2 * l**2)) / (2 * l**2)
        if self.name == "laplace":
            d = np.sqrt(value)
            return -np.exp(-d / l) / (2 * l * np.maximum(d, 1e-6 * l))
        if self.name == "matern":
            return -1.5 / l**2 * np.exp(-np.sqrt(3 * value) / l)
        if self.name == "polynomial":
            return DEGREE / (2 * l**2) * ((1 + value / l**2) / 2) ** (DEGREE - 1)
        return np.ones_like(value)

    def pull(self, x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "n m"]:
        """|f'|: how strongly y_j pulls a pre-image x_i towards itself (radial), or along itself (kernels of the inner product)."""
        return -self.slope(squared_distances(x, y)) if self.radial else self.slope(self.counted(x) @ self.counted(y).T)

    def uphill(
        self, gamma: Float[np.ndarray, "n m"], y: Float[np.ndarray, "n p"], anchors: Float[np.ndarray, "m p"]
    ) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, " n"]]:
        """The way to go up J(y) = 2 sum_i gamma_i k(a_i, y) - k(y, y), row by row, and the strength it stands for.

        With g_i = gamma_i pull(y, a_i) the gradient of J is c (sum_i g_i a_i - s y), where s = sum_i g_i, c = 4 for radial kernels, and
        s = pull(y, y), c = 2 for kernels of the inner product. Returned are the bracket and s: y stands still at sum_i g_i a_i / s
        (y and the a_i counted from the origin).
        """
        g = gamma * self.pull(y, anchors)
        if not self.radial:
            y, anchors = self.counted(y), self.counted(anchors)
        s = g.sum(1) if self.radial else self.slope((y**2).sum(1))
        return g @ anchors - s[:, None] * y, s


@dataclass(frozen=True)
class RandomFourier(Kernel):
    """A radial kernel through m random frequencies w: features sqrt(1/m) (cos w.x, sin w.x), whose inner product is near k."""

    frequencies: Float[np.ndarray, "p m"] = field(default_factory=lambda: np.zeros((1, 1)))

    @staticmethod
    def draw(kernel: Kernel, p: int, count: int, rng: np.random.Generator) -> RandomFourier:
        """Frequencies from the spectral measure (Rahimi and Recht 2007): normal, or Student t (Matern 3, Laplace 1).

        Raises:
            PartError: the kernel depends on more than the distance and has no such measure.
        """
        freedom = {"gaussian": 0, "matern": 3, "laplace": 1}
        if kernel.name not in freedom:
            raise PartError(
                f"the {kernel.name} kernel has no random Fourier features; choose exact, landmarks or a radial kernel"
            )
        w = rng.standard_normal((p, count)) / kernel.width
        if nu := freedom[kernel.name]:
            w = w / np.sqrt(rng.chisquare(nu, count) / nu)
        return RandomFourier(kernel.name, kernel.width, frequencies=w)

    def features(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n f"]:
        """The explicit features."""
        a = x @ self.frequencies
        return np.concatenate([np.cos(a), np.sin(a)], axis=1) / np.sqrt(a.shape[1])

    def __call__(self, x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "n m"]:
        return self.features(x) @ self.features(y).T

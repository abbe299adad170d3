"""What every space with a kernel shares: objects become vectors, a kernel on the vectors embeds them, coordinates are whitened.

Kernels on structured objects that can be decoded are kernels on explicit vectors: counts of substrings, statistics of graphs, quantiles of
projected point clouds, columns of a table (a product of kernels on columns is one Gaussian on their concatenation). `vectors` says which;
the rest, from kernel PCA to "how far is this object from that point of H", is written here once.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from rkdiff.core.parts import PartError, knob, knobs
from rkdiff.core.rng import Rng
from rkdiff.kernels.vectors import Kernel, median_distance, squared_distances
from rkdiff.processes.covariance import NOISES, SHARE, bounded, noise_variances
from rkdiff.spaces import Fitted, Space
from rkdiff.spaces.rkhs import APPROXIMATIONS, Embedding, embed, whiten

Self_ = TypeVar("Self_", bound="FittedKernel")
#: Objects that are turned into vectors at once: bounds the memory.
ROWS = 2000
#: Objects made of real numbers are new beyond this quantile of the training objects' distances to their own nearest neighbours.
NEAR, COPY = 0.05, 1e-3
#: Largest number in a training vector: beyond it, squares and their products leave the floating-point range.
LARGEST = 1e70


@dataclass(frozen=True)
class KernelSpace(Space, abstract=True):
    """A space of kernel coordinates: how many, how wide the kernel, which noise."""

    r: int = knob(12, 1, 60, help="how many kernel coordinates: few leave the decoder free to invent, many copy")
    width: float = knob(
        1.0,
        0.1,
        10.0,
        log=True,
        when={"kernel": ("gaussian", "laplace", "matern", "polynomial")},
        help="kernel width, in median distances between training objects: small memorises, large is Gaussian",
    )
    noise: str = knob(
        "spectrum",
        options=NOISES,
        advanced=True,
        help="family of the noise's covariance: a power of the data's spectrum, a power law, or Matern",
    )
    smoothness: float = knob(
        0.5,
        0.0,
        4.0,
        step=0.25,
        help="shape of the noise: 0 white (Matern: the roughest), with the spectrum 1 is like the data",
    )
    approximation: str = knob(
        "auto", options=APPROXIMATIONS, advanced=True, help="kernel PCA on all objects, on landmarks, or with random features"
    )


def beyond(vectors: Float[np.ndarray, "n p"], known: Float[np.ndarray, "m p"], limit: int = 1000) -> Bool[np.ndarray, " n"]:
    """Which vectors lie farther from all known ones than NEAR of (at most `limit`) known ones do from their nearest other one."""
    some = known[np.linspace(0, len(known) - 1, min(len(known), limit)).astype(int)]
    among = squared_distances(some, some)
    np.fill_diagonal(among, np.inf)
    radius2 = max(float(np.quantile(among.min(axis=1), NEAR)), (COPY * median_distance(some)) ** 2)
    return squared_distances(vectors, known).min(axis=1, initial=np.inf) > radius2


class FittedKernel(Fitted):
    """Kernel coordinates of objects; fill `vectors` and `decode`.

    Attributes:
        training: the training objects; `candidates` are their vectors.
        embedding: kernel PCA of the vectors, r coordinates z.
        scale: (d,) z = scale * x, with x the coordinates that are handed out; in x the noise is white.
        noise: (d,) variances q of the noise in z, up to one factor.
        raised: in how many coordinates the noise was raised, because noise that smooth would drown the others.
    """

    space: KernelSpace
    training: np.ndarray
    candidates: Float[np.ndarray, "n p"]
    embedding: Embedding

    def __init__(self, space: KernelSpace, training: np.ndarray, rng: Rng) -> None:
        self.space, self.training = space, training
        self.candidates = self.vectors(training)
        if not np.isfinite(self.candidates).all():
            raise PartError(f"the {len(training)} training objects hold values that are not finite; give finite numbers only")
        if (largest := float(np.abs(self.candidates).max(initial=0.0))) > LARGEST:
            raise PartError(f"the training objects hold numbers as large as {largest:.1g}; give them in a larger unit")
        if len(training) < 2:
            raise PartError(f"there are {len(training)} training objects; give at least two different ones")
        self.embedding = embed(
            self.candidates, self.kernel(), space.r, rng.numpy("landmarks"), approximation=space.approximation
        )
        self.set_scales(self.embedding.variances)

    @abstractmethod
    def vectors(self, objects: np.ndarray) -> Float[np.ndarray, "n p"]:
        """Objects as vectors whose Euclidean geometry the kernel sees."""

    def kernel(self) -> Kernel:
        """The kernel on the vectors: the space's `kernel` knob (Gaussian without one), `width` median distances wide."""
        name = str(getattr(self.space, "kernel", "gaussian"))
        return Kernel(name, self.space.width * median_distance(self.candidates) if name != "linear" else 1.0)

    def set_scales(self, variances: Float[np.ndarray, " d"]) -> None:
        """Whiten: from the variances of the coordinates z, in any order, to `scale`, `weights`, `raised` and `dim`."""
        wanted = noise_variances(self.space.noise, variances, self.space.smoothness, self.frequencies(len(variances)))
        q = bounded(wanted, variances)
        self.raised = int((q > wanted).sum())
        self.scale, self.weights = whiten(variances, q)
        self.noise, self.dim = q, len(q)

    def frequencies(self, d: int) -> Int[np.ndarray, " d"] | None:
        """Index of each coordinate from 1 on, where the basis gives it a meaning; None where only its variance ranks it."""
        return None

    def encode(self, objects: np.ndarray) -> Float[np.ndarray, "n d"]:
        parts = [objects[i : i + ROWS] for i in range(0, max(len(objects), 1), ROWS)]
        return np.concatenate([self.embedding.coordinates(self.vectors(p)) for p in parts]) / self.scale

    def kernel_coordinates(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
        """Z of the coordinates handed out (without those that a space appends to the embedding's)."""
        return (x * self.scale)[:, : self.embedding.dim]

    def nearest(self, x: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Indices of the training objects nearest to psi(z) in H."""
        return self.embedding.distances2(self.kernel_coordinates(x), self.candidates).argmin(1)

    def residual(self, objects: np.ndarray, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        z, e = self.kernel_coordinates(x), self.embedding
        v = self.vectors(objects)
        cross = (e.gamma(z) * e.kernel(v, e.anchors)).sum(1)
        return np.maximum(e.norm2(z) + e.kernel.diagonal(v) - 2 * cross, 0.0)

    def gram(self, objects: np.ndarray) -> Float[np.ndarray, "n n"]:
        """The Gram matrix of objects."""
        v = self.vectors(objects)
        return self.embedding.kernel(v, v)

    def novel(self, objects: np.ndarray) -> Bool[np.ndarray, " n"]:
        """Different from every training object; made of real numbers, farther off than 5 of 100 training objects are from each other.

        Without such a radius every object made of real numbers would be new, the slightest blur of a copy too.
        """
        if self.training.dtype.kind != "f":
            known = {o.tobytes() for o in np.ascontiguousarray(self.training)}
            return np.array([o.astype(self.training.dtype).tobytes() not in known for o in np.ascontiguousarray(objects)], bool)
        return beyond(self.vectors(objects), self.candidates)

    @property
    def decoders(self) -> tuple[str, ...]:
        return next((k.options for k in knobs(type(self.space)) if k.name == "decoder"), ())

    def with_decoder(self: Self_, name: str) -> Self_:
        other = copy.copy(self)
        other.space = replace(self.space, decoder=name)  # type: ignore[call-arg]
        return other

    @property
    def advice(self) -> tuple[str, ...]:
        e, out = self.embedding, []
        n = len(self.candidates)
        some = self.candidates[np.linspace(0, n - 1, min(n, 300)).astype(int)]
        k = e.kernel(some, some)
        d = np.sqrt(np.outer(np.diag(k), np.diag(k)))
        alike = float((k / np.where(d > 0, d, 1.0))[~np.eye(len(k), dtype=bool)].mean())
        if e.kernel.radial and alike < 0.05:
            out.append(
                f"this kernel finds hardly any two objects alike (mean likeness {alike:.2f}): widen it, or everything is noise to it"
            )
        if e.kernel.radial and alike > 0.99:
            out.append(
                f"this kernel finds all objects alike (mean likeness {alike:.3f}): narrow it, or only a line of H is left"
            )
        if self.raised:
            out.append(
                f"noise this smooth is smoother than the data: in {self.raised} of {self.dim} coordinates it was raised to "
                f"{SHARE:.0%} of the share that the data has there, or the coarse shape would drown; "
                f"choose less smoothness{' (1 at most)' if self.space.noise == 'spectrum' else ''} for the noise as it is named"
            )
        return tuple(out)

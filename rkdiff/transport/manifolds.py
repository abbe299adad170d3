"""Flat space, the sphere and the torus: geodesics, their inverse, tangent vectors, and random walks along them.

    flat      exp_x(v) = x + v,                                     log_x(y) = y - x
    sphere    exp_x(v) = cos|v| x + sin|v| v / |v|,                  log_x(y) = angle(x, y) (y - <x, y> x) / |y - <x, y> x|
    torus     the flat ones, with angles brought back to (-pi, pi]

Points of the sphere are unit vectors of the space around it, and those of the torus are angles; the circle is `Torus(1)`. A geodesic random
walk x' = exp_x(h b(x) + sqrt(h) sigma P_x z), with standard normals z projected to the tangent plane, has in the limit h -> 0 the
generator <b, grad> + (sigma^2 / 2) Laplace-Beltrami (Jorgensen 1975; De Bortoli et al. 2022, section 2). The logarithm of opposite points
is not defined: such pairs are marked.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Bool, Float

from rkdiff.core.tensors import randn, torch

#: Points whose cosine is below this are opposite: no direction leads from one to the other.
OPPOSITE = -0.999


class Manifold(ABC):
    """Where a process lives. Points are rows of `width` numbers; leading axes are free."""

    #: Numbers that a point is written with.
    width: int

    @abstractmethod
    def exp(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        """Where the geodesic from x with the velocity v, a tangent vector, is after unit time."""

    @abstractmethod
    def log(
        self, x: Float[torch.Tensor, "*n w"], y: Float[torch.Tensor, "*n w"]
    ) -> tuple[Float[torch.Tensor, "*n w"], Bool[torch.Tensor, "*n"]]:
        """The shortest tangent vector at x whose geodesic leads to y, and where it is defined; 0 where it is not."""

    @abstractmethod
    def embed(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n e"]:
        """Continuous coordinates of the points: what a network sees."""

    @abstractmethod
    def basis(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n p"]:
        """A few smooth functions of the points, beside the constant: what least squares fits with."""

    @abstractmethod
    def uniform(self, n: int, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, "n w"]:
        """Points of the uniform law.

        Raises:
            ValueError: there is none.
        """

    def project(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        """The part of v that is tangent at x."""
        return v


@dataclass(frozen=True)
class Flat(Manifold):
    """Euclidean space; width 0 leaves its dimension to the points."""

    width: int = 0

    def exp(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        return x + v

    def log(
        self, x: Float[torch.Tensor, "*n w"], y: Float[torch.Tensor, "*n w"]
    ) -> tuple[Float[torch.Tensor, "*n w"], Bool[torch.Tensor, "*n"]]:
        return y - x, torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device)

    def embed(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n e"]:
        return x

    def basis(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n p"]:
        return x

    def uniform(self, n: int, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, "n w"]:
        raise ValueError("flat space has no uniform law; choose a sphere or a torus")


@dataclass(frozen=True)
class Sphere(Manifold):
    """Unit vectors of a space with one dimension more; `Sphere()` is the ordinary sphere in three dimensions."""

    dim: int = 2

    @property
    def width(self) -> int:  # type: ignore[override]
        return self.dim + 1

    def project(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        return v - (x * v).sum(-1, keepdim=True) * x

    def exp(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        length = v.norm(dim=-1, keepdim=True)
        y = torch.cos(length) * x + torch.sinc(length / math.pi) * v
        return y / y.norm(dim=-1, keepdim=True)  # rounding would add up over many steps

    def log(
        self, x: Float[torch.Tensor, "*n w"], y: Float[torch.Tensor, "*n w"]
    ) -> tuple[Float[torch.Tensor, "*n w"], Bool[torch.Tensor, "*n"]]:
        cosine = (x * y).sum(-1, keepdim=True)
        across = y - cosine * x
        sine = across.norm(dim=-1, keepdim=True)
        v = torch.atan2(sine, cosine) * across / sine.clamp_min(torch.finfo(x.dtype).tiny)
        defined = cosine > OPPOSITE
        return torch.where(defined, v, 0.0), defined[..., 0]

    def embed(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n e"]:
        return x

    def basis(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n p"]:
        """Coordinates and their products: the spherical harmonics of degrees one and two."""
        i, j = torch.triu_indices(self.width, self.width, device=x.device)
        return torch.cat([x, x[..., i] * x[..., j]], dim=-1)

    def uniform(self, n: int, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, "n w"]:
        z = randn((n, self.width), generator, like)
        return z / z.norm(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Torus(Manifold):
    """Angles in (-pi, pi]; `Torus(1)` is the circle. `harmonics` is how many the basis holds of each angle."""

    dim: int = 1
    harmonics: int = 4

    @property
    def width(self) -> int:  # type: ignore[override]
        return self.dim

    def exp(self, x: Float[torch.Tensor, "*n w"], v: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n w"]:
        return wrap(x + v)

    def log(
        self, x: Float[torch.Tensor, "*n w"], y: Float[torch.Tensor, "*n w"]
    ) -> tuple[Float[torch.Tensor, "*n w"], Bool[torch.Tensor, "*n"]]:
        v = wrap(y - x)
        defined = (torch.cos(v) > OPPOSITE).all(-1)
        return torch.where(defined[..., None], v, 0.0), defined

    def embed(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n e"]:
        return torch.cat([torch.cos(x), torch.sin(x)], dim=-1)

    def basis(self, x: Float[torch.Tensor, "*n w"]) -> Float[torch.Tensor, "*n p"]:
        return torch.cat([f(k * x) for k in range(1, self.harmonics + 1) for f in (torch.cos, torch.sin)], dim=-1)

    def uniform(self, n: int, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, "n w"]:
        u = torch.rand((n, self.dim), generator=generator, dtype=torch.float64).to(device=like.device, dtype=like.dtype)
        return wrap(2 * math.pi * u)


def wrap(angle: Float[torch.Tensor, "*n"]) -> Float[torch.Tensor, "*n"]:
    """The angle in (-pi, pi] that differs by whole turns."""
    return angle - 2 * math.pi * torch.ceil((angle - math.pi) / (2 * math.pi))


def geodesic_walk(
    manifold: Manifold,
    x: Float[torch.Tensor, "n w"],
    generator: torch.Generator,
    *,
    time: float = 1.0,
    steps: int = 100,
    sigma: float = 1.0,
    drift: Callable[[Float[torch.Tensor, "n w"], float], Float[torch.Tensor, "n w"]] | None = None,
) -> Float[torch.Tensor, "T n w"]:
    """A geodesic random walk from the points x: steps + 1 frames. Without a drift it is Brownian motion of variance sigma^2 * time.

    Raises:
        ValueError: points of the wrong width, no step, no time, or a negative sigma.
    """
    if x.ndim != 2 or x.shape[1] != (manifold.width or x.shape[1]):
        raise ValueError(f"the points have shape {tuple(x.shape)}; give (n, {manifold.width}) for {manifold}")
    if steps < 1 or not time > 0 or not sigma >= 0:
        raise ValueError(f"steps, time and sigma are {steps}, {time} and {sigma}; give steps >= 1, time > 0, sigma >= 0")
    h, frames = time / steps, [x]
    for k in range(steps):
        v = sigma * math.sqrt(h) * randn(tuple(x.shape), generator, x)
        if drift is not None:
            v = v + h * drift(x, k * h)
        x = manifold.exp(x, manifold.project(x, v))
        frames.append(x)
    return torch.stack(frames)

"""Experimental. Input-convex networks: f(x) convex in x for every value of the parameters.

    z_1 = softplus(x A_1 + b_1),    z_{k+1} = softplus(z_k W_k + x A_{k+1} + b_{k+1}),    f(x) = <w, z_L> + <c, x> + alpha |x|^2 / 2

Softplus is convex and increasing, so f is convex where the W_k and w are not negative: they are softplus of free numbers, divided by their
fan-in, never clipped. alpha = softplus of a free number makes f strongly convex, starts at 1 with small w, so that grad f starts near the
identity, and is learned. Reference: Amos, Xu and Kolter 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from jaxtyping import Float

from rkdiff.core.tensors import randn, torch


@dataclass(frozen=True)
class Icnn:
    """The shapes of an input-convex network.

    Attributes:
        dim: coordinates of the input.
        widths: hidden layers, at least one.
    """

    dim: int
    widths: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        if self.dim < 1 or not self.widths or min(self.widths) < 1:
            raise ValueError(f"dim is {self.dim} and widths {self.widths}; give at least one coordinate and one layer")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in A and b of each layer, in the W between layers, in w, c and alpha, in the order of the flat vector."""
        free = [size for w in self.widths for size in (self.dim * w, w)]
        return (*free, *(a * b for a, b in pairwise(self.widths)), self.widths[-1], self.dim, 1)

    def start(self, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, " p"]:
        """Parameters with which grad f is near the identity."""
        parts = []
        for w in self.widths:
            parts += [randn((self.dim * w,), generator, like) / math.sqrt(self.dim), randn((w,), generator, like)]
        for a, b in pairwise(self.widths):
            parts.append(0.1 * randn((a * b,), generator, like) + 0.5)
        last, zero = self.widths[-1], torch.zeros(self.dim, dtype=like.dtype, device=like.device)
        small = torch.full((last,), -3.0, dtype=like.dtype, device=like.device)
        one = torch.full((1,), math.log(math.e - 1), dtype=like.dtype, device=like.device)  # softplus of it is 1
        return torch.cat([*parts, small, zero, one])

    def __call__(self, theta: Float[torch.Tensor, " p"], x: Float[torch.Tensor, "n d"]) -> Float[torch.Tensor, " n"]:
        """The value f(x)."""
        positive = torch.nn.functional.softplus
        parts = torch.split(theta, list(self.sizes))
        layers = len(self.widths)
        z = positive(torch.addmm(parts[1], x, parts[0].view(self.dim, -1)))
        for k in range(1, layers):
            before, width = self.widths[k - 1], self.widths[k]
            inner = z @ positive(parts[2 * layers + k - 1].view(before, width)) / before
            z = positive(torch.addmm(parts[2 * k + 1], x, parts[2 * k].view(self.dim, width)) + inner)
        w, c, alpha = parts[-3:]
        out: torch.Tensor = z @ positive(w) + x @ c + positive(alpha) * (x**2).sum(1) / 2
        return out

    def gradient(
        self, theta: Float[torch.Tensor, " p"], x: Float[torch.Tensor, "n d"], learn: bool = False
    ) -> Float[torch.Tensor, "n d"]:
        """The gradient of f at x; `learn` keeps what is needed to differentiate it by theta or, where x asks for it, by x."""
        with torch.enable_grad():
            at = x if x.requires_grad else x.detach().requires_grad_(True)
            found: torch.Tensor = torch.autograd.grad(self(theta, at).sum(), at, create_graph=learn)[0]
        return found

    def hessian(
        self, theta: Float[torch.Tensor, " p"], x: Float[torch.Tensor, "n d"], learn: bool = False
    ) -> tuple[Float[torch.Tensor, "n d"], Float[torch.Tensor, "n d d"]]:
        """The gradient and the matrix of second derivatives, one backward pass for each coordinate: for few of them."""
        with torch.enable_grad():
            at = x if x.requires_grad else x.detach().requires_grad_(True)
            g = self.gradient(theta, at, learn=True)
            rows = [
                torch.autograd.grad(g[:, k].sum(), at, create_graph=learn, retain_graph=learn or k < self.dim - 1)[0]
                for k in range(self.dim)
            ]
        return (g if learn else g.detach()), torch.stack(rows, dim=1)


def conjugate(
    net: Icnn,
    theta: Float[torch.Tensor, " p"],
    y: Float[torch.Tensor, "n d"],
    start: Float[torch.Tensor, "n d"],
    steps: int = 8,
) -> Float[torch.Tensor, "n d"]:
    """The point x(y) at which <x, y> - f(x) is greatest, that is grad f(x) = y, by Newton steps that each shorten the residual.

    Strong convexity makes it unique. f*(y) = <x(y), y> - f(x(y)); at any other point that expression is smaller.
    """
    x = start.detach()
    for _ in range(steps):
        g, h = net.hessian(theta.detach(), x)
        rest = g - y
        size = rest.norm(dim=1)
        step = torch.linalg.solve(h, rest[..., None])[..., 0]
        share = torch.ones_like(size)
        for _ in range(4):
            worse = (net.gradient(theta.detach(), x - share[:, None] * step) - y).norm(dim=1) > size
            if not bool(worse.any()):
                break
            share = torch.where(worse, share / 4, share)
        x = x - torch.where(worse, torch.zeros_like(share), share)[:, None] * step
    return x

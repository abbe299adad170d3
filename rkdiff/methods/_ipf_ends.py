"""The two ends of a chain: draws of the data with what conditions each, and of the source given it."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float

from rkdiff.core.tensors import randn, torch
from rkdiff.methods._ipf_chain import Given

#: Draws n points of the data and what conditions each.
Data = Callable[[int, "torch.Generator"], tuple["torch.Tensor", Given]]  # in quotes: an import of torch costs seconds
#: Draws points of the source for given y.
Source = Callable[[int, Given, "torch.Generator"], "torch.Tensor"]


def resampled(x: Float[torch.Tensor, "n w"], y: Given = None) -> Data:
    """Draws, with repetition, from points and what conditions each."""

    def draw(n: int, generator: torch.Generator) -> tuple[torch.Tensor, Given]:
        pick = torch.randint(len(x), (n,), generator=generator).to(x.device)
        return x[pick], None if y is None else y[pick]

    return draw


def normals(like: Float[torch.Tensor, "n w"]) -> Source:
    """Standard normals, whatever y is."""
    return lambda n, y, generator: randn((n, like.shape[1]), generator, like)


def regressed(x: Float[torch.Tensor, "n w"], y: Float[torch.Tensor, "n c"]) -> Source:
    """Conditional initialisation: N(E[x|y], Cov[x|y]) of the best affine regression, so that a short chain has less to do."""
    design = torch.cat([torch.ones_like(y[:, :1]), y], dim=1)
    slope = torch.linalg.pinv(design) @ x
    rest = x - design @ slope
    values, vectors = torch.linalg.eigh(rest.T @ rest / len(x))
    root = vectors * values.clamp_min(0.0).sqrt()

    def draw(n: int, y: Given, generator: torch.Generator) -> torch.Tensor:
        mean: torch.Tensor = torch.cat([torch.ones_like(y[:, :1]), y], dim=1) @ slope
        return mean + randn((n, x.shape[1]), generator, x) @ root.T

    return draw

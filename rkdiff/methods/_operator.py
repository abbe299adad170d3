"""A Fourier neural operator on an interval: a network whose layers act on functions and not on grid points.

    h_{l+1} = silu(R_l * h_l + W_l h_l + b_l),      (R * h)_o = sum_k sum_i R_{iok} c_k(h_i) cos(pi k s),   k < modes

with c_k the cosine coefficients of a channel and W_l, b_l the same at every point (Li et al. 2021, "Fourier neural operator for parametric
partial differential equations", section 4). The coefficients come from the discrete Fourier transform of the curve and its mirror image,
which has no jump at the ends, with norm="forward": they are averages over the grid, and so the same on every grid, up to what lies above
the grid's own highest frequency. `Convolutions`, the control, has the same calls but sees neighbours by their number: a finer grid is
another problem to it. Parameters are one flat vector, as in `rkdiff.methods._mlp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from rkdiff.core.tensors import randn, torch

#: What a layer of the control sees: three points, this many places apart.
DILATIONS = (1, 2, 4, 8, 4, 2, 1)


@dataclass(frozen=True)
class Operator:
    """The shapes of a Fourier neural operator on curves of a few channels."""

    inputs: int
    width: int = 20
    modes: int = 16
    layers: int = 3

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the parameters, in the order of the flat vector."""
        w = self.width
        layer = ((w, w, self.modes), (w, w), (w, 1))
        return ((w, self.inputs), (w, 1), *(layer * self.layers), (1, w), (1, 1))

    def start(self, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, " p"]:
        """Parameters before training."""
        scales = [1.0] * 2 + [0.5, 1.0, 1.0] * self.layers + [0.1, 0.0]
        return torch.cat(
            [
                s * randn((_size(shape),), generator, like) / max(shape[1], 1) ** 0.5 * (0.0 if shape[-1] == 1 else 1.0)
                for s, shape in zip(scales, self.shapes, strict=True)
            ]
        )

    def __call__(self, theta: Float[torch.Tensor, " p"], h: Float[torch.Tensor, "n i g"]) -> Float[torch.Tensor, "n g"]:
        """The output at every point."""
        parts = _read(theta, self.shapes)
        h = parts[0] @ h + parts[1]
        for k in range(self.layers):
            spectral, local, bias = parts[2 + 3 * k : 5 + 3 * k]
            h = torch.nn.functional.silu(spectral_convolution(h, spectral) + local @ h + bias)
        return (parts[-2] @ h + parts[-1])[:, 0]


def spectral_convolution(h: Float[torch.Tensor, "n i g"], r: Float[torch.Tensor, "i o k"]) -> Float[torch.Tensor, "n o g"]:
    """Mix the channels' lowest cosine coefficients, each by a matrix of its own; a grid too coarse for all of them uses what it has."""
    points = h.shape[-1]
    modes = min(r.shape[-1], points - 1)
    c = torch.fft.rfft(torch.cat([h, h[..., 1:-1].flip(-1)], dim=-1), norm="forward").real[..., :modes]
    mixed = torch.nn.functional.pad(torch.einsum("nik,iok->nok", c, r[..., :modes]), (0, points - modes))
    return torch.fft.irfft(
        mixed.to(torch.complex64 if h.dtype == torch.float32 else torch.complex128), n=2 * points - 2, norm="forward"
    )[..., :points]


@dataclass(frozen=True)
class Convolutions:
    """Dilated convolutions along the grid, each added to what it saw: an ordinary network on grid values."""

    inputs: int
    width: int = 24

    DILATIONS: ClassVar[tuple[int, ...]] = DILATIONS

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the parameters, in the order of the flat vector."""
        w = self.width
        return ((w, self.inputs), (w, 1), *(((w, w, 3), (w, 1)) * len(DILATIONS)), (1, w), (1, 1))

    def start(self, generator: torch.Generator, like: torch.Tensor) -> Float[torch.Tensor, " p"]:
        """Parameters before training."""
        out = []
        for shape in self.shapes:
            fan = shape[1] * (shape[2] if len(shape) == 3 else 1)
            gain = 0.0 if shape[-1] == 1 else 0.1 if shape[0] == 1 else 1.0
            out.append(gain * randn((_size(shape),), generator, like) / fan**0.5)
        return torch.cat(out)

    def __call__(self, theta: Float[torch.Tensor, " p"], h: Float[torch.Tensor, "n i g"]) -> Float[torch.Tensor, "n g"]:
        """The output at every point; beyond the ends the curve goes on as it ended."""
        parts = _read(theta, self.shapes)
        h = parts[0] @ h + parts[1]
        for k, d in enumerate(DILATIONS):
            padded = torch.nn.functional.pad(torch.nn.functional.silu(h), (d, d), mode="replicate")
            h = h + torch.nn.functional.conv1d(padded, parts[2 + 2 * k], parts[3 + 2 * k][:, 0], dilation=d)
        return (parts[-2] @ torch.nn.functional.silu(h) + parts[-1])[:, 0]


def _size(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _read(theta: torch.Tensor, shapes: tuple[tuple[int, ...], ...]) -> list[torch.Tensor]:
    """The parameters as matrices."""
    parts = torch.split(theta, [_size(s) for s in shapes])
    return [p.view(s) for p, s in zip(parts, shapes, strict=True)]

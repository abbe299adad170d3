"""The denoiser that kernel regression leaves: a ladder of fits, one for each noise level, and one such ladder for each class.

    D(x, nu) = W(x, nu) + c(nu) F(c(nu) x / nu, nu),       F linear in log nu between the levels,

along the principal axes, with W and c of `_moments`; beyond the last level F falls as 1 / nu, before the first it stays (c falls as nu).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rkdiff.core.model import ANY, Denoiser
from rkdiff.core.parts import PartError
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._moments import Moments
from rkdiff.methods._ridge import kernel
from rkdiff.methods.exact import by_label

#: Noise levels of the ladder, in units of the data's spread.
LOWEST, HIGHEST = 0.02, 20.0


@dataclass(frozen=True)
class Head:
    """The fits of one class (or of all data), along its principal axes: landmarks, and their coefficients at each level."""

    axes: Float[torch.Tensor, "d d"]
    moments: Moments
    levels: tuple[float, ...]
    widths: tuple[float, ...]
    kind: str
    point: Float[torch.Tensor, "m d"]
    noise: Float[torch.Tensor, "m d"]
    coefficients: list[Float[torch.Tensor, "m d"]]

    def denoise(self, x: Float[torch.Tensor, "n d"], nu: float) -> Float[torch.Tensor, "n d"]:
        x, m, r = x @ self.axes, self.moments, nu / self.moments.unit
        left = m.left(nu)
        y = (x - m.mean) / m.unit * (left / nu)
        at = np.interp(math.log(r), np.log(self.levels), np.arange(len(self.levels)))
        low, share = int(at), float(at) % 1.0
        f = self._level(y, low)
        if share > 0:
            f = torch.lerp(f, self._level(y, low + 1), share)
        return (m.wiener(x, nu) + left * f * min(1.0, HIGHEST / r)) @ self.axes.T

    def _level(self, y: Float[torch.Tensor, "n d"], k: int) -> Float[torch.Tensor, "n d"]:
        return kernel(y, self.centres(k), self.widths[k], self.kind) @ self.coefficients[k]

    def centres(self, k: int) -> Float[torch.Tensor, "m d"]:
        """The landmarks of level k, scaled for distances."""
        return (self.point + self.levels[k] * self.noise) * self.scale(k)

    def scale(self, k: int) -> Float[torch.Tensor, " d"]:
        """What coordinates are multiplied by for distances at level k."""
        nu = self.levels[k] * self.moments.unit
        return self.moments.left(nu) / nu


class KernelDenoiser(Denoiser):
    """One head for all data and one for each class."""

    def __init__(self, heads: dict[int, Head], classes: int) -> None:
        self.heads, self.classes = heads, classes

    def denoise(
        self, x: Float[torch.Tensor, "n d"], nu: float, label: Int[torch.Tensor, " n"] | None = None
    ) -> Float[torch.Tensor, "n d"]:
        if nu <= 0:
            return x
        with torch.no_grad():
            return by_label(x, label, lambda rows, c: self._head(c).denoise(rows, nu))

    def _head(self, c: int) -> Head:
        if c not in self.heads:
            known = f"classes {', '.join(str(k) for k in self.heads if k != ANY)}" if self.classes else "no classes"
            raise PartError(f"this model learned {known}, not class {c}; choose one of them, or -1 for any")
        return self.heads[c]

    def state(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for c, head in self.heads.items():
            name = "any" if c == ANY else f"class {c}"
            arrays = {"levels": np.array(head.levels), "widths": np.array(head.widths), **head.moments.state()}
            arrays |= {"axes": to_numpy(head.axes), "point": to_numpy(head.point), "noise": to_numpy(head.noise)}
            arrays["coefficients"] = to_numpy(torch.stack(head.coefficients))
            out |= {f"{name}/{k}": v for k, v in arrays.items()}
        return out

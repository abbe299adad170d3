"""One sliced displacement of a cloud in torch, for GPUs; that of `rkdiff.processes.sliced_step`, where the formulas stand, on CPUs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from rkdiff.core.tensors import to_torch, torch
from rkdiff.processes.sliced_step import displacement as displacement
from rkdiff.processes.sliced_step import masses
from rkdiff.processes.sliced_step import target_lines as target_lines
from rkdiff.processes.slices import slice_constant

#: At most this many projected numbers at once.
CHUNK = 20_000_000


def displacement_torch(
    x: Float[torch.Tensor, "n d"],
    y: Float[torch.Tensor, "m d"],
    theta: Float[torch.Tensor, "l d"],
    gap: str = "horizontal",
    jitter: Float[torch.Tensor, "n d"] | None = None,
    *,
    weights: Float[np.ndarray, " m"] | None = None,
    source_weights: Float[np.ndarray, " n"] | None = None,
) -> Float[torch.Tensor, "n d"]:
    """The displacement where the tensors are; weights as in `displacement`.

    Raises:
        ValueError: weights that are not positive.
    """
    n, m, d = len(x), len(y), x.shape[1]
    equal = weights is None and source_weights is None
    a, b = (to_torch(w, str(x.device)).to(x) for w in (masses(source_weights, n, "source_weights"), masses(weights, m)))
    rows = max(1, CHUNK // (n + m))
    out = torch.zeros_like(x)
    for part in theta.split(rows):
        p = part @ x.T
        q, stands = torch.sort(part @ y.T, dim=1, stable=True)
        order = torch.argsort(p if jitter is None else p + part @ jitter.T, dim=1, stable=True)
        if gap == "horizontal":
            targets = _targets_torch(q, n) if equal else _weighted_targets_torch(q, a[order], b[stands])
            moved = torch.empty_like(p).scatter_(1, order, targets) - p
        else:
            own = torch.cumsum(a[order], dim=1) - a[order] / 2
            below = torch.nn.functional.pad(torch.cumsum(b[stands], dim=1), (1, 0))
            left, right = torch.searchsorted(q, p), torch.searchsorted(q, p, right=True)
            moved = torch.empty_like(p).scatter_(1, order, own) - (below.gather(1, left) + below.gather(1, right)) / 2
            moved = moved * (2 * slice_constant(d) / d)
        out += moved.T @ part
    return out * (d / len(theta))


def _targets_torch(y: Float[torch.Tensor, "l m"], n: int) -> Float[torch.Tensor, "l n"]:
    """`quantile_targets` for equal weights, in torch."""
    m = y.shape[1]
    if n == m:
        return y
    edges = torch.arange(n + 1, device=y.device) * m
    whole = torch.div(edges, n, rounding_mode="floor")
    part = (edges - whole * n).to(y) / n
    total = torch.nn.functional.pad(torch.cumsum(y, dim=1), (1, 0))
    s = total[:, whole] + y[:, whole.clamp(max=m - 1)] * part
    return torch.diff(s, dim=1) * (n / m)


def _weighted_targets_torch(
    y: Float[torch.Tensor, "l m"], a: Float[torch.Tensor, "l n"], b: Float[torch.Tensor, "l m"]
) -> Float[torch.Tensor, "l n"]:
    """`quantile_targets` for any weights: the integral of the quantile function at the edges of the source's ranks, differenced."""
    levels = torch.nn.functional.pad(torch.cumsum(b, dim=1), (1, 0))
    total = torch.nn.functional.pad(torch.cumsum(b * y, dim=1), (1, 0))
    edges = torch.nn.functional.pad(torch.cumsum(a, dim=1), (1, 0))
    interval = (torch.searchsorted(levels, edges, right=True) - 1).clamp(0, y.shape[1] - 1)
    s = total.gather(1, interval) + y.gather(1, interval) * (edges - levels.gather(1, interval))
    return torch.diff(s, dim=1) / a


def is_flat(x: Float[np.ndarray, "n d"] | torch.Tensor, below: float) -> bool:
    """Whether the cloud lies in fewer dimensions than it could: its thinnest direction has a standard deviation under `below`."""
    n, d = x.shape
    if n < 2:
        return False
    c = x - x.mean(0)
    gram = c.T @ c if n > d else c @ c.T
    values = np.linalg.eigvalsh(gram if isinstance(gram, np.ndarray) else gram.double().cpu().numpy())
    return bool(values[-min(d, n - 1)] < below**2 * n)

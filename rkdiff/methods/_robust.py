r"""Losses that forgive and fits of few directions, for kernel regression with vectors as outputs.

Both losses are least squares on corrected targets, minimised over a correction u_a of each row (|.| is the norm of the whole row):

    Huber               l(r) = min_u 1/2 |r - u|^2 + kappa |u|         beyond kappa an error counts linearly: outliers are forgiven
    eps-insensitive     l(r) = min_{|u| <= eps} 1/2 |r - u|^2          errors within eps do not count

so min_F (1/N) sum_a l(Y_a - F(x_a)) + lam/2 |F|^2 is ridge on Y - u. Eliminating F leaves a smooth function of u with gradient
-(I - H)(Y - u), H the ridge's hat matrix, of Lipschitz constant one, and a simple prox: FISTA with restart (Beck and Teboulle 2009;
O'Donoghue and Candes 2015) needs one factorisation for all its steps. F on landmarks is F = K_Nm B, regression on the features K_Nm L^-T
with K_mm = L L^T, hence the same problem with the kernel K_Nm K_mm^-1 K_mN. At the optimum A = Y - u - F solves the dual

    min_A 1/2 |A|^2 - <A, Y> + tr(A^T K A) / (2 lam N) + R(A),    Huber R: |A_a| <= kappa,    eps-insensitive R = eps sum_a |A_a|

(Laforgue, Lambert, Brogat-Motte and d'Alche-Buc 2020, section 4; Lambert et al. 2022). A reduced rank keeps the predictions' first p
principal directions (output regularity: Brogat-Motte et al. 2022): with F = U S V^T it costs exactly sum_{j > p} S_j^2.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float

from rkdiff.core.tensors import torch
from rkdiff.methods._ridge import factor

LOSSES = ("squared", "huber", "insensitive")


@dataclass(frozen=True, eq=False)
class Fit:
    """Coefficients B of the landmarks, what was predicted, the correction of each target, and the threshold used."""

    coefficients: Float[torch.Tensor, "m o"]
    predicted: Float[torch.Tensor, "n o"]
    correction: Float[torch.Tensor, "n o"]
    threshold: float


def robust(
    gram: Float[torch.Tensor, "n m"],
    between: Float[torch.Tensor, "m m"],
    targets: Float[torch.Tensor, "n o"],
    penalty: float,
    loss: str,
    *,
    threshold: float | None = None,
    quantile: float = 0.75,
    steps: int = 200,
    tolerance: float = 1e-4,
) -> Fit:
    """The robust fit with K_Nm `gram` and K_mm `between`.

    Args:
        threshold: kappa or eps; without it, this `quantile` of the norms of ridge's residuals.
        steps: FISTA steps at most.
        tolerance: stop when the correction moves by less than this share of the targets.
    """
    solver = factor(gram.T @ gram + len(gram) * penalty * between)
    plain = torch.cholesky_solve(gram.T @ targets, solver)
    u, predicted = torch.zeros_like(targets), gram @ plain
    t = float(torch.linalg.norm(targets - predicted, dim=1).quantile(quantile)) if threshold is None else threshold
    b, ahead, speed, small = plain, u, 1.0, tolerance * float(targets.norm())
    for _ in range(steps):
        new = _prox(targets - predicted, loss, t)
        if float(((ahead - new) * (new - u)).sum()) > 0:
            speed = 1.0
        faster = (1 + (1 + 4 * speed**2) ** 0.5) / 2
        moved = float((new - u).norm())
        ahead, u, speed = new + (speed - 1) / faster * (new - u), new, faster
        b = torch.cholesky_solve(gram.T @ (targets - ahead), solver)
        predicted = gram @ b
        if moved <= small:
            break
    b = torch.cholesky_solve(gram.T @ (targets - u), solver)
    return Fit(b, gram @ b, u, t)


def _prox(r: Float[torch.Tensor, "n o"], loss: str, t: float) -> Float[torch.Tensor, "n o"]:
    """The best correction of each residual: what exceeds kappa, or what is within eps."""
    size = torch.linalg.norm(r, dim=1, keepdim=True).clamp_min(1e-300)
    within = r * (t / size).clamp_max(1.0)
    return r - within if loss == "huber" else within


def leading(predicted: Float[torch.Tensor, "n o"], rank: int) -> Float[torch.Tensor, "o o"]:
    """The projection on the first `rank` right singular directions of the predictions."""
    vectors = torch.linalg.eigh(predicted.T @ predicted)[1][:, -rank:]
    return vectors @ vectors.T

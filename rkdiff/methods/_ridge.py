"""Kernel ridge regression of many outputs on landmarks, and the posterior means it learns from.

With a kernel K, points x_a and landmarks c_b the function F = sum_b K(., c_b) B_b of least

    (1/N) sum_a |Y_a - F(x_a)|^2 + lam |F|^2        solves        (K_mN K_Nm + N lam K_mm) B = K_mN Y

(Nyström; Williams & Seeger 2001; Rudi, Camoriano & Rosasco 2015, eq. 8). One factorisation serves all outputs, because the kernel is a
scalar times the identity. With every point a landmark it is exact kernel ridge regression.
"""

from __future__ import annotations

import math

from jaxtyping import Float

from rkdiff.core.tensors import torch

KERNELS = ("gaussian", "matern")
#: Numbers in one block of a kernel or of posterior weights.
BLOCK = 2_000_000


def kernel(
    a: Float[torch.Tensor, "n d"], b: Float[torch.Tensor, "m d"], width: float, kind: str = "gaussian"
) -> Float[torch.Tensor, "n m"]:
    """k(a, b): exp(-r^2 / 2), or Matern 3/2, (1 + sqrt(3) r) exp(-sqrt(3) r), with r the distance over the width."""
    a, b = a / width, b / width
    square = torch.addmm((b * b).sum(1), a, b.T, alpha=-2.0).add_((a * a).sum(1, keepdim=True)).clamp_min_(0.0)
    if kind == "gaussian":
        return square.mul_(-0.5).exp_()
    r = square.sqrt_().mul_(math.sqrt(3.0))
    return torch.exp(-r).mul_(r.add_(1.0))


def ridge(
    x: Float[torch.Tensor, "n d"],
    landmarks: Float[torch.Tensor, "m d"],
    targets: Float[torch.Tensor, "n o"],
    width: float,
    kind: str,
    penalty: float,
) -> tuple[Float[torch.Tensor, "m o"], float]:
    """The coefficients B, and the mean squared residual over the first block of points.

    Points are taken in blocks, so memory stays bounded. Landmarks that repeat each other get a whisper of jitter, no more than needed.
    """
    rows = max(1, BLOCK // len(landmarks))
    system = len(x) * penalty * kernel(landmarks, landmarks, width, kind)
    right = torch.zeros(len(landmarks), targets.shape[1], dtype=x.dtype, device=x.device)
    for i in range(0, len(x), rows):
        gram = kernel(x[i : i + rows], landmarks, width, kind)
        system.addmm_(gram.T, gram)
        right.addmm_(gram.T, targets[i : i + rows])
    b = torch.cholesky_solve(right, factor(system))
    if len(x) > rows:
        gram = kernel(x[:rows], landmarks, width, kind)
    return b, float((gram @ b - targets[:rows]).square().mean())


def factor(system: Float[torch.Tensor, "m m"]) -> Float[torch.Tensor, "m m"]:
    """The Cholesky factor of a symmetric matrix that may be singular, with the least jitter that does (in place).

    Raises:
        ValueError: no jitter helps.
    """
    jitter = 8 * torch.finfo(system.dtype).eps * system.diagonal().mean()
    for _ in range(12):
        system.diagonal().add_(jitter)
        root, failed = torch.linalg.cholesky_ex(system)
        if not int(failed):
            return root
        jitter = jitter * 10
    raise ValueError("the kernel's equations could not be solved; choose a larger ridge or fewer landmarks")


def posterior_mean(x: Float[torch.Tensor, "n d"], nu: float, among: Float[torch.Tensor, "r d"]) -> Float[torch.Tensor, "n d"]:
    """E[x_0 | x_0 + nu xi = x] over the points `among`, in float32."""
    r = among.float()
    offset = r.square().sum(1) / 2
    means = []
    for i in range(0, len(x), rows := max(1, BLOCK // len(r))):
        logits = torch.addmm(-offset, x[i : i + rows].float(), r.T).div_(nu * nu)
        means.append(logits.softmax(1) @ r)
    return torch.cat(means).to(x.dtype)

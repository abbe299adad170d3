r"""Iterative Markovian fitting by regression: diffusion Schroedinger bridge matching.

Pairs (x_0, x_1) joined by Brownian bridges make a process that has both ends right but is not Markov. Its Markov projection, the
diffusion with the same marginals, is a regression; the pairs that the diffusion makes are the next ones. The Schroedinger bridge is the
one process that both leave as it is (Shi, De Bortoli, Campbell and Doucet 2023, algorithm 1). Directions alternate, so that one end of
the pairs is always exactly what it should be:

    s2t on the pairs;  from the source x_0 simulate x_1;   t2s on these pairs;  from the data x_1 simulate x_0;   and again

Errors gather from turn to turn, because each direction learns from what the other simulated; so a simulated end is corrected by the one
affine map that gives it the mean and the covariance of the end that it should have (`restored`). Without noise (sigma = 0) every training
goes from fresh points of the source, as rectified flow does (Liu et al. 2023), and the way back is the same flow reversed: from m points
of data a flow without noise would reach at most m of the source.

Start "independent" pairs nothing. "reference" pairs x_0 with x_0 + sigma z, which makes the turns those of proportional fitting: it begins
with t2s, because s2t would have nothing to learn, and no end is corrected, because only one of the two is right until they agree.
"sinkhorn" pairs by the entropic plan of batches with eps = sigma^2, for the cost |x - y|^2 / 2, as simulation-free bridges do (SB-CFM: Tong
et al. 2024). The plan must be the entropic one of that same sigma: bridges between pairs of the exact assignment make another, narrower
process, and that is what torchcfm's `SchrodingerBridgeConditionalFlowMatcher` does unless told "sinkhorn".
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rkdiff.core.parts import PartError
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, to_torch, torch
from rkdiff.methods._bridge_regressors import Coupled, Field, Regressor
from rkdiff.methods._bridges import rising, walk
from rkdiff.methods._couplings import sinkhorn
from rkdiff.methods._light_fit import SourceDraw

STARTS = ("independent", "reference", "sinkhorn")
#: Points of each batch that "sinkhorn" pairs with one another.
GROUP = 256
#: Directions in which simulated points vary less than this share of the most are not corrected.
FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Matched:
    """What has been learned: the drifts from the source and from the data, and the pairs they were learned from.

    Attributes:
        couplings: Cov(x_0, x_1) of the pairs simulated after each training, the last training's included.
    """

    ahead: Field
    back: Field
    couplings: list[Float[np.ndarray, "d d"]]


@dataclass(frozen=True)
class Turn:
    """A report: lessons done of all, the loss, which training (0, 1, ...), and the latest drift from the source, if any."""

    done: int
    total: int
    loss: float
    training: int
    ahead: Field | None


def fit_bridge_matching(
    source_draw: SourceDraw,
    target: Float[np.ndarray, "m d"],
    sigma: float,
    regressor: Regressor,
    rng: Rng,
    *,
    rounds: int = 4,
    pairs: int = 4096,
    steps: int = 40,
    start: str = "independent",
    device: str = "cpu",
) -> Generator[Turn, None, Matched]:
    """Alternate both directions; each round is a training from the source and, with noise, one from the data.

    Args:
        source_draw: draws points of the source.
        sigma: deviation of the Brownian reference at time 1, >= 0; 0 is rectified flow.
        regressor: learns a drift from pairs.
        pairs: how many pairs are simulated for each training.
        steps: Euler-Maruyama steps of a simulation.
        start: the first pairs, one of STARTS.

    Raises:
        PartError: a start, a sigma or points with which nothing can be learned.
    """
    _check(target, sigma, rounds, pairs, steps, start)
    if start == "sinkhorn":
        pairs = max(pairs - pairs % GROUP, min(pairs, GROUP))
    known = _Ends(source_draw, target, pairs, rng.numpy("ends"), device)
    now = _first(known, sigma, start)
    latest: dict[bool, Field] = {}
    couplings: list[np.ndarray] = []
    turns, times = _turns(rounds, sigma, start), rising(steps)
    for k, from_data in enumerate(turns):
        stream = rng.child(f"training {k}")
        begin, aim = (known.data(), known.source()) if from_data else (known.source(), known.data())
        pairs_now = Coupled(now.b, now.a, begin) if from_data else Coupled(now.a, now.b, begin)
        work = regressor.learn(pairs_now, sigma, stream, latest.get(from_data))
        while True:
            try:
                done, of, loss = next(work)
            except StopIteration as end:
                latest[from_data] = end.value
                break
            yield Turn(k * of + done, len(turns) * of, loss, k, latest.get(False))
        other = _simulated(latest[from_data], begin, times, sigma, stream.torch("walk"))
        if start != "reference":
            other = restored(other, aim)
        now = Coupled(other, begin) if from_data else Coupled(begin, other)
        couplings.append(_covariance(now))
    return Matched(latest[False], latest.get(True, Reversed(latest[False])), couplings)


def _turns(rounds: int, sigma: float, start: str) -> list[bool]:
    """Which trainings are from the data."""
    if sigma == 0:
        return [False] * rounds
    return [start == "reference", start != "reference"] * rounds


@dataclass(frozen=True, eq=False)
class Reversed:
    """A flow without noise walked the other way; it has nothing of its own to keep."""

    flow: Field

    def drift(self, x: Float[torch.Tensor, "n d"], s: float) -> Float[torch.Tensor, "n d"]:
        """The opposite velocity at the time 1 - s."""
        return -self.flow.drift(x, 1 - s)

    def state(self) -> dict[str, np.ndarray]:
        """None."""
        return {}


def restored(x: Float[torch.Tensor, "n d"], aim: Float[torch.Tensor, "m d"]) -> Float[torch.Tensor, "n d"]:
    """The points after the optimal affine map of their mean and covariance to those of `aim`.

    With covariances A of the points and B of the aim it is A^{-1/2} (A^{1/2} B A^{1/2})^{1/2} A^{-1/2} (Gelbrich 1990): the identity
    where they agree. Directions in which the points do not vary are left out.
    """
    mean, wanted = x.mean(0), aim.mean(0)
    here, there = x - mean, aim - wanted
    cov, target = here.T @ here / len(x), there.T @ there / len(aim)
    half, inverse = _powers(cov)
    middle, _ = _powers(half @ target @ half)
    return wanted + here @ (inverse @ middle @ inverse)


def _powers(matrix: Float[torch.Tensor, "d d"]) -> tuple[torch.Tensor, torch.Tensor]:
    """The square root of a covariance and its pseudo-inverse."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    some = values > FLAT * values[-1].clamp_min(FLAT)
    root = torch.where(some, values, 1.0).sqrt()
    zero = torch.zeros_like(root)
    return (vectors * torch.where(some, root, zero)) @ vectors.T, (vectors * torch.where(some, 1 / root, zero)) @ vectors.T


@dataclass(frozen=True)
class _Ends:
    """Fresh points of either end."""

    source_draw: SourceDraw
    target: np.ndarray
    count: int
    numbers: np.random.Generator
    device: str

    def source(self) -> torch.Tensor:
        return to_torch(self.source_draw(self.count, self.numbers), self.device)

    def data(self) -> torch.Tensor:
        return to_torch(self.target[self.numbers.integers(len(self.target), size=self.count)], self.device)


def _first(known: _Ends, sigma: float, start: str) -> Coupled:
    x0 = known.source()
    if start == "reference":
        return Coupled(x0, x0 + sigma * to_torch(known.numbers.standard_normal(tuple(x0.shape)), known.device))
    x1 = known.data()
    if start == "sinkhorn":
        a, b = to_numpy(x0), to_numpy(x1)
        parts = [slice(k, k + GROUP) for k in range(0, len(a), GROUP)]
        x1 = x1[torch.as_tensor(np.concatenate([k.start + sinkhorn(a[k], b[k], known.numbers, sigma) for k in parts]))]
    return Coupled(x0, x1)


def _simulated(field: Field, x: torch.Tensor, times: list[float], sigma: float, generator: torch.Generator) -> torch.Tensor:
    """Where a diffusion that starts at x ends."""
    with torch.no_grad():
        *_, last = walk(field.drift, x, times, sigma, generator)
    if not bool(torch.isfinite(last).all()):
        raise PartError("a simulated pair left the finite numbers; choose a smaller rate or more training steps")
    return last


def _covariance(pairs: Coupled) -> Float[np.ndarray, "d d"]:
    a, b = pairs.a - pairs.a.mean(0), pairs.b - pairs.b.mean(0)
    out: np.ndarray = (a.T @ b / len(a)).cpu().numpy()
    return out


def _check(target: np.ndarray, sigma: float, rounds: int, pairs: int, steps: int, start: str) -> None:
    if target.size == 0 or not np.isfinite(target).all():
        raise PartError(f"the training coordinates have shape {target.shape}; give at least one point with finite coordinates")
    if start not in STARTS:
        raise PartError(f"start is {start!r}; choose one of {', '.join(STARTS)}")
    if not (sigma >= 0 and np.isfinite(sigma)):
        raise PartError(f"sigma is {sigma}; give the deviation of the Brownian reference, 0 or more")
    if sigma == 0 and start != "independent":
        raise PartError(f"start {start!r} needs noise and sigma is 0; choose start 'independent' or a positive sigma")
    if min(rounds, pairs, steps) < 1:
        raise PartError(f"rounds, pairs and steps are {rounds}, {pairs}, {steps}; give at least one of each")

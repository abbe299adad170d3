"""Diffusion Schroedinger bridges: iterative proportional fitting (IPF) of Markov chains, with any regression in the middle.

Nodes 0..N stand at times 0 = t_0 < ... < t_N = 1, node 0 at the source and node N at the data. Step j has the length h_j = t_{j+1} - t_j
and draws noise of variance V h_j, where V is the variance of the whole reference (2 sum gamma in the paper's letters). Two fields of
velocities, S from source to target and T from target to source, are fitted by turns:

    S-step   paths from the data by T;      S(x_j, t_j) regresses         (x_{j+1} - x_j) / h_j                             "plain"
                                            or      (x_{j+1} - x_j) / h_j + T(x_{j+1}, t_{j+1}) - T(x_j, t_{j+1})           "dsb"
    T-step   paths from the source by S;    T(x_{j+1}, t_{j+1}) regresses (x_j - x_{j+1}) / h_j                             "plain"
                                            or      (x_j - x_{j+1}) / h_j + S(x_j, t_j) - S(x_{j+1}, t_j)                   "dsb"

The first T is the reference, so the first S-step is plain diffusion of that length. Both targets have the right conditional mean to first
order in h; "plain" has it exactly, "dsb" is the paper's (De Bortoli, Thornton, Heng and Doucet 2021, equations 12 and 13; its bias of order
h shows with few steps). A field that leads out of a node is fitted and called with that node's time, so any other steps may be taken with
it later. Every law may depend on y (Shi, De Bortoli, Deligiannidis and Doucet 2022). On a manifold a difference is the logarithm and a
step the exponential map (Thornton et al. 2022; De Bortoli et al. 2022).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from rkdiff.core.records import Progress
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_numpy, torch
from rkdiff.methods._ipf_chain import Chain, Given, Velocity, simulate
from rkdiff.methods._ipf_ends import Data, Source
from rkdiff.transport.manifolds import Flat, Manifold

#: Targets of the regressions.
TARGETS = ("plain", "dsb")
#: Particles in the look that ends each step towards the data.
LOOK = 300


class Field(ABC):
    """A learned velocity."""

    @abstractmethod
    def __call__(self, x: Float[torch.Tensor, "n w"], t: float, y: Given) -> Float[torch.Tensor, "n w"]:
        """Velocity at points x, time t and conditions y."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """What was learned, as plain arrays."""


@dataclass(frozen=True, eq=False)
class Moves:
    """What a regression learns from: N moves of n paths.

    Attributes:
        x: where each move leaves from; `t` the label of that node, rising.
        h: lengths of the moves, as shares of the whole.
        target: the velocity that is asked for there, tangent; `keep` is False where there is none.
        y: what conditions each path, or None.
        variance: of the chain.
    """

    x: Float[torch.Tensor, "k n w"]
    t: Float[np.ndarray, " k"]
    h: Float[np.ndarray, " k"]
    target: Float[torch.Tensor, "k n w"]
    keep: Bool[torch.Tensor, "k n"]
    y: Given
    variance: float


class Regressor(ABC):
    """A way to learn a velocity from moves."""

    @abstractmethod
    def learn(
        self, draw: Callable[[], Moves], manifold: Manifold, before: Field | None, rng: Rng
    ) -> Generator[tuple[int, int, float], None, Field]:
        """Fit; yields (done, total, loss). `draw` simulates fresh moves, `before` is the same field one iteration ago."""


@dataclass(frozen=True, eq=False)
class Ipf:
    """What fitting by turns has found.

    Attributes:
        s2t: fields from source to target; entry i after half-step 2 i + 1, so that entry 0 is plain diffusion.
        t2s: fields from target to source; entry 0 is the reference, entry i after half-step 2 i.
        seconds: CPU seconds of training up to the end of each half-step.
    """

    chain: Chain
    s2t: tuple[Field, ...]
    t2s: tuple[Velocity, ...]
    seconds: tuple[float, ...]


def moves(chain: Chain, paths: Float[torch.Tensor, "T n w"], y: Given, ran: Velocity, *, to_target: bool, target: str) -> Moves:
    """The lessons of a field that runs to the target (or away from it), from paths on which `ran` ran the other way."""
    h, m = chain.lengths, chain.manifold
    low, high = paths[:-1], paths[1:]
    x, other = (low, high) if to_target else (high, low)
    step, defined = m.log(x, other)
    wanted = step / torch.as_tensor(h, dtype=x.dtype, device=x.device)[:, None, None]
    if target == "dsb":
        label = chain.times[1:] if to_target else chain.times[:-1]
        wanted = wanted + torch.stack(
            [ran(other[j], float(label[j]), y) - ran(x[j], float(label[j]), y) for j in range(chain.steps)]
        )
    return Moves(x, chain.times[:-1] if to_target else chain.times[1:], h, wanted, defined, y, chain.variance)


def fit_ipf(
    source: Source,
    data: Data,
    chain: Chain,
    regressor: Regressor,
    *,
    half_steps: int,
    paths: int,
    rng: Rng,
    target: str = "plain",
) -> Generator[Progress, None, Ipf]:
    """Fit by turns, beginning with a step towards the data.

    Args:
        source: draws of the law at time 0; `data`: of the law at time 1.
        half_steps: 1 is plain diffusion of the chain's length; 2 i + 1 is the i-th iteration after it.
        paths: simulated at a time.
        target: "plain" or "dsb".

    Raises:
        ValueError: an unknown target (the paper's needs flat space), no half-step, no paths, or paths that left the finite numbers.
    """
    _check(chain, half_steps, paths, target)
    s2t: list[Field] = []
    t2s: list[Velocity] = [chain.reference]
    seconds: list[float] = []
    spent = 0.0
    for half in range(half_steps):
        own = rng.child(f"half-step {half + 1}")
        generator, towards = own.torch("paths"), half % 2 == 0
        ran: Velocity = t2s[-1] if towards else s2t[-1]

        def draw(
            ran: Velocity = ran, towards: bool = towards, generator: torch.Generator = generator, half: int = half
        ) -> Moves:
            with torch.no_grad():
                x, y = data(paths, generator)
                begin = x if towards else source(paths, y, generator)
                found = simulate(chain, ran, begin, y, generator, to_target=not towards)
                if not bool(torch.isfinite(found).all()):
                    raise ValueError(
                        f"the paths of half-step {half + 1} left the finite numbers; take more steps in the chain, less noise, "
                        "or a lower learning rate"
                    )
                return moves(chain, found, y, ran, to_target=towards, target=target)

        before = (s2t[-1] if s2t else None) if towards else (t2s[-1] if len(t2s) > 1 else None)
        began = time.process_time()
        learning = regressor.learn(draw, chain.manifold, before, own)  # type: ignore[arg-type]
        while True:
            try:
                done, total, loss = next(learning)
            except StopIteration as end:
                fitted: Field = end.value
                break
            if done < total:
                yield Progress("training", half * total + done, half_steps * total, {"loss": loss})
        (s2t if towards else t2s).append(fitted)
        spent += time.process_time() - began
        seconds.append(spent)
        seen = _look(chain, fitted, source, data, own.torch("look")) if towards else None
        yield Progress("training", (half + 1) * total, half_steps * total, {"loss": loss}, seen)
    return Ipf(chain, tuple(s2t), tuple(t2s), tuple(seconds))


def _check(chain: Chain, half_steps: int, paths: int, target: str) -> None:
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}; choose one of {', '.join(TARGETS)}")
    if target == "dsb" and not isinstance(chain.manifold, Flat):
        raise ValueError("the target 'dsb' compares velocities at two points and needs flat space; choose 'plain'")
    if half_steps < 1 or paths < 2:
        raise ValueError(f"half_steps is {half_steps} and paths {paths}; give at least one half-step and two paths")


def _look(chain: Chain, towards: Field, source: Source, data: Data, generator: torch.Generator) -> Float[np.ndarray, "n w"]:
    """Where the chain now ends."""
    with torch.no_grad():
        y = data(LOOK, generator)[1]
        x = simulate(chain, towards, source(LOOK, y, generator), y, generator, to_target=True, last_noise=False)
    return to_numpy(x[-1]).astype(np.float64)

"""What is known exactly and at once: maps between Gaussians, short bridges, the entropic plan of a dataset."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from rkdiff.cli_transport._described import dataset, knobs_of
from rkdiff.core.parts import PartError, make
from rkdiff.core.rng import Rng

if TYPE_CHECKING:
    from rkdiff.transport.sinkhorn import Plan

#: Points of a plan: it is a matrix.
FEWEST, MOST = 2, 3000
#: Marginals of a printed plan are off by less than this; fewest and most rounds, and about how many numbers all of them may read.
OFF, ROUNDS, WORK = 1e-5, (2000, 100_000), 400_000_000


def maps(args: argparse.Namespace) -> int:
    """Which map is optimal, and which is not."""
    from rkdiff.lab.transport.maps import example, maps

    knobs_of(args.described, "")  # there are none
    found = maps(*example())
    print(f"{'map':28s}{'E|x - Tx|^2':>13s}{'asymmetry':>12s}{'law off by':>13s}{'straightness':>14s}")
    for m in found:
        bent = "" if m.straightness is None else f"{m.straightness:14.5f}"
        print(f"{m.name:28s}{m.cost:13.5f}{m.asymmetry:12.5f}{m.error:13.1e}{bent}")
    _kept(args, [m.to_dict() for m in found])
    return 0


def short_bridges(args: argparse.Namespace) -> int:
    """Distances of short diffusions and bridges to the data."""
    from rkdiff.lab.transport.short_bridge import short_bridge

    knobs_of(args.described, "")
    record = short_bridge(args.mean, args.sd, args.gamma, args.steps, args.half_steps)
    print(
        f"W2 between what is generated and N({record.mean:g}, {record.sd:g}^2); columns: half-steps of fitting, 1 is plain diffusion"
    )
    print(f"{'steps':>7s}{'time':>9s}" + "".join(f"{h:10d}" for h in record.half_steps))
    for k, time, row in zip(record.steps, record.times, record.distances, strict=True):
        print(f"{k:7d}{time:9.4g}" + "".join(f"{v:10.4f}" for v in row))
    _kept(args, record.to_dict())
    return 0


def plan(args: argparse.Namespace) -> int:
    """The entropic plan between standard normals and a dataset, beside the optimal one."""
    from rkdiff.experiment import Experiment
    from rkdiff.stages import prepare
    from rkdiff.transport.exact import matching

    if not FEWEST <= args.points <= MOST:
        raise PartError(f"points is {args.points}; choose a whole number between {FEWEST} and {MOST}")
    source = dataset(args, args.data)
    prepared = prepare(Experiment(source, make("method", "exact"), seed=args.seed), "cpu")
    rng = Rng(args.seed).child("plan")
    y = prepared.problem.x
    y = y[rng.numpy("picked").permutation(len(y))[: args.points]]
    x = rng.numpy("source").standard_normal(y.shape)
    found, best = _entropic(x, y, args.eps), matching(x, y)
    apart = ((x[:, None] - y[None]) ** 2).sum(-1)
    moved = found.plan / found.plan.sum(1, keepdims=True) @ y
    facts = {
        "data": source.to_dict(), "points": len(y), "eps": args.eps,
        "cost": float((found.plan * apart).sum()), "optimal": float(((x - y[best]) ** 2).sum(1).mean()),
        "independent": float(apart.mean()), "spread": float((found.plan * ((moved[:, None] - y[None]) ** 2).sum(-1)).sum()),
        "iterations": found.iterations, "error": found.error, "converged": bool(found.converged),
    }  # fmt: skip
    print(
        f"{len(y)} standard normals and {len(y)} points of {source.name}, in the coordinates of the space; eps = {args.eps:g}"
    )
    print(f"  E|x - y|^2 under the plan      {facts['cost']:.5g}")
    print(f"    under the optimal matching   {facts['optimal']:.5g}")
    print(f"    under independence           {facts['independent']:.5g}")
    print(f"  E|y - E[y | x]|^2              {facts['spread']:.5g}")
    if found.converged:
        print(f"  {found.iterations} iterations, converged: the marginals are off by {found.error:.1e}")
    else:
        print(
            f"  {found.iterations} iterations, not converged: normals keep their masses, the masses of the data's points are off by "
            f"{found.error:.1e}\n  in all, so no figure under the plan is exact; raise --eps for a plan that converges"
        )
    _kept(args, facts)
    return 0


def _entropic(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], eps: float) -> Plan:
    """The entropic plan, annealed, in as many rounds as its size allows."""
    from rkdiff.transport.sinkhorn import sinkhorn

    rounds = min(max(WORK // (len(x) * len(y)), ROUNDS[0]), ROUNDS[1])
    return sinkhorn(x, y, eps, tolerance=OFF, most=rounds, annealed=True)


def _kept(args: argparse.Namespace, record: Any) -> None:
    if args.json:
        plain = json.dumps(record, indent=2, default=lambda v: v.tolist() if isinstance(v, np.ndarray | np.generic) else str(v))
        args.write(args.json, (plain + "\n").encode())

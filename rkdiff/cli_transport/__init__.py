"""The transport laboratory on the command line.

python -m rkdiff transport maps
python -m rkdiff transport short-bridge --mean 3 --sd 0.5 --gamma 0.025 --steps 4,10,20,40
python -m rkdiff transport plan two_moons --eps 0.05
python -m rkdiff transport straightness two_moons flow_matching flow_matching:coupling=ot flow_matching:reflow=1 --calls 1,2,4,8
python -m rkdiff transport bridges eight_gaussians --steps 5,10,20
python -m rkdiff transport report two_moons --method.systems 16
python -m rkdiff transport push KEY --cloud drawn.csv --at 0.5 -o end.csv
python -m rkdiff transport simplex noise two_moons eight_gaussians --weights 0.2,0.4,0.4

A dataset is a name, with knobs as in `run` (--data.noise 0.1); a method is a name, or name:knob=value,knob=value.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rkdiff.cli_transport._exact import maps, plan, short_bridges
from rkdiff.cli_transport._long import job, push
from rkdiff.cli_watch import Line
from rkdiff.core.parts import shown

#: Flags of these commands that describe no part.
OWN = {
    "--at", "--calls", "--cloud", "--device", "--eps", "--fits", "--frames", "--gamma", "--half-steps", "--help", "--json", "--mean",
    "--particles", "--points", "--sd", "--seed", "--seeds", "--steps", "--store", "--weights",
}  # fmt: skip

Write = Callable[[Path, bytes], None]


def add_transport(commands: Any, line: Line, write: Write) -> None:
    """Add `transport` to the commands; `line` shows progress, `write` writes a file whole."""
    p = commands.add_parser("transport", help="flows, bridges and plans between noise and data, measured", description=__doc__)
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    inside = p.add_subparsers(
        required=True, metavar="maps | short-bridge | plan | straightness | bridges | report | push | simplex"
    )

    def command(name: str, told: str, do: Callable[..., int], **more: Any) -> argparse.ArgumentParser:
        q: argparse.ArgumentParser = inside.add_parser(name, help=told, description=told)
        q.add_argument("--json", type=Path, help="write the whole record as JSON")
        q.set_defaults(do=do, line=line, write=write, **more)
        return q

    command("maps", "three maps between two Gaussians: optimal transport, flow matching, the sliced flow; exact", maps)
    q = command("short-bridge", "how short a diffusion may be, and what a bridge mends; exact", short_bridges)
    q.add_argument("--mean", type=float, default=3.0, help="of the data on the line")
    q.add_argument("--sd", type=float, default=0.5, help="of the data")
    q.add_argument("--gamma", type=float, default=0.025, help="time of one step")
    q.add_argument("--steps", type=_numbers, default=(4, 10, 20, 40, 80, 160), help="lengths, with commas")
    q.add_argument("--half-steps", type=_numbers, default=(1, 3, 5, 7, 9, 11), help="half-steps of fitting, odd, with commas")
    q = command("plan", "the entropic plan between standard normals and the data", plan)
    q.add_argument("data", help="`python -m rkdiff list data` shows them")
    q.add_argument(
        "--eps",
        type=float,
        default=0.05,
        help="the variance of the noise between both ends, in units of the data's coordinates",
    )
    q.add_argument("--points", type=int, default=300, help="points of each end, 2 to 3000")
    q.add_argument("--seed", type=int, default=0, help="of data and normals")

    def long(name: str, told: str, **more: Any) -> argparse.ArgumentParser:
        q = command(name, told, job, work=name.replace("-", "_"), **more)
        q.add_argument("--seed", type=int, help="of data, start and noise")
        q.add_argument("--seeds", type=int, help="seeds behind every mean and spread")
        q.add_argument("--particles", type=int, help="particles of every run")
        q.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps")
        return q

    q = long("straightness", "how straight the paths are, and quality against model calls")
    q.add_argument("data", help="`python -m rkdiff list data` shows them")
    q.add_argument("methods", nargs="+", metavar="METHOD", help="transports, as name or name:knob=value,knob=value")
    q.add_argument("--calls", type=_numbers, help="budgets of model calls, with commas")
    q = long("bridges", "a diffusion too short for its prior beside the bridge of the same length, trained")
    q.add_argument("data", help="data in the plane")
    q.add_argument("--steps", type=_numbers, help="lengths, with commas")
    q.add_argument("--gamma", type=float, help="time of one step")
    q.add_argument("--fits", type=int, help="rounds of proportional fitting")
    q = long("report", "the learned sliced flow beside the particles it learned from: error, memory, calls")
    q.add_argument("data", help="`python -m rkdiff list data` shows them")
    q = long("simplex", "a path over the triangle of three laws")
    q.add_argument("data", nargs=3, metavar="LAW", help="three of them: datasets in the plane, or `noise` for standard normals")
    q.add_argument(
        "--weights", type=_shares, required=True, help="where the path from the first law ends: three shares, with commas"
    )
    q = command("push", "carry a cloud of your own through a kept learned flow", push)
    q.add_argument("key", metavar="KEY", help="a kept run of learned_sliced_flow")
    q.add_argument("--cloud", type=Path, required=True, help="CSV of two columns: the points, in the plane of the data")
    q.add_argument("--at", type=float, default=0.0, help="share of the clock at which they stand there, 0 to below 1")
    q.add_argument("--frames", type=int, help="moments of the path")
    q.add_argument("--calls", type=int, help="calls of the map on the way, 4 when left out")
    q.add_argument("--store", type=Path, help="folder of kept runs (default: RKDIFF_STORE, or runs)")
    q.add_argument("-o", dest="out", type=Path, help="CSV of where they end (default: standard output)")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number (several are separated by commas)") from None


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no list of numbers, as 0.2,0.3,0.5") from None

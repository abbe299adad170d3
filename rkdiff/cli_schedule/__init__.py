"""The schedule laboratory on the command line.

python -m rkdiff schedule show scaled_linear --steps 10 --spacing leading
python -m rkdiff schedule lint scheduler_config.json --data two_moons --steps 50
python -m rkdiff schedule convert scheduler_config.json --to sigmas --steps 20
python -m rkdiff schedule advise cosine --data two_moons --calls 8 --sampler heun --json advice.json

A schedule is a name, with knobs as in `run` (--schedule.beta_end 0.03), or a file: a scheduler_config.json of diffusers, a list of sigmas,
columns of numbers, a plan; `-` is standard input.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rkdiff.cli_schedule._long import advised, long, parted, qualities
from rkdiff.cli_schedule._quick import WRITERS, convert, lint, show
from rkdiff.cli_watch import Line
from rkdiff.core.parts import shown

#: Flags of these commands that describe no part and no plan.
OWN = {
    "--to",
    "--json",
    "--help",
    "--seeds",
    "--particles",
    "--calls",
    "--rounds",
    "--kind",
    "--mu",
    "--seed",
    "--device",
    "--training",
}
_EXPLAINED = """the plan, in any place:
  --steps 30              how many steps the sampler takes
  --schedule.KNOB VALUE   a knob of a schedule given by name
  --spacing NAME          where the steps stand, with --spacing.KNOB VALUE
  --sampler NAME          what the sampler is, with --sampler.KNOB VALUE
  --prediction NAME       what the network predicts: denoised, epsilon, v or flow

`python -m rkdiff list schedule` (spacing, sampler, data) shows all names and knobs."""

Write = Callable[[Path, bytes], None]


def add_schedule(commands: Any, line: Line, write: Write) -> None:
    """Add `schedule` to the commands; `line` shows progress, `write` writes a file whole."""
    p = commands.add_parser("schedule", help="look at a noise schedule, check it, convert it, improve it", description=__doc__)
    inside = p.add_subparsers(required=True, metavar="show | lint | convert | advise | split | quality")

    def command(name: str, told: str, do: Callable[..., int], **more: Any) -> argparse.ArgumentParser:
        q: argparse.ArgumentParser = inside.add_parser(name, help=told, description=told, epilog=_EXPLAINED)
        q.add_argument("schedule", help="a file to import, - for standard input, or a schedule's name")
        q.add_argument("--kind", default="auto", help="what the file is: auto, diffusers, sigmas, flow_sigmas, csv or plan")
        q.add_argument("--mu", type=float, help="logarithm of the shift where a configuration leaves it to the image")
        q.set_defaults(do=do, line=line, write=write, **more)
        return q

    command("show", "a table of the levels at which the sampler stands", show)
    q = command("lint", "what is wrong with it on this data; exit status 1 if something is", lint)
    q.add_argument("--training", help="the schedule a network was trained on, if it is another: a file or a name")
    q.add_argument("--seed", type=int, default=0, help="of the data")
    q = command("convert", "write it as another program reads it", convert)
    q.add_argument(
        "--to", required=True, choices=list(WRITERS), help="a configuration, Python code, a list, columns, or a plan"
    )
    q.add_argument("-o", dest="out", type=Path, help="file to write (default: standard output)")
    for name, told, work in (
        ("advise", "search a better placement of the steps on the exact score (needs --data)", advised),
        ("split", "split the error into that of the schedule, the solver and the model (needs --data)", parted),
        ("quality", "quality against model calls (needs --data)", qualities),
    ):
        q = command(name, told, long, work=work)
        q.add_argument("--json", type=Path, help="write the whole record as JSON")
        q.add_argument("--seed", type=int, default=0, help="of the data, the start and the noise")
        q.add_argument("--particles", type=int, help="particles of every run")
        q.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps")
        if name != "advise":
            q.add_argument("--seeds", type=int, help="seeds behind every band")
        if name != "split":
            q.add_argument(
                "--calls", type=_calls, help="budget of model calls" + ("; several with commas" * (name == "quality"))
            )
        if name == "advise":
            q.add_argument("--rounds", type=int, help="evaluations of the search")


def _calls(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(v) for v in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number (several are separated by commas)") from None

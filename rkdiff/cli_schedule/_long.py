"""What takes its time: advice, the split of the error, quality against calls; each with a line of progress, a table and a record."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from rkdiff.cli_schedule._described import described, told
from rkdiff.cli_watch import watched
from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress
from rkdiff.lab.plan import Plan
from rkdiff.processes.exchange import to_sigmas


def long(args: argparse.Namespace) -> int:
    """Work with a line of progress; a table on standard output, the record as JSON where asked."""
    plan, more, found = described(args)
    if "data" not in more:
        raise PartError("say on which data, e.g. --data two_moons; `python -m rkdiff list data` shows them")
    told(found)
    given = {k: getattr(args, k) for k in ("seed", "seeds", "particles", "rounds") if getattr(args, k, None) is not None}
    source = more.pop("data")
    record = watched(args.work(plan, source, args, {**more, **given, "device": args.device}), args.line)
    if args.json:
        args.write(args.json, (json.dumps(record.to_dict(), indent=2) + "\n").encode())
    print(*_LINES[args.work](record), sep="\n")
    return 0


def advised(plan: Plan, source: Any, args: argparse.Namespace, given: dict[str, Any]) -> Generator[Progress, None, Any]:
    """A better placement of the steps."""
    from rkdiff.lab.advice import advise

    if "method" in given:
        raise PartError("advise works on the exact score; leave out --method")
    if args.calls and len(args.calls) > 1:
        raise PartError(f"advise takes one budget of calls; got {len(args.calls)}")
    return advise(plan, source, calls=args.calls[0] if args.calls else None, **given)


def parted(plan: Plan, source: Any, args: argparse.Namespace, given: dict[str, Any]) -> Generator[Progress, None, Any]:
    """The parts of the error."""
    from rkdiff.lab.split import split

    return split(plan, source, **given)


def qualities(plan: Plan, source: Any, args: argparse.Namespace, given: dict[str, Any]) -> Generator[Progress, None, Any]:
    """Quality against model calls."""
    from rkdiff.lab.quality import quality

    return quality([plan], source, **given, **({"calls": args.calls} if args.calls else {}))


def _advice(record: Any) -> list[str]:
    before, after, floor = (float(np.mean(v)) for v in (record.before, record.after, record.floor))
    return [
        f"{record.calls} model calls, sliced Wasserstein distance to fresh data (floor {floor:.4g})",
        f"  as it is   {before:.4g}",
        f"  advised    {after:.4g}   {100 * record.gain:.0f} % less above the floor",
        f"sigmas: {to_sigmas(record.plan)}",
    ]


def _parts(record: Any) -> list[str]:
    rows = [f"{record.title}: {record.calls} model calls, {record.seeds} seeds, {record.particles} particles"]
    rows += [f"  {name:16s}{band.mean[-1]:10.4g}   at the data" for name, band in record.parts.items()]
    rows += [f"  {'total':16s}{record.total.mean[-1]:10.4g}"]
    rows += [f"  end of {name:16s}{band.mean[0]:10.4g}   (floor {record.floor:.4g})" for name, band in record.ends.items()]
    return rows + [f"note: {note}" for note in record.notes]


def _table(record: Any) -> list[str]:
    rows = [f"{'calls':>7s}{'steps':>7s}{'sliced Wasserstein':>20s}"]
    for p in record.points:
        value = p.figures["sliced_wasserstein"].mean[0] if p.figures else float("nan")
        rows.append(f"{p.calls:7d}{p.steps:7d}{value:20.4g}  {p.note}".rstrip())
    return rows


_LINES: dict[Any, Callable[[Any], list[str]]] = {advised: _advice, parted: _parts, qualities: _table}

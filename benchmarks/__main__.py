"""`python -m benchmarks`: list the benchmarks, or run one, print its table and keep its rows."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import describe, names
from benchmarks.table import Row, render, write


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run a measured table.")
    parser.add_argument("name", nargs="?", help="which benchmark; without a name they are listed")
    parser.add_argument("--seeds", type=int, help="how many seeds, counted from 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row to this file")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the benchmark; may be repeated"
    )
    return parser


def _options(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise SystemExit(f"--set takes KEY=VALUE; got {text!r}")
    return dict(t.split("=", 1) for t in texts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when all went well."""
    args = _parser().parse_args(argv)
    if args.name is None:
        width = max((len(n) for n in names()), default=0)
        for name in names():
            print(f"{name.ljust(width)}  {describe(name)}")
        return 0
    if args.name not in names():
        raise SystemExit(f"there is no benchmark {args.name!r}; choose one of {', '.join(names())}")
    module = importlib.import_module(f"benchmarks.{args.name}")
    seeds = getattr(module, "SEEDS", 5) if args.seeds is None else args.seeds
    if seeds < 1:
        raise SystemExit(f"--seeds is {seeds}; choose 1 or more")
    rows: list[Row] = []
    try:
        for row in module.rows(seeds, device=args.device, **_options(args.set)):
            rows.append(row)
            print(f"  {row.dataset} {row.method} seed {row.seed}: {row.metric} {row.shown:.4g}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopped; the table holds what was measured until now", file=sys.stderr)
    print(render(rows))
    if hasattr(module, "closing") and rows:
        print("\n" + module.closing(rows))
    if args.json:
        write(rows, args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

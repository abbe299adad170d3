"""The command line: everything the app shows, without the app.

python -m rkdiff list [KIND]
python -m rkdiff run DATA METHOD [--seed 3] [--method.steps 800] [--schedule cosine] [--store FOLDER]
python -m rkdiff run --from experiment.json
python -m rkdiff export KEY... --html scene.html | --json experiment.json | --npz samples.npz
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rkdiff.core.parts import HOMES, PartError, choices, knobs
from rkdiff.core.records import Progress
from rkdiff.experiment import PARTS, Experiment, Run
from rkdiff.store import Store


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 when it was asked for something that cannot be done."""
    parser = _parser()
    args, extra = parser.parse_known_args(argv)
    try:
        return int(args.do(args, extra))
    except (PartError, ValueError, LookupError, OSError) as problem:
        print(f"rkdiff: {problem}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rkdiff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="list | run | export")
    p = commands.add_parser("list", help="what one can choose, with every knob")
    p.add_argument("kind", nargs="?", choices=list(HOMES))
    p.set_defaults(do=_list)
    p = commands.add_parser("run", help="train and sample; keeps the run and prints its key")
    p.add_argument("data", nargs="?")
    p.add_argument("method", nargs="?")
    p.add_argument("--from", dest="file", type=Path, help="an experiment as JSON, as `export --json` writes it")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    p.add_argument("--store", type=Path, help="folder of kept runs (default: RKDIFF_STORE, or runs)")
    p.add_argument("--again", action="store_true", help="do it again even if the store has it")
    p.set_defaults(do=_run)
    p = commands.add_parser("export", help="turn kept runs into files")
    p.add_argument("keys", nargs="+", metavar="KEY")
    p.add_argument("--html", type=Path, help="a page that plays with no server and no network")
    p.add_argument("--json", type=Path, help="the experiment of the first run")
    p.add_argument("--npz", type=Path, help="the arrays of the first run")
    p.add_argument("--direction", default="backward", choices=["backward", "forward", "both"])
    p.add_argument("--store", type=Path)
    p.set_defaults(do=_export)
    return parser


def _list(args: argparse.Namespace, extra: list[str]) -> int:
    _no_more(extra)
    for kind in [args.kind] if args.kind else HOMES:
        print(kind)
        for name, cls in choices(kind).items():
            print(f"  {name:26s}{cls.summary()}")
            for k in knobs(cls):
                allowed = (
                    " | ".join(map(str, k.options))
                    if k.options
                    else f"{k.low} .. {k.high}"
                    if k.low is not None
                    else "true | false"
                )
                print(f"      {k.name} = {k.default}  ({allowed})  {k.help}")
    return 0


def _run(args: argparse.Namespace, extra: list[str]) -> int:
    from rkdiff.stages import stream

    experiment = _experiment(args, extra)
    store = Store(args.store)
    if store.has(experiment.key) and not args.again:
        print(f"{experiment.key}  already kept: {experiment.title}")
        return 0
    for event in stream(experiment, args.device):
        if isinstance(event, Progress):
            values = "  ".join(f"{k} {v:.4g}" for k, v in event.values.items())
            print(f"\r{event.stage} {event.done}/{event.total}  {values:30s}", end="", file=sys.stderr, flush=True)
        else:
            print(file=sys.stderr)
            store.save(event)
            _report(event)
    return 0


def _report(run: Run) -> None:
    print(f"{run.experiment.key}  {run.experiment.title}  ({run.info['device_name']})")
    for name, q in run.info["quality"].items():
        spread = "" if q["sd"] is None else f" +- {q['sd']:.3g}"
        floor = "" if q["floor"] is None else f"   floor {q['floor']:.4g} +- {q['floor_sd']:.3g}"
        print(f"  {name:22s}{q['value']:.4g}{spread} over {q['starts']} starts{floor}")


def _experiment(args: argparse.Namespace, extra: list[str]) -> Experiment:
    if args.file:
        _no_more(extra)
        text = args.file.read_text()
        try:
            return Experiment.from_dict(json.loads(text))
        except (json.JSONDecodeError, RecursionError) as problem:
            raise PartError(f"{args.file} is not JSON: {problem}") from None
    if not (args.data and args.method):
        raise PartError(
            "say which data and which method, e.g. `python -m rkdiff run two_moons exact`; `python -m rkdiff list` shows them"
        )
    return Experiment.from_dict(_described(args.data, args.method, extra))


def _described(data: str, method: str, extra: list[str]) -> dict[str, Any]:
    """`--schedule cosine --method.steps 800 --seed 3` as an experiment's JSON."""
    out: dict[str, Any] = {"data": {"name": data}, "method": {"name": method}}
    if len(extra) % 2:
        raise PartError(f"every flag takes one value; got {' '.join(extra)}")
    for flag, text in sorted(zip(extra[::2], extra[1::2], strict=True), key=lambda p: "." in p[0]):
        if not flag.startswith("--"):
            raise PartError(f"expected a flag such as --seed or --method.steps; got {flag!r}")
        name, _, inner = flag[2:].replace("-", "_").partition(".")
        if inner:
            if name not in out:
                raise PartError(f"--{name}.{inner} needs a {name}: add --{name} NAME")
            out[name][inner] = _value(text)
        else:
            out[name] = {"name": text} if name in PARTS else _value(text)
    return out


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return value if isinstance(value, (int, float, bool)) else text


def _export(args: argparse.Namespace, extra: list[str]) -> int:
    _no_more(extra)
    if not (args.html or args.json or args.npz):
        raise PartError("say what to write: --html FILE, --json FILE or --npz FILE")
    store = Store(args.store)
    runs = [store.load(key) for key in args.keys]
    if args.html:
        from rkdiff.player.html import standalone
        from rkdiff.scenes import scene_of

        _write(args.html, standalone(scene_of(runs, args.direction)).encode())
    if args.json:
        _write(args.json, (json.dumps(runs[0].experiment.to_dict(), indent=2) + "\n").encode())
    if args.npz:
        from rkdiff.store.arrays import pack

        _write(args.npz, pack(runs[0].arrays))
    return 0


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as f:
        f.write(content)
    Path(name).replace(path)
    print(f"wrote {path} ({len(content) / 1e6:.2f} MB)")


def _no_more(extra: list[str]) -> None:
    if extra:
        raise PartError(f"do not know {' '.join(extra)}")


if __name__ == "__main__":
    sys.exit(main())

"""The command line: everything the app shows, without the app.

python -m rkdiff list [KIND | runs]
python -m rkdiff run DATA METHOD [--seed 3] [--method.steps 800] [--schedule cosine] [--store FOLDER]
python -m rkdiff run --from experiments.json
python -m rkdiff decoders DATA [METHOD] [--count 24] [--space graphs --space.r 9]
python -m rkdiff schedule show | lint | convert | advise | split | quality FILE_OR_NAME [--steps 30] [--data DATA]
python -m rkdiff transport maps | short-bridge | plan | straightness | bridges | report | push | simplex [DATA ...]
python -m rkdiff export KEY... --html scene.html | --json experiment.json | --npz samples.npz | --csv objects.csv | --figures figures.json
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import uuid
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rkdiff import cli_schedule, cli_transport
from rkdiff.core.parts import HOMES, Knob, PartError, choices, knobs, shown
from rkdiff.core.records import Progress
from rkdiff.described import experiment_of, experiments_in, explained, split
from rkdiff.experiment import Experiment, Run
from rkdiff.files import figures_json, objects_csv
from rkdiff.store import Store


class _Parser(argparse.ArgumentParser):
    """Flags in full, and errors in one line like all others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        raise PartError(f"{message}; `{self.prog} --help` shows what is possible")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 when it cannot be done, 130 when it was interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        argv, described = _split(argv)
        args = _parser().parse_args(argv, argparse.Namespace(described=described))
        return int(args.do(args))
    except KeyboardInterrupt:
        print("rkdiff: stopped; nothing of the unfinished run was kept", file=sys.stderr)
        return 130
    except (PartError, ValueError, LookupError, OSError) as problem:
        words = str(problem).split()
        print("rkdiff:", *(w if len(w) <= 200 else f"{w[:77]}..." for w in words), file=sys.stderr)
        return 2


def _split(argv: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """What is for the parser, and the flags that describe what is worked on."""
    if argv[:1] == ["schedule"]:
        return split(argv, cli_schedule.OWN)
    if argv[:1] == ["transport"]:
        return split(argv, cli_transport.OWN)
    return split(argv) if argv[:1] in (["run"], ["decoders"]) else (argv, [])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m rkdiff", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="list | run | decoders | export | schedule | transport")
    p = commands.add_parser("list", help="what one can choose, with every knob; or the kept runs")
    p.add_argument("kind", nargs="?", choices=[*HOMES, "runs"], help="one kind of part, or the kept runs")
    p.add_argument("--store", type=Path, help="folder of kept runs (default: RKDIFF_STORE, or runs)")
    p.set_defaults(do=_list)
    p = commands.add_parser("run", help="train and sample; keeps the run and prints its key", epilog=explained())
    p.add_argument("data", nargs="?", help="`python -m rkdiff list data` shows them")
    p.add_argument("method", nargs="?", help="`python -m rkdiff list method` shows them")
    p.add_argument(
        "--from", dest="file", type=Path, help="one experiment or a list of them, as `export --json` and the app save it"
    )
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    p.add_argument("--store", type=Path, help="folder of kept runs (default: RKDIFF_STORE, or runs)")
    p.add_argument("--again", action="store_true", help="do it again even if the store has it")
    p.set_defaults(do=_run)
    p = commands.add_parser("decoders", help="decode the same coordinates with every decoder of the space", epilog=explained())
    p.add_argument("data", nargs="?", help="structured data; `python -m rkdiff list data` shows them")
    p.add_argument("method", nargs="?", default="kernel_diffusion", help="kernel_diffusion when left out")
    p.add_argument("--count", type=int, default=24, help="how many objects each decoder makes, twice")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    p.set_defaults(do=_decoders)
    cli_schedule.add_schedule(commands, _progress, _write)
    cli_transport.add_transport(commands, _progress, _write)
    p = commands.add_parser("export", help="turn kept runs into files")
    p.add_argument(
        "keys", nargs="+", metavar="KEY", help="a run's key or its first digits; `python -m rkdiff list runs` shows them"
    )
    p.add_argument("--html", type=Path, help="a page that plays with no server and no network")
    p.add_argument("--json", type=Path, help="the experiment of the first run")
    p.add_argument("--npz", type=Path, help="the arrays of the first run")
    p.add_argument("--csv", type=Path, help="the decoded objects of the first run")
    p.add_argument("--figures", type=Path, help="quality with spread and floor, objects, seconds of all these runs, as JSON")
    p.add_argument("--direction", default="backward", choices=["backward", "forward", "both"])
    p.add_argument("--store", type=Path, help="folder of kept runs (default: RKDIFF_STORE, or runs)")
    p.set_defaults(do=_export)
    return parser


def _list(args: argparse.Namespace) -> int:
    if args.kind == "runs":
        return _list_runs(Store(args.store))
    for kind in [args.kind] if args.kind else HOMES:
        print(kind)
        for name, cls in choices(kind).items():
            print(f"  {name:32s}{cls.summary()}")
            for k in knobs(cls):
                print(f"      {k.name} = {k.default}  ({_allowed(k)})  {k.help}{_beside(k)}")
    return 0


def _allowed(k: Knob) -> str:
    if k.options:
        return " | ".join(map(str, k.options))
    if k.check is not None:
        return "text"
    return "true | false" if k.low is None else f"{k.low} .. {k.high}"


def _beside(k: Knob) -> str:
    """The other knobs' values with which this one does something, if not with all."""
    needs = " and ".join(f"{name} {' or '.join(map(str, values))}" for name, values in k.when)
    return f" (with {needs})" if needs else ""


def _list_runs(store: Store) -> int:
    for s in store.list():
        try:
            print(f"{s.key}  {Experiment.from_dict(s.experiment).title}")
        except PartError as problem:  # a part that exists no longer
            print(f"{s.key}  cannot be read: {problem}")
    for bad in store.damaged():
        print(bad, file=sys.stderr)
    return 0


def _run(args: argparse.Namespace) -> int:
    if not args.file:
        experiments = [experiment_of(args.data, args.method, args.described)]
    elif args.data or args.described:
        raise PartError(f"--from takes everything from the file; leave out {shown(args.data or args.described[0][0])}")
    else:
        experiments = experiments_in(args.file)
    store = Store(args.store)
    for experiment in experiments:
        if store.has(experiment.key) and not args.again:
            _report(store.load(experiment.key), "already kept")
        else:
            store.check_writable()
            run = _watched(experiment, args.device)
            store.save(run)
            _report(run)
    return 0


def _watched(experiment: Experiment, device: str) -> Run:
    """Do it with a line of progress."""
    from rkdiff.stages import stream

    with contextlib.closing(_progress()) as line:
        next(line)
        for event in stream(experiment, device):
            if isinstance(event, Run):
                return event
            line.send(event)
    raise AssertionError("a stream ends with its run")


def _progress() -> Generator[None, Progress, None]:
    """A line of progress on standard error, which is closed whatever happens."""
    begun = False
    try:
        while True:
            event = yield
            values = "  ".join(f"{k} {v:.4g}" for k, v in event.values.items())
            print(f"\r{event.stage} {event.done}/{event.total}  {values:30s}", end="", file=sys.stderr, flush=True)
            begun = True
    finally:
        if begun:
            print(file=sys.stderr)


def _decoders(args: argparse.Namespace) -> int:
    from rkdiff.decoding import compare, lines

    experiment = experiment_of(args.data, args.method, args.described)
    if not any(k.name == "decoder" for k in knobs(type(experiment.space))):
        kinds = sorted({c.modality for c in choices("data").values()} - {experiment.data.modality})  # type: ignore[attr-defined]
        raise PartError(
            f"{experiment.data.name} is its own coordinates: there is nothing to decode; choose data made of {', '.join(kinds)}"
        )
    work = compare(experiment, args.device, args.count)
    with contextlib.closing(_progress()) as line:
        next(line)
        try:
            while True:
                line.send(next(work))
        except StopIteration as end:
            table = end.value
    print(*lines(table.to_dict()), sep="\n")
    return 0


def _report(run: Run, how: str = "") -> None:
    told = f"  {how}:" if how else " "
    print(f"{run.experiment.key}{told} {run.experiment.title}  ({run.info['device_name']})")
    for name, q in run.info["quality"].items():
        spread = "" if q["sd"] is None else f" +- {q['sd']:.3g}"
        floor = "" if q["floor"] is None else f"   floor {q['floor']:.4g} +- {q['floor_sd']:.3g}"
        starts = f"{q['starts']} start" + "s" * (q["starts"] != 1)
        print(f"  {name:22s}{q['value']:.4g}{spread} over {starts}{floor}")
    objects = run.info.get("objects")
    if objects:
        print(
            f"  {'decoded objects':22s}{', '.join(f'{name} {v:.2f}' for name, v in objects.items())} of {len(run.arrays['samples'])}"
        )


def _export(args: argparse.Namespace) -> int:
    if not (args.html or args.json or args.npz or args.csv or args.figures):
        raise PartError("say what to write: --html, --json, --npz, --csv or --figures FILE")
    store = Store(args.store)
    runs = [store.load(store.whole(key)) for key in args.keys]
    if args.html:
        from rkdiff.player.html import standalone
        from rkdiff.scenes import scene_of

        _write(args.html, standalone(scene_of(runs, args.direction)).encode())
    if args.json:
        _write(args.json, (json.dumps(runs[0].experiment.to_dict(), indent=2) + "\n").encode())
    if args.npz:
        from rkdiff.store.arrays import pack

        _write(args.npz, pack(runs[0].arrays))
    if args.csv:
        _write(args.csv, objects_csv(runs[0]).encode())
    if args.figures:
        _write(args.figures, figures_json(runs).encode())
    return 0


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, readable as the umask allows."""
    fresh = path.parent / f".rkdiff-{uuid.uuid4().hex}"
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as problem:
        raise PartError(f"cannot write {path}: {problem.strerror}") from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            fresh.unlink()
    size = f"{len(content) / 1e6:.2f} MB" if len(content) >= 1e5 else f"{len(content) / 1e3:.1f} kB"
    print(f"wrote {path} ({size})")


if __name__ == "__main__":
    sys.exit(main())

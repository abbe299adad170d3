"""What takes its time: the jobs of the transport laboratory, each with a line of progress, a table and a record."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rkdiff.cli_transport._described import dataset, knobs_of, method
from rkdiff.cli_watch import watched
from rkdiff.core.parts import PartError, from_dict, shown
from rkdiff.core.tensors import pick_device

#: What the figures of straightness are called in the table.
FIGURES = {
    "share": "bend (0 straight)", "stretch": "path / chord", "one_step": "error of 1 step", "cost": "E|x-Tx|^2",
    "ratio": "over the optimal",
}  # fmt: skip
#: Bytes that are read of a cloud's file.
LONGEST = 4_000_000


def job(args: argparse.Namespace) -> int:
    """One of the laboratory's jobs, as the app runs it."""
    payload = _PAYLOADS[args.work](args)
    payload |= {k: getattr(args, k) for k in ("seed", "seeds", "particles") if getattr(args, k) is not None}
    work = importlib.import_module(f"rkdiff.lab.transport.{args.work}").job(payload, pick_device(args.device))
    record = watched(work, args.line)
    print(*_TABLES[args.work](record), sep="\n")
    if args.json:
        args.write(args.json, (json.dumps(record, indent=2) + "\n").encode())
    return 0


def push(args: argparse.Namespace) -> int:
    """A cloud from a file through a kept flow."""
    from rkdiff.lab.play import unpack_walk
    from rkdiff.lab.transport.push import pushed
    from rkdiff.store import Store

    knobs_of(args.described, "")
    payload: dict[str, Any] = {"cloud": _cloud(args.cloud), "at": args.at}
    payload |= {k: getattr(args, k) for k in ("frames", "calls") if getattr(args, k) is not None}
    store = Store(args.store)
    record = pushed(store.load(store.whole(args.key)), payload, pick_device("cpu"))
    rows = "".join(f"{x:.6g},{y:.6g}\n" for x, y in unpack_walk(record).end)
    if args.json:
        args.write(args.json, (json.dumps(record) + "\n").encode())
    if args.out:
        args.write(args.out, rows.encode())
    else:
        print(rows, end="")
    return 0


def _cloud(file: Path) -> list[list[float]]:
    """The points of a CSV file; one line of names above them is passed over."""
    with file.open("rb") as opened:
        content = opened.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise PartError(f"{shown(str(file))} is larger than {LONGEST} bytes; that is no cloud")
    out: list[list[float]] = []
    for k, line in enumerate(content.decode("utf-8", "replace").splitlines()):
        words = line.replace(";", ",").replace("\t", ",").split(",")
        try:
            out += [[float(w) for w in words]] if line.strip() else []
        except ValueError:
            if k:
                raise PartError(f"line {k + 1} of {file} is {shown(line)}; give two numbers, as 0.5,-1.2") from None
    return out


def _straightness(args: argparse.Namespace) -> dict[str, Any]:
    given = {"data": dataset(args, args.data).to_dict(), "methods": [method(m) for m in args.methods]}
    return given | ({"calls": list(args.calls)} if args.calls else {})


def _bridges(args: argparse.Namespace) -> dict[str, Any]:
    more = {k: getattr(args, k) for k in ("gamma", "fits") if getattr(args, k) is not None}
    return {"data": dataset(args, args.data).to_dict(), **more, **({"steps": list(args.steps)} if args.steps else {})}


def _report(args: argparse.Namespace) -> dict[str, Any]:
    from rkdiff.described import experiment_of

    more = {k: getattr(args, k) for k in ("seed", "particles") if getattr(args, k) is not None}
    flags = [*args.described, *((f"--{k}", str(v)) for k, v in more.items())]
    args.seed = args.particles = None  # they are the experiment's
    return {"experiment": experiment_of(args.data, "learned_sliced_flow", flags).to_dict()}


def _simplex(args: argparse.Namespace) -> dict[str, Any]:
    if args.seeds is not None:
        raise PartError("a walk over the simplex has one seed; leave out --seeds")
    knobs_of(args.described, "")
    if len(args.weights) != len(args.data):
        raise PartError(f"--weights has {len(args.weights)} shares; give {len(args.data)}, one for each law, as 0.2,0.3,0.5")
    laws = [name if name == "noise" else from_dict("data", {"name": name}).to_dict() for name in args.data]
    return {"data": laws, "path": [[1.0, 0.0, 0.0], list(args.weights)]}


_PAYLOADS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "straightness": _straightness, "bridges": _bridges, "report": _report, "simplex": _simplex,
}  # fmt: skip


def _straight_rows(record: Mapping[str, Any]) -> list[str]:
    rows = [f"{record['particles']} particles, {record['seeds']} seeds; sliced W2 to fresh data, floor {record['floor']:.4g}"]
    for m in record["methods"]:
        rows.append(m["title"])
        rows += [f"  {told:18s}{_mean(m['figures'].get(name))}" for name, told in FIGURES.items()]
        rows += [f"  {b['calls']:4d} calls        {_mean(b['sliced'])}" for b in m["budgets"]]
        rows += [f"  note: {m['note']}"] if m["note"] else []
    return rows


def _mean(found: Mapping[str, Any] | None) -> str:
    if not found or found["mean"] is None:
        return "         -"
    spread = f" +- {found['sd']:.2g}" if found.get("sd") is not None else ""
    return f"{found['mean']:10.4g}{spread}"


def _report_rows(record: Mapping[str, Any]) -> list[str]:
    seeds, calls = record["figures"], record["calls"]
    head = "".join(f"{f'{c} calls':>10s}" for c in calls)
    model, system = record["sizes"]
    rows = [
        f"{record['title']}: sqrt(d) SW2 of {model} particles to fresh particle systems of {system}, which start independently; "
        f"{len(seeds)} seeds. By calls: the model at evenly spread starts; floor: a system of {model} independent starts. Then the "
        f"model at independent starts in {calls[-1]} calls; its floor: independent draws of the flow's law.",
        f"{'tau':>8s}{head}{'floor':>10s}{'indep.':>10s}{'floor':>10s}{'paired':>10s}{'memorised':>11s}{'particles':>11s}",
    ]
    for i, first in enumerate(seeds[0]):
        at = [s[i] for s in seeds]
        laws = "".join(f"{np.mean([f['law'][k] for f in at]):10.4f}" for k in range(len(calls)))
        more = [np.mean([f[k] for f in at]) for k in ("floor", "independent", "independent_floor")]
        more.append(np.mean([f["paired"][-1] for f in at]))
        copied = "".join(f"{np.mean([f[k] for f in at]):11.2f}" for k in ("memorised", "memorised_particles"))
        rows.append(f"{first['tau']:8.3g}{laws}" + "".join(f"{v:10.4f}" for v in more) + copied)
    m = record["memory"]
    kept = ", ".join(f"{name} {m[name] / 1000:.0f} kB" for name in ("network", "data", "particles", "tables"))
    return [*rows, f"at inference: {kept}; while training: pool {m['pool'] / 1e6:.1f} MB", str(m["honest"])]


def _simplex_rows(record: Mapping[str, Any]) -> list[str]:
    shares = ", ".join(f"{w:.2f} {t}" for w, t in zip(record["weights"][-1], record["titles"], strict=True))
    return [
        f"from {record['titles'][0]} to {shares}: {record['shape'][1]} particles, {record['shape'][0]} moments",
        f"  sliced W2 to that mixture of fresh pairs {_number(record['error'])}, floor {_number(record['floor'])}",
    ]


def _number(value: Any) -> str:
    if isinstance(value, Sequence):
        return ", ".join(_number(v) for v in value)
    return "-" if value is None else f"{value:.4g}"


def _bridge_rows(record: Mapping[str, Any]) -> list[str]:
    floor = f"floor {record['floor']:.4g} +- {record['floor_sd']:.2g}"
    rows = [
        f"sliced W2 to fresh data, {record['particles']} particles, {record['seeds']} seeds, {floor}; a step lasts {record['gamma']:g}",
        f"{'steps':>7s}  {'':22s}{'distance':>16s}{'training, CPU s':>18s}",
    ]
    for w in sorted(record["ways"], key=lambda w: (w["steps"], w["rounds"])):
        name = f"bridge, {w['rounds']} fit{'s' * (w['rounds'] != 1)}" if w["rounds"] else "diffusion, exact mean"
        rows.append(f"{w['steps']:7d}  {name:22s}{_band(w['distance']):>16s}{w['seconds']:18.1f}")
    return rows


def _band(found: Mapping[str, Any]) -> str:
    low, high = (found[k][0] if found.get(k) else None for k in ("low", "high"))
    spread = "" if low is None or high is None or high == low else f" +- {(high - low) / 2:.2g}"
    return f"{found['mean'][0]:.4g}{spread}"


_TABLES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "straightness": _straight_rows, "bridges": _bridge_rows, "report": _report_rows, "simplex": _simplex_rows,
}  # fmt: skip

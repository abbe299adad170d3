"""Experiments as people describe them outside the app: by flags in a terminal, or as JSON in a file.

    two_moons exact --schedule cosine --method.steps 800 --seed=3

A flag is an entry of the experiment (`--seed`, `--schedule`) or a knob of one of its parts (`--method.steps`), wherever it stands. Which
ones exist, what they allow and what they mean is read off the declarations of `Experiment` and the parts; nothing is listed twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from rkdiff.core.parts import PartError, choices, from_dict, knobs, shown
from rkdiff.experiment import PARTS, Experiment, default_part, samplers_for

#: Flags of `run` and `decoders` that describe no experiment.
OWN = frozenset({"--from", "--device", "--store", "--again", "--count", "--help"})


def split(argv: Sequence[str], own: Set[str] = OWN) -> tuple[list[str], list[tuple[str, str]]]:
    """What is for the parser (the flags in `own`), and the flags that describe the work: `--seed 3`, `--seed=3`, in any place."""
    rest, described, words = [], [], iter(argv)
    for word in words:
        flag, equals, text = word.partition("=")
        if not flag.startswith("--") or flag in own or flag == "--":
            rest.append(word)
            continue
        if not equals:
            text = next(words, "--")
            if text.startswith("--"):
                raise PartError(f"{shown(flag)} takes one value, as in --seed 3 or --method.steps 800")
        described.append((flag, text))
    return rest, described


def explained() -> str:
    """What else `run` understands, read off the experiment's own declaration."""
    rows = [(f"--{k.name} {k.default}", k.help) for k in knobs(Experiment)]
    rows += [(f"--{kind} NAME", f"another {kind} than the one that fits by itself") for kind in PARTS[2:]]
    rows += [(f"--{kind}.KNOB VALUE", f"a knob of the {kind}") for kind in PARTS]
    lines = "\n".join(f"  {flag:24s}{text}" for flag, text in rows)
    end = "`python -m rkdiff list` shows all names and knobs, e.g. --method.steps 800, --data.noise=0.1."
    return f"the experiment, in any place (numbers with their defaults):\n{lines}\n\n{end}"


def experiments_in(file: Path) -> list[Experiment]:
    """The one experiment of a JSON file, or as many as its list holds.

    Raises:
        PartError: not JSON, or something in it is no experiment.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        raise PartError(f"{file} is not an experiment: its brackets are nested too deeply") from None
    except ValueError as problem:
        raise PartError(f"{file} is not JSON: {problem}") from None
    if not isinstance(content, list):
        return [Experiment.from_dict(content)]
    if not content:
        raise PartError(f"{file} is an empty list; it needs at least one experiment")
    out = []
    for i, value in enumerate(content, 1):
        try:
            out.append(Experiment.from_dict(value))
        except PartError as problem:
            raise PartError(f"experiment {i} of {len(content)} in {file}: {problem}") from None
    return out


def experiment_of(data: str | None, method: str | None, flags: Sequence[tuple[str, str]]) -> Experiment:
    """The experiment of `two_moons exact --schedule cosine --method.steps 800 --seed 3`.

    Raises:
        PartError: what is described is no experiment.
    """
    out: dict[str, Any] = {kind: {"name": name} for kind, name in (("data", data), ("method", method)) if name}
    inside: dict[str, dict[str, Any]] = {}
    for flag, text in flags:
        name, dot, inner = flag[2:].replace("-", "_").partition(".")
        if not dot:
            out[name] = {"name": text} if name in PARTS else value_of(text)
        elif name not in PARTS:
            raise PartError(f"{shown(flag)}: only {', '.join(PARTS)} have knobs of their own")
        else:
            inside.setdefault(name, {})[inner] = value_of(text)
    if not ("data" in out and "method" in out):
        raise PartError(
            "say which data and which method, e.g. `python -m rkdiff run two_moons exact`; `python -m rkdiff list` shows them"
        )
    for kind in PARTS:
        if kind in inside:
            part = out[kind] if kind in out else {"name": _meant(kind, inside[kind], out)}
            out[kind] = part | inside[kind]
    return Experiment.from_dict(out)


def _meant(kind: str, values: Mapping[str, Any], out: Mapping[str, Any]) -> str:
    """The part whose knobs are set without its name: the one that fits by itself if it has them, else the only one that has.

    Raises:
        PartError: there is none, or more than one.
    """
    data, method = (from_dict(k, out[k]) for k in ("data", "method"))
    usual = type(default_part(kind, data, method))
    having = [
        cls
        for cls in choices(kind).values()
        if values.keys() <= {k.name for k in knobs(cls)}
        and data.modality in getattr(cls, "modalities", (data.modality,))
        and (kind != "sampler" or cls.name in samplers_for(method))
    ]
    if usual in having or len(having) == 1:
        return (usual if usual in having else having[0]).name
    flag = f"--{kind}.{next(iter(values))}"
    raise PartError(
        f"{shown(flag)} needs a {kind}: add --{kind} NAME ({' or '.join(c.name for c in having) or 'none has that knob'})"
    )


def value_of(text: str) -> Any:
    """A flag's value: a number or a truth value where it reads as one, otherwise the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, (int, float, bool)) else text

"""What is described: a dataset by its name and flags, a method by name:knob=value."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rkdiff.core.parts import PartError, from_dict, shown
from rkdiff.described import value_of


def dataset(args: argparse.Namespace, name: str) -> Any:
    """The dataset of a name, with its knobs from flags.

    Raises:
        PartError: no such dataset or knob, or a flag that is none of this command's.
    """
    return from_dict("data", {"name": name, **knobs_of(args.described, "data")})


def knobs_of(described: Sequence[tuple[str, str]], kind: str) -> dict[str, Any]:
    """The knobs of one kind among the flags, which hold nothing else."""
    out = {}
    for flag, text in described:
        name, dot, inner = flag[2:].replace("-", "_").partition(".")
        if name != kind or not dot:
            raise PartError(f"{shown(flag)} is not a flag of this command; its --help shows what is possible")
        out[inner] = value_of(text)
    return out


def method(text: str) -> dict[str, Any]:
    """A method as name or name:knob=value,knob=value, whole and checked."""
    name, _, rest = text.partition(":")
    given: dict[str, Any] = {"name": name}
    for word in rest.split(",") if rest else ():
        knob, equals, value = word.partition("=")
        if not equals:
            raise PartError(f"{shown(text)}: {shown(word)} is no knob=value, as in flow_matching:coupling=ot,steps=500")
        given[knob.strip()] = value_of(value.strip())
    return dict(from_dict("method", given).to_dict())

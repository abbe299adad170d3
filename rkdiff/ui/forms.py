"""Forms from declarations: a knob becomes a widget with its bounds and help, a kind becomes a picker. No page lists a parameter."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from rkdiff.core.parts import Knob, Part, choices, knobs


def pick_part(
    kind: str,
    key: str,
    names: Sequence[str] | None = None,
    default: str | None = None,
    label: str | None = None,
    bind: bool = False,
) -> type[Part]:
    """A select box over the parts of a kind; returns the chosen class."""
    members = {n: c for n, c in choices(kind).items() if names is None or n in names}
    listed = list(members)
    name = st.selectbox(
        label or kind.capitalize(),
        listed,
        index=listed.index(default) if default in members else 0,
        format_func=lambda n: members[n].title(),
        help="\n\n".join(f"**{c.title()}** {c.summary()}" for c in members.values()),
        key=key,
        bind="query-params" if bind else None,
    )
    return members[name if name in members else listed[0]]


def part_knobs(cls: type[Part], key: str, leave: Collection[str] = ()) -> dict[str, Any]:
    """The widgets of a part's knobs, but for those to `leave` out; returns the values."""
    return {k.name: knob_widget(k, f"{key}.{cls.name}.{k.name}") for k in knobs(cls) if k.name not in leave}


def knob_widget(k: Knob, key: str, default: Any = None) -> Any:
    """The widget that fits a knob: toggle, select box, slider, or a number field for wide ranges; `default` replaces the knob's own."""
    k = k if default is None else replace(k, default=default)
    if k.options:
        return st.selectbox(k.label, k.options, index=k.options.index(k.default), help=k.help, key=key, format_func=readable)
    if k.type is bool:
        return st.toggle(k.label, value=k.default, help=k.help, key=key)
    low, high = k.type(k.low), k.type(k.high)
    step = k.type(k.step) if k.step else natural_step(k)
    if k.log or (k.type is int and high - low > 250):
        help = f"{k.help} ({low:g} to {high:g})"
        return st.number_input(
            k.label, low, high, k.default, step=step, help=help, key=key, format=None if k.type is int else "%.4g"
        )
    return st.slider(k.label, low, high, k.default, step=step, help=k.help, key=key)


def ladder(k: Knob) -> list[float]:
    """The values 1, 1.5, 2, 3, 5, 7 times the powers of ten within a knob's bounds, its bounds among them."""
    low, high = float(k.low), float(k.high)  # type: ignore[arg-type]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = {round(m * 10.0**p, 12) for p in powers for m in (1, 1.5, 2, 3, 5, 7)}
    return sorted({low, high} | {v for v in steps if low <= v <= high})


def ladder_widget(k: Knob, key: str, default: float | None = None, disabled: bool = False) -> float:
    """A slider over orders of magnitude, for a positive knob that a person should feel rather than type."""
    first = float(k.default if default is None else default)
    values = sorted({*ladder(k), first})
    return float(st.select_slider(k.label, values, first, format_func="{:g}".format, help=k.help, key=key, disabled=disabled))


def natural_step(k: Knob) -> Any:
    """About a hundred steps over the range, rounded to 1, 2 or 5 times a power of ten; whole numbers for whole knobs."""
    span = float(k.high) - float(k.low)  # type: ignore[arg-type]
    if k.log and k.default:
        span = 10 * float(k.default)
    power = 10.0 ** math.floor(math.log10(max(span, 1e-12) / 100))
    step = next(m * power for m in (1, 2, 5, 10) if m * power * 100 >= span * 0.999)
    return max(1, round(step)) if k.type is int else step


def readable(value: Any) -> str:
    """An option as a person reads it."""
    return str(value).replace("_", " ")

"""The controls in sight on the structured page: what decides how a kernel space behaves, as sliders and choices.

No knob is listed twice: what is in sight is left out under Settings. What a link said about it is its first value.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import streamlit as st

from rkdiff.core.parts import Knob, PartError, checked, choices, knobs
from rkdiff.experiment import Experiment
from rkdiff.ui.forms import knob_widget, ladder_widget, pick_part
from rkdiff.ui.panels import Setup, settings, spaces_for
from rkdiff.ui.session import Desk

#: Sliders and choices by knob, in their order, with what they are called here.
SLIDERS = {
    "r": "Coordinates: invent ↔ copy",
    "width": "Kernel width: memorise ↔ Gaussian",
    "resolution": "Resolution: points of a curve",
}
SMOOTH = {"smoothness": "Noise: white ↔ smooth"}
CHOICES = {"noise": "Noise", "decoder": "Decoder"}
IN_SIGHT = {**SLIDERS, **SMOOTH, **CHOICES}
#: Kernels that have no width.
FLAT = ("linear", "cosine")
NOTHING = "nothing"
#: What stands beside the method on a first visit, where it exists.
CONTROLS = ("gaussian", "exact")


def space_form(desk: Desk, data: str) -> dict[str, Any]:
    """The space of a dataset with its knobs in sight."""
    names, link = spaces_for(data), _link(desk, data)
    cls = choices("space")[names[0]]
    if len(names) > 1:
        cls = pick_part("space", desk.key(f"space.{data}"), names, default=link.get("space"))
    out: dict[str, Any] = {"name": cls.name}
    having = {k.name: k for k in knobs(cls)}
    pair = None
    for name, label in IN_SIGHT.items():
        if name in having:
            pair = pair or (st.columns(2, gap="small") if name in CHOICES else None)
            with pair[name == "decoder"] if pair else nullcontext():
                k = replace(having[name], label=label)
                out[name] = _widget(desk, cls.name, k, first_value(k, link.get(name)))
    return out


def _link(desk: Desk, data: str) -> Mapping[str, str]:
    """What the address said when the page was opened, if it spoke of this dataset."""
    link: dict[str, str] = desk.remember("link", lambda: dict(st.query_params.items()))
    return link if link.get("data", data) == data else {}


def first_value(k: Knob, text: str | None) -> Any:
    """The value an address gives a knob, or the knob's own default."""
    try:
        return k.default if text is None else checked("link", k, text if k.options else k.type(float(text)))
    except (PartError, ValueError, OverflowError):
        return k.default


def _widget(desk: Desk, space: str, k: Knob, first: Any) -> Any:
    key = desk.key(f"{space}.{k.name}")
    if k.name == "width":
        flat = st.session_state.get(f"{desk.key('panel')}.space.{space}.kernel", _kernel(space)) in FLAT
        if flat:
            k = replace(k, help=f"{k.help}; a linear kernel has none: choose another under Settings, Space")
        return ladder_widget(k, key, first, disabled=flat)
    if k.name == "resolution":
        return st.slider(k.label, int(k.low or 0), int(k.high or 0), int(first), step=int(k.step or 1), help=k.help, key=key)
    return knob_widget(k, key, first)


def _kernel(space: str) -> str:
    return next((str(k.default) for k in knobs(choices("space")[space]) if k.name == "kernel"), "gaussian")


def method_form(desk: Desk, data: str) -> tuple[str, str]:
    """The method, and what stands beside it: names, the second perhaps "nothing"."""
    link, methods = _link(desk, data), choices("method")
    method = pick_part("method", desk.key("method"), default=link.get("method", "kernel_diffusion"))
    listed = [NOTHING, *sorted(methods, key=lambda n: n not in CONTROLS)]
    usual = next((n for n in CONTROLS if n in methods), NOTHING)
    beside = st.selectbox(
        "Beside it", listed, index=listed.index(link["beside"] if link.get("beside") in listed else usual), key=desk.key("beside"),
        format_func=lambda n: methods[n].title() if n in methods else "Nothing",
        help="the control on the same data, noise and clock: what a method adds is what it does better than this",
    )  # fmt: skip
    return method.name, str(beside)


def setups(desk: Desk, shared: dict[str, Any], space: dict[str, Any], method: str, beside: str) -> list[Setup]:
    """The panels as experiments; draws every knob that is not in sight."""
    cls, other = choices("method")[method], choices("method").get(beside)
    out = []
    try:
        described = settings(desk.key("panel"), cls, shared, space)
        out = [Setup(cls.title(), Experiment.from_dict(described))]
        if other is not None and other is not cls:
            same = described if other.family == cls.family else {**shared, "space": described["space"]}  # type: ignore[attr-defined]
            out.append(Setup(other.title(), Experiment.from_dict({**same, "method": {"name": beside}})))
    except PartError as problem:
        out.append(Setup(cls.title(), None, str(problem)))
    return out

"""The panels a person sets up: what they share, and each one's method with its knobs. Widgets in, experiments out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from rkdiff.core.parts import Part, PartError, choices, from_dict, knobs
from rkdiff.experiment import Experiment, samplers_for
from rkdiff.plots.sketch import schedule_svg
from rkdiff.ui.forms import knob_widget, part_knobs, pick_part

#: Methods of the first, second, ... panel on a first visit.
FIRST = ("kernel_diffusion", "network_diffusion", "sliced_wasserstein_flow", "exact")
MOST = 4
#: Kinds of parts beside a diffusion, with the one that is chosen at first.
USUAL = {"schedule": "karras", "spacing": "even_time", "guidance": "none"}
PLANE = ("particles", "steps", "start", "seed", "repeats")
STRUCTURED = ("shown", "decoded", "moments")
#: Real structured sets are small: as many particles as the shipped scenes have.
STRUCTURED_DEFAULTS = {"particles": 200}


@dataclass(frozen=True)
class Setup:
    """One panel as it stands in the form: its experiment, or why there is none."""

    title: str
    experiment: Experiment | None
    problem: str = ""


def shared_form(data: str, prefix: str = "", without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The knobs that all panels share: the dataset's and the experiment's, but those that each panel has `without` the others."""
    left, right = st.columns(2)
    with left:
        st.caption("Data")
        values = part_knobs(choices("data")[data], f"{prefix}data")
        numbers = {}
        if choices("data")[data].modality != "points":  # type: ignore[attr-defined]
            st.caption("Decoding")
            numbers = {k.name: knob_widget(k, f"{prefix}shared.{k.name}") for k in knobs(Experiment) if k.name in STRUCTURED}
    with right:
        st.caption("Sampling, for every panel")
        kind, own = ("structured", STRUCTURED_DEFAULTS) if numbers else ("plane", {})
        numbers |= {
            k.name: knob_widget(k, f"{prefix}shared.{kind}.{k.name}", own.get(k.name))
            for k in knobs(Experiment)
            if k.name in PLANE and k.name not in without
        }
    return {"data": {"name": data, **values}, **numbers}


def panel_form(i: int, shared: dict[str, Any]) -> Setup:
    """One panel's method with its knobs; sampler, schedule, guidance and space are one click away."""
    names = list(choices("method"))
    default = FIRST[i] if i < len(FIRST) and FIRST[i] in names else names[0]
    method = pick_part("method", f"method{i}", default=default, label=f"Panel {i + 1}")
    try:
        with st.popover("Settings", icon=":material/tune:", width="stretch"), st.container(width=430, height=420, border=False):
            described = settings(f"panel{i}", method, shared)
        return Setup(method.title(), Experiment.from_dict(described))
    except PartError as problem:
        return Setup(method.title(), None, str(problem))


def shared_firsts(e: Experiment, prefix: str = "") -> dict[str, Any]:
    """First values of the widgets of `shared_form`, by key, that say what this experiment says."""
    kind = "plane" if e.data.modality == "points" else "structured"
    numbers = {f"{prefix}shared.{kind}.{name}": getattr(e, name) for name in PLANE}
    decoding = {f"{prefix}shared.{name}": getattr(e, name) for name in STRUCTURED}
    return {**part_firsts(e.data, f"{prefix}data"), **numbers, **decoding}


def settings_firsts(e: Experiment, key: str) -> dict[str, Any]:
    """First values of the widgets of `settings`, by key, that say what this experiment says."""
    out = part_firsts(e.method, key)
    for kind in ("space", "schedule", "spacing", "sampler", "guidance"):
        part = getattr(e, kind)
        out |= {f"{key}.{kind}.{e.data.modality}.{e.method.family}": part.name, **part_firsts(part, f"{key}.{kind}")}
    return out


def part_firsts(part: Part, key: str) -> dict[str, Any]:
    """First values of the widgets of `part_knobs`, by key, that give this part."""
    return {f"{key}.{part.name}.{k.name}": getattr(part, k.name) for k in knobs(type(part))}


def from_runs(runs: Sequence[Experiment]) -> dict[str, Any]:
    """First values of the playground's widgets, by key, with which Train repeats these experiments."""
    out = {"panels": len(runs), **shared_firsts(runs[0])}
    for i, e in enumerate(runs):
        out |= {f"method{i}": e.method.name, **settings_firsts(e, f"panel{i}")}
    return out


def from_words(words: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The same from the entries of an address: panels, and each one's method by its name or title; and what there is not."""
    methods = {c.title(): n for n, c in choices("method").items()} | {n: n for n in choices("method")}
    asked = {name: words[name][:40] for name in (f"method{i}" for i in range(MOST)) if name in words}
    bad = [f"{name}={text}" for name, text in asked.items() if text not in methods]
    panels = words.get("panels", "2")
    if panels not in map(str, range(1, MOST + 1)):
        panels, bad = "2", [*bad, f"panels={panels[:40]}"]
    return {"panels": int(panels)} | {name: methods[text] for name, text in asked.items() if text in methods}, bad


@cache
def untouched(data: str, methods: tuple[str, ...]) -> list[str]:
    """Keys of the experiments that the form asks for before anybody touched it."""
    structured = choices("data")[data].modality != "points"  # type: ignore[attr-defined]
    own = STRUCTURED_DEFAULTS if structured else {}
    return [Experiment.from_dict({"data": {"name": data}, "method": {"name": m}, **own}).key for m in methods]


def spaces_for(data: str) -> list[str]:
    """The spaces that can hold a dataset, by name."""
    modality = choices("data")[data].modality  # type: ignore[attr-defined]
    return [n for n, c in choices("space").items() if modality in c.modalities]  # type: ignore[attr-defined]


def settings(
    key: str,
    method: Any,
    shared: dict[str, Any],
    space: Mapping[str, Any] | None = None,
    seen: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Tabs with every knob of the method and of what goes with it; returns the experiment as `Experiment.from_dict` reads it.

    `space`: a space that is chosen elsewhere, with the knobs that are shown there; its other knobs are shown here. One that `shared` holds
    is shown nowhere here. `seen`: values of knobs that are shown elsewhere, by kind: "method", and "sampler" of those that have them.

    Raises:
        PartError: knobs of the method that cannot go together.
    """
    name = shared["data"]["name"]
    modality = choices("data")[name].modality  # type: ignore[attr-defined]
    elsewhere = seen or {}
    kinds = {"sampler": (samplers_for(method), "")}
    if method.family == "diffusion":
        kinds |= {kind: (list(choices(kind)), usual) for kind, usual in USUAL.items()}
    if "space" not in shared:
        kinds["space"] = ([space["name"]] if space else spaces_for(name), "")
    first, *tabs = st.tabs(["Method", *(kind.capitalize() for kind in kinds)])
    with first:
        st.caption(method.summary())
        held = elsewhere.get("method", {})
        out: dict[str, Any] = {**shared, "method": {"name": method.name, **held, **part_knobs(method, key, held)}}
    fit = samplers_for(from_dict("method", out["method"]))  # type: ignore[arg-type]
    kinds["sampler"] = (fit, fit[0])
    for tab, (kind, (members, default)) in zip(tabs, kinds.items(), strict=True):
        with tab:
            chosen = dict(space) if space and kind == "space" else {}
            cls = (
                choices(kind)[chosen["name"]]
                if chosen
                else pick_part(kind, f"{key}.{kind}.{modality}.{method.family}", members, default)
            )
            st.caption(cls.summary())
            drawing = st.container()
            chosen |= {k.name: elsewhere[kind][k.name] for k in knobs(cls) if k.name in elsewhere.get(kind, {})}
            out[kind] = {"name": cls.name, **chosen, **part_knobs(cls, f"{key}.{kind}", chosen)}
            if kind == "spacing":
                schedule, spacing = (from_dict(k, out[k]) for k in ("schedule", "spacing"))
                drawing.image(schedule_svg(schedule, spacing, shared["steps"]), width=360)
    return out

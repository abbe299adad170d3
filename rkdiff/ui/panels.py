"""The panels a person sets up: what they share, and each one's method with its knobs. Widgets in, experiments out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rkdiff.core.parts import PartError, choices, from_dict, knobs
from rkdiff.experiment import Experiment
from rkdiff.plots.sketch import schedule_svg
from rkdiff.ui.forms import knob_widget, part_knobs, pick_part

#: Methods of the first, second, ... panel on a first visit.
FIRST = ("kernel_diffusion", "network_diffusion", "sliced_wasserstein_flow", "exact")
MOST = 4
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


def shared_form(data: str, prefix: str = "", leave: Collection[str] = ()) -> dict[str, Any]:
    """The knobs that all panels share: the dataset's (but for those to `leave` out) and the experiment's."""
    left, right = st.columns(2)
    with left:
        st.caption("Data")
        values = part_knobs(choices("data")[data], f"{prefix}data", leave)
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
            if k.name in PLANE
        }
    return {"data": {"name": data, **values}, **numbers}


def panel_form(i: int, shared: dict[str, Any]) -> Setup:
    """One panel's method with its knobs; sampler, schedule, guidance and space are one click away."""
    names = list(choices("method"))
    default = FIRST[i] if i < len(FIRST) and FIRST[i] in names else names[0]
    method = pick_part("method", f"method{i}", default=default, label=f"Panel {i + 1}", bind=True)
    try:
        with st.popover("Settings", icon=":material/tune:", width="stretch"), st.container(width=430, height=420, border=False):
            described = settings(f"panel{i}", method, shared)
        return Setup(method.title(), Experiment.from_dict(described))
    except PartError as problem:
        return Setup(method.title(), None, str(problem))


def spaces_for(data: str) -> list[str]:
    """The spaces that can hold a dataset, by name."""
    modality = choices("data")[data].modality  # type: ignore[attr-defined]
    return [n for n, c in choices("space").items() if modality in c.modalities]  # type: ignore[attr-defined]


def settings(key: str, method: Any, shared: dict[str, Any], space: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Tabs with every knob of the method and of what goes with it; returns the experiment as `Experiment.from_dict` reads it.

    `space`: a space that is chosen elsewhere, with the knobs that are shown there; its other knobs are shown here.
    """
    name = shared["data"]["name"]
    modality = choices("data")[name].modality  # type: ignore[attr-defined]
    samplers = [n for n, c in choices("sampler").items() if c.family == method.family]  # type: ignore[attr-defined]
    kinds = {"sampler": (samplers, "heun")}
    if method.family == "diffusion":
        kinds |= {"schedule": (list(choices("schedule")), "karras"), "guidance": (list(choices("guidance")), "none")}
    kinds["space"] = ([space["name"]] if space else spaces_for(name), "")
    first, *tabs = st.tabs(["Method", *(kind.capitalize() for kind in kinds)])
    with first:
        st.caption(method.summary())
        out: dict[str, Any] = {**shared, "method": {"name": method.name, **part_knobs(method, key)}}
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
            out[kind] = {"name": cls.name, **chosen, **part_knobs(cls, f"{key}.{kind}", chosen)}
            if kind == "schedule":
                drawing.image(schedule_svg(from_dict(kind, out[kind]), shared["steps"]), width=360)
    return out

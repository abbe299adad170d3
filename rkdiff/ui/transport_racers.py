"""The racers of the Transport page: two to four methods from the same start, each with the few knobs that decide its race in sight.

In sight: how many steps it takes and what that costs in calls of its model, its entropy where it has one, and how long it flows where
it can be stopped early. Everything else is one click away. All racers live in one space, so they begin at the same particles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import streamlit as st

from rkdiff.core.parts import Knob, PartError, choices, knobs, make
from rkdiff.experiment import Experiment, samplers_for
from rkdiff.ui.forms import first, knob_widget, ladder_widget, now, part_knobs, pick_part
from rkdiff.ui.panels import (
    STRUCTURED_DEFAULTS,
    Setup,
    part_firsts,
    settings,
    settings_firsts,
    shared_firsts,
    shared_form,
    spaces_for,
)
from rkdiff.ui.session import Desk

FEWEST, MOST = 2, 4
#: Racers on a first visit: particles that move together, the same flow learned, a diffusion; the fourth is what "Add" brings.
FIRST = ("sliced_wasserstein_flow", "learned_sliced_flow", "exact", "flow_matching")
#: Who runs in the place of a racer that this program does not have.
INSTEAD = ("flow_matching", "kernel_diffusion", "exact")
#: The sampler whose calls are a knob of its own: its steps are only frames.
JUMPS = "flow_map"
#: Numbers of steps and calls that are offered.
LADDER = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 30, 40, 60, 100, 200)
#: How many racers a first visit has.
USUAL = 3
#: Knobs in sight, by what they mean: what they are called here and what their ends do.
IN_SIGHT = {
    "coupling": ("Coupling", "Partners that are near make **straighter** paths, and are not optimal transport of the laws."),
    "entropy": ("Entropy", "0 is the plain flow; more keeps particles **off** the training points and **blurs** the end."),
    "sigma": (
        "Entropy",
        "Noise of the bridge: little is nearly **optimal transport**, much **forgets** where a particle began.",
    ),
    "tau_max": ("Flow until τ", "Stop early for a **smoother** law, late to come closer to the **training points**."),
}


def names() -> list[str]:
    """Methods that can race, transports first."""
    return sorted(choices("method"), key=lambda n: choices("method")[n].family != "transport")  # type: ignore[attr-defined]


@cache
def firsts() -> tuple[str, ...]:
    """The racers of a first visit that this program has, each once."""
    there, out = choices("method"), []
    for name in (*FIRST, *INSTEAD, *there):
        if name in there and name not in out:
            out.append(name)
    return tuple(out[:MOST])


def usual_steps() -> int:
    """Steps of a racer before anybody touched them."""
    return int(_knob("steps").default)


def _knob(name: str) -> Knob:
    return next(k for k in knobs(Experiment) if k.name == name)


def shared_settings(desk: Desk, data: str) -> dict[str, Any]:
    """Dataset, sampling and space: what all racers share."""
    out = shared_form(data, prefix=desk.key(""), without=("steps",))
    modality = choices("data")[data].modality  # type: ignore[attr-defined]
    listed = spaces_for(data)
    if modality == "points":
        return out | {"space": {"name": listed[0]}}
    st.caption("Space, for every racer")
    cls = pick_part("space", desk.key(f"space.{modality}"), listed, listed[0])
    return out | {"space": {"name": cls.name, **part_knobs(cls, desk.key("space"))}}


def racers(desk: Desk, shared: dict[str, Any]) -> list[Setup]:
    """One column a racer, and the buttons that add and remove one."""
    count = desk.remember("racers", lambda: first(desk.key("racers"), USUAL))
    room = count < MOST
    columns = st.columns([4] * count + [1.3] * room, gap="medium")
    out = []
    for i in range(count):
        with columns[i].container(key=f"racer{i}_of_{count}"):
            out.append(racer(desk, i, shared))
            if out[-1].problem:
                st.error(out[-1].problem)
    with columns[-1].container(key="racer_buttons"):
        if room:
            st.button(
                "Add", icon=":material/add:", key=desk.key("add"), on_click=_count, args=(desk, count + 1), width="stretch",
                help=f"one more racer, at most {MOST}",
            )  # fmt: skip
        if count > FEWEST:
            st.button(
                "Remove", icon=":material/remove:", key=desk.key("remove"), on_click=_count, args=(desk, count - 1),
                width="stretch", help="the last racer leaves",
            )  # fmt: skip
    return out


def _count(desk: Desk, count: int) -> None:
    desk.put(racers=min(MOST, max(FEWEST, count)))


def racer(desk: Desk, i: int, shared: dict[str, Any]) -> Setup:
    """One racer: its method, what is in sight, and the rest behind a button."""
    key = desk.key(f"panel{i}")
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"racer_head{i}"):
        method: Any = pick_part("method", desk.key(f"racer{i}"), names(), firsts()[i], label=f"Racer {i + 1}")
        more = st.popover("", icon=":material/tune:", help=f"every knob of racer {i + 1}")
    seen = shown(method, key)
    wide = [1, *(2 if k.options else 1 for k in seen)]
    row = st.columns([*wide, *[1] * max(0, 3 - sum(wide))], gap="small")  # steps are as wide for everyone
    values = {}
    for column, k in zip(row[1:], seen, strict=False):
        with column:
            values[k.name] = _widget(k, f"{key}.{method.name}.{k.name}")
    try:
        jumps = sampler_now(method, key, values, shared["data"]["name"]) == JUMPS
        with row[0]:
            steps, calls = (usual_steps(), _calls(key)) if jumps else (_steps(method.name, key), {})
        with more, st.container(width=430, height=420, border=False):
            described = settings(key, method, shared | {"steps": steps}, seen={"method": values, "sampler": calls})
        made = Experiment.from_dict(described)
    except PartError as problem:
        return Setup(method.title(), None, str(problem))
    count = calls_of(made)
    st.caption(f"{count} model call{'s' * (count != 1)}" if count else "calls are counted when it has run")
    return Setup(method.title(), made)


def sampler_now(method: Any, key: str, values: Mapping[str, Any], data: str) -> str:
    """The sampler that a racer's form will choose in this run of the page.

    Raises:
        PartError: knobs of the method that cannot go together.
    """
    if method.family != "transport":
        return ""
    said = now(method, {k.name: f"{key}.{method.name}.{k.name}" for k in knobs(method)}) | dict(values)
    relevant = {k.name: said[k.name] if k.matters(said) else k.default for k in knobs(method)}
    fit = samplers_for(make("method", method.name, **relevant))
    at = f"{key}.sampler.{choices('data')[data].modality}.{method.family}"  # type: ignore[attr-defined]
    chosen = st.session_state.get(at, first(at, fit[0]))
    return str(chosen) if chosen in fit else fit[0]


def shown(method: Any, key: str) -> list[Knob]:
    """The knobs of a method that are in sight here and matter beside the others."""
    if method.family != "transport":
        return []
    values = now(method, {k.name: f"{key}.{method.name}.{k.name}" for k in knobs(method)})
    return [
        k
        for name in IN_SIGHT
        for k in knobs(method)
        if k.name == name and k.matters(values) and _works(method.name, name, values)
    ]


def _works(method: str, name: str, values: Mapping[str, Any]) -> bool:
    """Whether a knob in sight does anything where its declaration cannot say so: it needs one of two others."""
    if (method, name) == ("flow_matching", "sigma"):
        return values["interpolant"] in ("encoding_decoding", "brownian") or values["coupling"] == "sinkhorn"
    return True


def _widget(k: Knob, key: str) -> Any:
    label, ends = IN_SIGHT[k.name]
    told = replace(k, label=label, help=f"{k.help[:1].upper()}{k.help[1:]}. {ends}")
    return ladder_widget(told, key) if k.log else knob_widget(told, key)


def _steps(method: str, key: str) -> int:
    at, k = f"{key}.steps.{method}", _knob("steps")
    begin = int(first(at, usual_steps()))
    return int(st.select_slider("Steps", sorted({*LADDER, begin}), begin, key=at, help=f"{k.help}; fewer are cheaper"))


def _calls(key: str) -> dict[str, int]:
    k = next(k for k in knobs(choices("sampler")[JUMPS]) if k.name == "calls")
    at = f"{key}.sampler.{JUMPS}.calls"
    begin = int(first(at, k.default))
    listed = sorted({v for v in LADDER if v <= (k.high or 0)} | {begin})
    return {"calls": int(st.select_slider("Calls", listed, begin, key=at, help=k.help))}


def calls_of(e: Experiment) -> int:
    """Evaluations of the model that a racer will make: 0 where that cannot be told beforehand."""
    steps, name = e.steps, e.sampler.name  # type: ignore[union-attr]
    if name == JUMPS:
        return int(e.sampler.calls)  # type: ignore[union-attr]
    if e.guidance is not None and e.guidance.name != "none":
        return 0
    each = {
        "transport_euler": steps, "exponential_euler": steps,  "transport_heun": 2 * steps,
        "ddim": steps, "euler_maruyama": steps, "dpm_solver_2m": steps, "heun": 2 * steps - 1,
    }  # fmt: skip
    return each.get(name, 0)


# -- what an address and kept runs say --


def from_runs(desk: Desk, runs: Sequence[Experiment]) -> dict[str, Any]:
    """First values of this page's widgets, by key, with which Run repeats these experiments."""
    e = runs[0]
    assert e.space is not None
    out = {
        **shared_firsts(e, desk.key("")),
        desk.key(f"space.{e.data.modality}"): e.space.name,
        **part_firsts(e.space, desk.key("space")),
        desk.key("racers"): min(MOST, max(FEWEST, len(runs))),
    }
    for i, one in enumerate(runs[:MOST]):
        key = desk.key(f"panel{i}")
        out |= {
            desk.key(f"racer{i}"): one.method.name,
            f"{key}.steps.{one.method.name}": one.steps,
            **settings_firsts(one, key),
        }
    return out


def from_words(desk: Desk, words: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The same from the entries of an address: how many racers, and who; and what there is not."""
    out: dict[str, Any] = {}
    bad = []
    for i in range(MOST):
        text = words.get(f"racer{i}")
        if text in choices("method"):
            out[desk.key(f"racer{i}")] = text
        elif text is not None:
            bad.append(f"racer{i}={text[:40]}")
    count = words.get("racers", str(USUAL))
    if count in map(str, range(FEWEST, MOST + 1)):
        out[desk.key("racers")] = int(count)
    else:
        bad.append(f"racers={count[:40]}")
    return out, bad


@cache
def untouched(data: str) -> list[str]:
    """Keys of the experiments that the form asks for before anybody touched it: what the shipped race was made with."""
    return [e.key for e in first_race(data)]


def first_race(data: str) -> list[Experiment]:
    """The race of a first visit on a dataset."""
    structured = choices("data")[data].modality != "points"  # type: ignore[attr-defined]
    own = STRUCTURED_DEFAULTS if structured else {}
    chosen = firsts()[:USUAL]
    return [Experiment.from_dict({"data": {"name": data}, "method": {"name": m}, **own}) for m in chosen]

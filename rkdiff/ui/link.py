"""A page's address: what it says when the page is opened, and what is written there afterwards.

    data = opened(desk, names, "two_moons", from_runs, from_words)
    write_address(desk, data=data)

Read once, on a page's first run in a session; afterwards the runs on the stage fill the form anew where one comes back from another page.
Runs that it names are put on the stage and fill the form: the first value of every widget is
the one that made them, so Train repeats them. Whatever it names that does not exist is told in one line and replaced by the default.
The address is written without a new entry in the browser's history: Back leads to the page before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from rkdiff.core.parts import shown
from rkdiff.experiment import Experiment
from rkdiff.store import DamagedRun
from rkdiff.ui.forms import first, put_firsts
from rkdiff.ui.session import Desk, kept, store

MOST_RUNS = 4
DIRECTIONS = {"backward": "Generate", "forward": "Noise", "both": "Both"}

JS = """
export default function({data}) {
  const query = new URLSearchParams(data.entries);
  for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith('embed')) query.append(name, value);
  const to = location.pathname + (query.size ? '?' + query : '') + location.hash;
  if (to !== location.pathname + location.search + location.hash) history.replaceState(history.state, '', to);
}
"""
_address = st.components.v2.component("rkdiff_address", html="<span></span>", js=JS)

#: Widgets' first values by key, and what could not be read.
Reading = tuple[dict[str, Any], list[str]]


def opened(
    desk: Desk,
    names: Sequence[str],
    default: str,
    from_runs: Callable[[Sequence[Experiment]], dict[str, Any]],
    from_words: Callable[[str, Mapping[str, str]], Reading],
) -> str:
    """Read the address, once; returns the name of the dataset that is shown.

    Args:
        names: datasets of this page, `default` among them.
        from_runs: first values of the widgets, by key, with which the page asks for these experiments.
        from_words: the same from a dataset's name and the entries of an address, and the entries that cannot be.
    """
    if desk.get("opened") is None:
        words = {k: v for k, v in st.query_params.items() if isinstance(v, str)}
        runs, bad = named_runs(words.get("runs", ""))
        if runs and runs[0].data.name not in names:
            runs, bad = [], [*bad, f"runs of {runs[0].data.name}"]
        bad += [f"data={shown(words['data'])}"] if words.get("data", default) not in names else []
        bad += [f"direction={shown(words['direction'])}"] if words.get("direction", "both") not in DIRECTIONS else []
        data = runs[0].data.name if runs else next(n for n in (words.get("data", ""), default, *names) if n in names)
        firsts, worse = from_words(data, words)
        put_firsts({desk.key("direction"): words["direction"]} if words.get("direction") in DIRECTIONS else {})
        put_firsts(from_runs(runs) if runs else firsts)
        desk.put(opened=True, notes=[*bad, *([] if runs else worse)])
        desk.remember("shown", lambda: [r.key for r in runs])
        desk.remember("data", lambda: data)
    elif desk.shown and desk.key("direction") not in st.session_state:  # back from another page: its widgets are new
        runs, _ = named_runs(",".join(desk.shown))
        put_firsts(from_runs(runs) if runs else {})
    return str(desk.get("data"))


def named_runs(text: str) -> tuple[list[Experiment], list[str]]:
    """The experiments of the kept runs that an address names, and what it names in vain."""
    out, bad = [], []
    for key in [k for k in text.split(",") if k][:MOST_RUNS]:
        try:
            out.append(kept(key).experiment if store().has(key) else None)
        except (ValueError, LookupError, OSError, DamagedRun):
            out.append(None)
        bad += [f"run {shown(key)}"] if out[-1] is None else []
    return [e for e in out if e is not None], bad


def told(desk: Desk) -> None:
    """One line on what the address named in vain."""
    notes = desk.get("notes", [])
    if notes:
        more = f" and {len(notes) - 3} more" if len(notes) > 3 else ""
        words = ", ".join(n.replace("`", "'") for n in notes[:3]) + more
        st.caption(f":material/link_off: The link names what is not here: `{words[:200]}`. Defaults stand in for it.")


def direction_of(desk: Desk) -> str:
    """The choice of a direction of play."""
    key = desk.key("direction")
    return st.segmented_control(
        "Direction", list(DIRECTIONS), default=str(first(key, "backward")), required=True, key=key,
        label_visibility="collapsed", format_func=lambda d: DIRECTIONS[d],
        help="**Generate**: from noise to data. **Noise**: the process that turns data into noise. **Both**: there and back.",
    )  # fmt: skip


def write_address(desk: Desk, direction: str, **entries: str | None) -> None:
    """What a link needs to bring this page back: its entries (None is left out), the direction and the runs on its stage."""
    playing = None if direction == "backward" else direction
    every = {**entries, "direction": playing, "runs": ",".join(desk.shown) or None}
    desk.put(address={name: value for name, value in every.items() if value is not None})
    with st.container(key=desk.key("address_line").replace(".", "_")):
        _address(data={"entries": desk.get("address")}, key=desk.key("address_writer"))

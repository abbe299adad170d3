"""Measurements that take the worker seconds: a button, progress with Stop, and the record that came of it.

    record = measured(desk, "split", payload, "Split the error")

A record is kept by what was asked, for the whole server: the same question is answered once. What stands there for other settings is not
shown as an answer. While a measurement goes on for settings that have changed since, the page says so, and the button starts it anew in
the place of the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from rkdiff.core.parts import digest
from rkdiff.jobs import JobStatus
from rkdiff.ui.live import POLL
from rkdiff.ui.plain import plain
from rkdiff.ui.schedule_data import keep, memory
from rkdiff.ui.session import Desk, jobs


def measured(
    desk: Desk,
    kind: str,
    payload: Mapping[str, Any],
    label: str,
    *,
    help: str = "",
    icon: str = "play_arrow",
    at_once: bool = False,
    command: str | None = None,
    files: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """The result of a job of this kind, or None while there is none; draws the button, the progress and what went wrong.

    `at_once`: what was not asked before is asked without the button. `command`: with a result come its record as JSON and the command that
    measures the same in a terminal ("" where there is none); None offers neither. `files`: what the command reads, as CSV by file name.
    """
    key = (kind, digest(payload))
    found = memory().get(key)
    if found is not None:
        if command is not None:
            _taken_home(desk, kind, found, command, files)
        return found
    if at_once and desk.get(f"{kind}_key") != key:
        _ask(desk, kind, payload, key)
    under_way = bool(desk.get(f"{kind}_job"))
    if under_way:
        _running(desk, kind)
        if desk.get(f"{kind}_key") == key:
            return None
        st.caption("This measures the settings as they were. The button stops it and measures them as they are.")
    st.button(  # by a callback: samples that arrive at this moment run the page again and would swallow the click
        label, icon=f":material/{icon}:", type="primary", key=desk.key(kind), help=help or None,
        on_click=_ask, args=(desk, kind, payload, key),
    )  # fmt: skip
    if desk.get(f"{kind}_problem") and not under_way:
        st.error(plain(desk.get(f"{kind}_problem")))
    return None


def _taken_home(desk: Desk, kind: str, found: Any, command: str, files: Mapping[str, str]) -> None:
    """The record of a measurement, and how to measure the same elsewhere."""
    with st.popover("Save and repeat", icon=":material/download:"):
        st.download_button(
            "Measured record (JSON)", lambda: json.dumps(found, indent=2), f"{kind}.json", "application/json",
            key=desk.key(f"save_{kind}"), on_click="ignore",
        )  # fmt: skip
        for name, text in files.items():
            st.download_button(name, text, name, "text/csv", key=desk.key(f"save_{kind}_{name}"), on_click="ignore")
        if command:
            st.caption("The same from a terminal:")
            st.code(command, language="bash", wrap_lines=True)
        else:
            st.caption("The terminal has no flags for these settings; the record above holds what was measured.")


def _ask(desk: Desk, kind: str, payload: Mapping[str, Any], key: tuple[str, str]) -> None:
    job = jobs().submit(payload, f"{desk.owner}-{kind}", kind, kind=kind)  # the same slot: it replaces the older one
    desk.put(**{f"{kind}_job": job, f"{kind}_key": key, f"{kind}_problem": ""})


@st.fragment(run_every=POLL)
def _running(desk: Desk, kind: str) -> None:
    job = str(desk.get(f"{kind}_job") or "")
    if not job:  # stopped a moment ago
        st.rerun()
    jobs().touch(f"{desk.owner}-{kind}")
    status = jobs().status(job)
    if status is None or not status.live:
        desk.put(**{f"{kind}_job": ""})
        if status is not None and status.state == "done":
            keep(desk.get(f"{kind}_key"), dict(status.result))
        elif status is None or status.state == "failed":
            desk.put(**{f"{kind}_problem": status.message if status else "the job is not known any more; run it again"})
        st.rerun()
    bar, button = st.columns([4, 1], vertical_alignment="center")
    bar.progress(status.fraction, text=progress_of(status))
    button.button(
        "Stop", on_click=_stop, args=(desk, kind), icon=":material/stop:", width="stretch", key=desk.key(f"stop_{kind}")
    )


def progress_of(status: JobStatus) -> str:
    """What a measurement does now. Several stages follow each other, so the time that one of them needs is not the time to wait."""
    if status.state == "queued":
        return "the worker is warming up" if "warming" in status.message else "waits for another measurement"
    if not status.total:
        return f"{status.stage or 'beginning'} …"
    return f"{status.stage} · {100 * status.fraction:.0f} %"


def _stop(desk: Desk, kind: str) -> None:
    jobs().cancel(str(desk.get(f"{kind}_job")))
    desk.put(**{f"{kind}_job": ""}, toast="Stopped. Nothing of it was kept.")

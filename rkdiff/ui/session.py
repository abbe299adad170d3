"""What a server and a session keep: one job manager and one store for all, a name and a handful of keys for each visitor."""

from __future__ import annotations

import os
import runpy
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from rkdiff.experiment import Run
from rkdiff.jobs import Jobs
from rkdiff.store import Store

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"


#: As much air above the page as its navigation needs, and toolbars that wrap instead of breaking out on a phone.
STYLE = """<style>
.stMainBlockContainer{padding-top:4.1rem;padding-bottom:3rem;max-width:1500px}
.stMain h1{font-size:1.35rem;font-weight:650;padding:0;letter-spacing:-.01em}
.st-key-head{row-gap:.2rem}
.st-key-head .stMarkdown p{margin:0;opacity:.72;font-size:.92rem}
@media (max-width:640px){.stMainBlockContainer{padding:3.6rem .9rem 2rem}.st-key-head .stMarkdown{display:none}}
</style>"""


def through_app() -> None:
    """Let the entry run first: to a server that has just started, Streamlit takes a link into a page for that page's file alone."""
    if "entered" not in st.session_state:
        runpy.run_path(str(ROOT / "app.py"))
        st.stop()


def page_icon() -> str:
    """The favicon, from disk: nothing is fetched."""
    return str(ASSETS / "icon.png")


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The folder of kept runs."""
    return Store(os.environ.get("RKDIFF_STORE"))


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The one manager of training jobs, with its warm worker; made when the first page has been drawn."""
    return Jobs(store().root)


@st.cache_resource(show_spinner=False, max_entries=32)
def kept(key: str) -> Run:
    """A run from the store, read once."""
    return store().load(key)


def visitor() -> str:
    """A random name for this visitor's session: two tabs are two visitors."""
    if "visitor" not in st.session_state:
        st.session_state.visitor = secrets.token_hex(8)
    return str(st.session_state.visitor)


@dataclass(frozen=True)
class Desk:
    """One page's drawer of the session: what is shown, asked for and wrong there, apart from every other page's.

    desk = Desk("playground")
    desk.remember("shown", first_shown)
    desk.put(tickets=[])
    """

    name: str

    def key(self, name: str) -> str:
        """The session's key of one of this page's values or widgets."""
        return f"{self.name}.{name}"

    @property
    def owner(self) -> str:
        """Whose jobs these are: this visitor's, on this page."""
        return f"{visitor()}-{self.name}"

    def get(self, name: str, default: Any = None) -> Any:
        """A value, or the default while there is none."""
        return st.session_state.get(self.key(name), default)

    def put(self, **values: Any) -> None:
        """Set values."""
        for name, value in values.items():
            st.session_state[self.key(name)] = value

    def pop(self, name: str, default: Any = None) -> Any:
        """Take a value out."""
        return st.session_state.pop(self.key(name), default)

    def remember(self, name: str, first: Callable[[], Any]) -> Any:
        """A value that exists from the first run on; `first` makes it, once."""
        if self.key(name) not in st.session_state:
            self.put(**{name: first()})
        return self.get(name)

    @property
    def shown(self) -> list[str]:
        """Keys of the runs on this page's stage."""
        return list(self.get("shown", []))


def first_data(names: Sequence[str], default: str) -> str:
    """The dataset a visit starts with: the one in the address, else the default (else the first)."""
    wanted = st.query_params.get("data", "")
    return next(n for n in (wanted, default, *names) if n in names)


def first_panels() -> int:
    """How many panels a visit starts with: the number in the address, else two."""
    wanted = st.query_params.get("panels", "")
    return int(wanted) if wanted in ("1", "2", "3", "4") else 2


def first_shown() -> list[str]:
    """The runs named in the address that the store holds: a link or a reload brings a picture back."""
    out = []
    for key in st.query_params.get("runs", "").split(",")[:4]:
        with suppress(ValueError):
            out += [key] if store().has(key) else []
    return out


def write_address(desk: Desk, **entries: str | None) -> None:
    """What a link needs to bring this page back: its entries (None takes one out) and the runs on its stage."""
    for name, value in {**entries, "runs": ",".join(desk.shown) or None}.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def badge(slot: Any) -> None:
    """Where the training runs: CPU or the GPU's name; called last, because it is what starts the worker."""
    with slot.container():
        _badge()


@st.fragment(run_every=1.5)
def _poll_badge() -> None:
    if jobs().device:
        st.rerun()
    st.badge("worker is warming up", icon=":material/memory:", color="gray")


def _badge() -> None:
    device = jobs().device
    if not device:
        _poll_badge()
        return
    st.badge(
        device["name"],
        icon=":material/memory:",
        color="gray" if device["device"] == "cpu" else "green",
        help="training and sampling run in a process of their own on this device",
    )

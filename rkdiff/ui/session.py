"""What a server and a session keep: one job manager and one store for all, a name and a handful of keys for each visitor."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from rkdiff.core.parts import choices
from rkdiff.experiment import Run
from rkdiff.jobs import Jobs
from rkdiff.store import Store

ASSETS = Path(__file__).resolve().parents[2] / "assets"


#: Less air above the page, and toolbars that wrap instead of breaking out on a phone.
STYLE = """<style>
.stMainBlockContainer{padding-top:2.2rem;padding-bottom:3rem;max-width:1500px}
.stMain h1{font-size:1.35rem;font-weight:650;padding:0;letter-spacing:-.01em}
.st-key-head{row-gap:.2rem}
.st-key-head .stMarkdown p{margin:0;opacity:.72;font-size:.92rem}
@media (max-width:640px){.stMainBlockContainer{padding:1.6rem .9rem 2rem}.st-key-head .stMarkdown{display:none}}
</style>"""


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


def owner() -> str:
    """A random name for this visitor's session: jobs belong to it, and two tabs are two owners."""
    if "owner" not in st.session_state:
        st.session_state.owner = secrets.token_hex(8)
    return str(st.session_state.owner)


def remember(name: str, first: Callable[[], Any]) -> Any:
    """A session value that exists from the first run on; `first` makes it, once."""
    if name not in st.session_state:
        st.session_state[name] = first()
    return st.session_state[name]


def first_data() -> str:
    """The dataset a visit starts with: the one in the address, else two moons."""
    wanted = st.query_params.get("data", "")
    return wanted if wanted in choices("data") else "two_moons"


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

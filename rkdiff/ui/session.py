"""What a server and a session keep: one job manager and one store for all, a name and a handful of keys for each visitor."""

from __future__ import annotations

import os
import runpy
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from rkdiff.experiment import Run
from rkdiff.jobs import Jobs
from rkdiff.store import Store

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"


#: As much air above the page as its navigation needs, and toolbars that wrap instead of breaking out on a phone. Controls are one row
#: above the stage; on a phone they come below it, two in a row.
STYLE = """<style>
.stMainBlockContainer{padding-top:3.9rem;padding-bottom:3rem;max-width:1500px}
.stMainBlockContainer>.stVerticalBlock,.st-key-desk{row-gap:.3rem}
.stMain h1{font-size:1.35rem;font-weight:650;padding:0;letter-spacing:-.01em}
[class*="_address_line"],div:has(> [class*="_address_line"]){display:none}
.st-key-controls [data-testid="stHorizontalBlock"]{column-gap:1.1rem;row-gap:.3rem}
.st-key-controls [data-testid="stColumn"]{min-width:0}
.st-key-controls [data-testid="stWidgetLabel"] p{font-size:.8rem;white-space:nowrap}
.st-key-bar{row-gap:.3rem}
.st-key-bar [data-testid="stCaptionContainer"]{margin-bottom:0}
.st-key-bar [data-testid="stCaptionContainer"] p{margin:0}
@media (min-width:641px){.stAppHeader{height:2.9rem;min-height:2.9rem}.stMainBlockContainer{padding-top:2.95rem}}
@media (max-width:640px){
.st-key-controls [data-testid="stColumn"]{min-width:calc(50% - 1.1rem);flex:1 1 40%}
.st-key-controls,div:has(> .st-key-controls){order:1}
.stMainBlockContainer{padding:3.6rem .9rem 2rem}}
</style>"""

#: The laboratory of schedules has more in its bar than the others: on a phone it is two rows, the page's own controls first, undo and redo
#: as icons, and what a figure's tool bar would cover stays free.
LABORATORY = """<style>
.st-key-stage_row{padding-top:.1rem}
@media (max-width:640px){
.stMainBlockContainer{padding-top:4rem}
.st-key-bar{column-gap:.4rem;row-gap:.4rem}
.st-key-bar>:first-child{flex:1 1 auto}
.st-key-bar kbd,.st-key-bar [data-testid="stPopoverButton"] [aria-hidden="true"]:has(>span>[data-testid="stIconMaterial"]),
.st-key-bar [data-testid="stMenuButtonButton"] [aria-hidden="true"]:has(>span>[data-testid="stIconMaterial"]){display:none}
.st-key-schedules-undo [data-testid="stMarkdownContainer"],.st-key-schedules-redo [data-testid="stMarkdownContainer"]
{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.st-key-bar button{padding-left:.6rem;padding-right:.75rem}
.st-key-schedules-data_chip{order:1}.st-key-schedules-undo{order:2}.st-key-schedules-redo{order:3}
.st-key-bar>:first-child{order:0}
.st-key-schedules-add{order:4}[class*="st-key-schedules-import"]{order:5}.st-key-schedules-export{order:6}
.st-key-bar>[data-testid="stLayoutWrapper"]:last-child{order:7;width:auto;flex:0 1 3.5rem;min-width:0;overflow:hidden;white-space:nowrap}}
@media (max-width:640px),(pointer:coarse){[class*="st-key-schedules-chart"] .modebar-container{display:none}}
</style>"""

#: The race has one column a racer: its picker and its button share a line, its sliders the next; on a phone the racers follow each other.
TRANSPORT = """<style>
[class*="st-key-racer"] [data-testid="stColumn"]{min-width:0}
[class*="st-key-racer"] [data-testid="stWidgetLabel"] p{font-size:.8rem;white-space:nowrap}
[class*="st-key-racer_head"]{column-gap:.4rem;flex-wrap:nowrap}
[class*="st-key-racer_head"]>:first-child{flex:1 1 auto;min-width:0}
.st-key-racer_buttons{padding-top:1.6rem}
.st-key-racer_buttons button{padding-left:.4rem;padding-right:.6rem;white-space:nowrap}
@media (max-width:640px),(pointer:coarse){[class*="st-key-transport-chart"] .modebar-container{display:none}}
[class*="st-key-racer"]>.stVerticalBlock,[class*="st-key-racer"]{row-gap:.25rem}
@media (max-width:640px){
[class*="st-key-racer"] [data-testid="stHorizontalBlock"]{flex-wrap:nowrap}
.st-key-racer_buttons{padding-top:0;flex-direction:row}
}
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
    desk.remember("tab", lambda: "Quality")
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

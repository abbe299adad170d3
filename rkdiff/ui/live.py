"""What is on the stage: a shipped scene at first, snapshots while jobs run, the kept runs afterwards."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import choices, from_dict
from rkdiff.core.records import Density, Panel, Scene, Trajectory
from rkdiff.core.rng import Rng
from rkdiff.experiment import Experiment, Run
from rkdiff.jobs import SLOTS, JobStatus
from rkdiff.metrics.density import density
from rkdiff.picture import square
from rkdiff.player.scene import first_panels, pack
from rkdiff.scenes import axes_of, panel_hues, scene_of
from rkdiff.spaces.points import Points
from rkdiff.store import DamagedRun
from rkdiff.ui.session import ASSETS, Desk, jobs, kept, store
from rkdiff.ui.stage import stage

FRAMES = 100
#: The method that is a map from any moment to any later one.
LEARNED = "learned_sliced_flow"
POLL = 0.6  # seconds
MOST_BARS = 4
#: Particles that a snapshot of a training run shows at most.
SNAPSHOT = 500
GONE = JobStatus("", "", "", "failed", message="the job is not known any more; run it again")


@dataclass(frozen=True)
class Ticket:
    """A panel's job: what was asked, and under which number once it was handed in."""

    title: str
    experiment: Experiment
    job: str = ""


@st.cache_data(show_spinner=False, max_entries=32)
def packed(keys: tuple[str, ...], direction: str, race: bool = False) -> bytes:
    """The scene of kept runs, as the player reads it; a race shows the slices of its flows and takes clouds where a flow carries them."""
    runs = [kept(k) for k in keys]
    scene = scene_of(runs, direction, slices=race, drawing=race and any(map(carries, runs)))
    return pack(scene, FRAMES, run="|".join((*keys, direction)))


def carries(run: Run) -> bool:
    """Whether a run can carry on a cloud that a person drew: it learned a flow of points in the plane."""
    return run.experiment.method.name == LEARNED and run.experiment.data.modality == "points"


@st.cache_data(show_spinner=False, max_entries=32)
def shipped(data: str, control: bool = True) -> bytes | None:
    """The scene that ships for a dataset: shown until a person trains something.

    `control`: with the panel that stands beside the method on structured data, too.
    """
    path = ASSETS / "scenes" / f"{data}.rkscene"
    if not path.exists():
        return None
    alone = not control and choices("data")[data].modality != "points"  # type: ignore[attr-defined]
    return first_panels(path.read_bytes(), 1) if alone else path.read_bytes()


@st.cache_data(show_spinner=False, max_entries=16)
def backdrop(data: str, seed: int) -> tuple[np.ndarray, Density] | None:
    """Training points and density of a plane dataset, made here because that costs milliseconds; None for structured data.

    `data`: the source as JSON, so that the cache sees a text.
    """
    source = from_dict("data", json.loads(data))
    if source.modality != "points":
        return None
    dataset = source.make(Rng(seed).child("data"))
    points = Points().fit(dataset, Rng(seed).child("space")).encode(dataset.train)
    view = square(points)
    return points[:1500], Density(density(points, view), view)


def start(desk: Desk, experiments: list[tuple[str, Experiment]], keep: list[str] | None = None) -> None:
    """Hand every experiment to the worker; a newer start replaces an older one. `keep`: runs that stay on the stage."""
    jobs().cancel_owner(desk.owner)
    desk.put(tickets=_handed_in(desk, [Ticket(title, e) for title, e in experiments]), keep=keep, notes=[])
    if keep is None:
        desk.put(shown=[])


def _handed_in(desk: Desk, tickets: list[Ticket]) -> list[Ticket]:
    """Hand in as many tickets as a session may have under way; the others wait here."""
    out, under_way = [], 0
    for i, ticket in enumerate(tickets):
        if not ticket.job and under_way < SLOTS:
            ticket = replace(ticket, job=jobs().submit(ticket.experiment.to_dict(), desk.owner, slot=i))
        under_way += bool(ticket.job) and _status(desk, ticket).live
        out.append(ticket)
    return out


def _status(desk: Desk, ticket: Ticket) -> JobStatus:
    """How a ticket stands; one that was not handed in yet waits."""
    return (jobs().status(ticket.job) or GONE) if ticket.job else JobStatus("", desk.owner, "")


def stop(desk: Desk) -> None:
    """Cancel everything this page has asked for."""
    desk.put(tickets=[t for t in desk.get("tickets", []) if t.job])
    jobs().cancel_owner(desk.owner)
    patience = time.monotonic() + 0.5  # cancelling takes milliseconds: the page that follows should show it
    while any(s.live for s in jobs().of(desk.owner)) and time.monotonic() < patience:
        time.sleep(0.01)


def live(desk: Desk) -> bool:
    """Whether a run of this page is waiting or under way."""
    return bool(desk.get("tickets"))


def changed(desk: Desk, hint: Any, words: str, asked: list[str], untouched: list[str], press: str = "Train") -> None:
    """Say in the place of `hint` that what is asked for is not what is on the stage; `words` stand there otherwise.

    `untouched`: what the form asks for before anybody touched it, which is what the shipped scenes were made with. `press`: the button.
    """
    if not live(desk) and asked != (desk.shown or untouched):
        words = f":material/info: The settings have changed since: press {press} to see what they do."
    hint.caption(words, width="stretch")


def stage_area(desk: Desk, data: str, direction: str) -> None:
    """The stage with, while something trains, its progress and a Stop."""

    @st.fragment(run_every=POLL if live(desk) else None)
    def area() -> None:
        tickets: list[Ticket] = desk.get("tickets", [])
        if not tickets:
            _still(desk, data, direction)
            return
        jobs().touch(desk.owner)
        tickets = _handed_in(desk, tickets)
        desk.put(tickets=tickets)
        statuses = [_status(desk, t) for t in tickets]
        if not any(s.live for s in statuses):
            _finish(desk, tickets, statuses)
            st.rerun()
        if desk.get("keep"):
            _still(desk, data, direction)
        else:
            stage(pack(_snapshots(tickets, statuses), 1, run="live"), key=desk.key("stage"))
        _progress(desk, tickets, statuses)

    area()


def _still(desk: Desk, data: str, direction: str) -> None:
    shown, race = tuple(desk.shown), desk.name == "transport"
    scene = None
    if shown:
        try:
            scene = packed(shown, direction, race)
        except (DamagedRun, LookupError) as problem:
            desk.put(shown=[])
            st.warning(str(problem))
    scene = scene or (shipped(f"transport_{data}") if race else None) or shipped(data, desk.name == "structured")
    if scene is None:
        st.info("Choose a method and press Train.")
        return
    drawn = stage(scene, key=desk.key("stage")).drawn
    mark = None if drawn is None else (drawn.points.tobytes(), drawn.t, drawn.panel)
    if mark != desk.get("drawn_mark"):  # what stands under the stage follows the drawing
        desk.put(drawn=drawn, drawn_mark=mark)
        st.rerun()


def _finish(desk: Desk, tickets: list[Ticket], statuses: list[JobStatus]) -> None:
    """Keep what was done on the stage, and say what was not."""
    if not desk.get("keep"):
        desk.put(shown=[s.key for s in statuses if s.state == "done" and s.key])
    problems = [f"{t.title}: {s.message}" for t, s in zip(tickets, statuses, strict=True) if s.state == "failed"]
    desk.put(problems=problems, stopped=any(s.state == "cancelled" for s in statuses), tickets=[])


def messages(desk: Desk) -> None:
    """What went wrong with the last start, and that it was stopped: said once."""
    for problem in desk.pop("problems", []):
        st.error(problem)
    if desk.pop("stopped", False):
        st.toast("Stopped. Nothing of the stopped panels was kept.")


def _progress(desk: Desk, tickets: list[Ticket], statuses: list[JobStatus]) -> None:
    if len(tickets) > MOST_BARS:
        over = sum(not s.live for s in statuses)
        bars = [(over / len(tickets), f"**{over} of {len(tickets)} runs done**")]
    else:
        bars = [(s.fraction, f"**{t.title}** {progress_text(s)}") for t, s in zip(tickets, statuses, strict=True)]
    columns = st.columns([*[3] * len(bars), 1], vertical_alignment="center")
    for column, (share, text) in zip(columns, bars, strict=False):
        column.progress(share, text=text)
    columns[-1].button(
        "Stop", on_click=stop, args=(desk,), type="primary", width="stretch", icon=":material/stop:", key=desk.key("stop")
    )


def progress_text(s: JobStatus) -> str:
    """One line: stage, count, loss, time left; or the place in the queue."""
    if s.state == "queued":
        return f"waiting, {s.position} in the queue" if s.position else "waiting"
    if not s.live:
        return s.state
    if not s.total:
        return f"{s.stage or 'beginning'} …"
    left = f" · {s.eta_s:.0f} s left" if s.eta_s else ""
    loss = f" · loss {s.values['loss']:.3g}" if "loss" in s.values else ""
    return f"{s.stage} {s.done}/{s.total}{loss}{left}"


def _snapshots(tickets: list[Ticket], statuses: list[JobStatus]) -> Scene:
    """The clouds as they are now: one frame a panel, over the data they are to become."""
    panels, view = [], (-2.8, 2.8, -2.8, 2.8)
    tickets = tickets[:MOST_BARS]
    for ticket, status, hue in zip(tickets, statuses, panel_hues([t.experiment for t in tickets]), strict=False):
        e = ticket.experiment
        behind = backdrop(json.dumps(e.data.to_dict()), e.seed)
        target, truth = behind or (None, None)
        view = truth.extent if truth else view
        waiting = Rng(e.seed).numpy("waiting").standard_normal((min(e.particles, SNAPSHOT), 2))
        cloud = waiting if status.snapshot is None or not len(status.snapshot) else status.snapshot
        still = Trajectory(np.array([1.0]), cloud[None])
        panels.append(Panel(ticket.title, still, hue=hue, density=truth, target=target, notes=(progress_text(status),)))
    source = type(tickets[0].experiment.data)
    return Scene(tuple(panels), view, title=source.title(), axes=axes_of(source.modality))


def over_seeds(run: Run) -> dict[str, Any]:
    """A run's quality, over every kept run that differs from it in the seed alone (looked up again when a run was kept)."""
    return _over_seeds(run.experiment.key, run, store().root.stat().st_mtime_ns)


@st.cache_data(show_spinner=False, max_entries=32)
def _over_seeds(key: str, _run: Run, changed: int) -> dict[str, Any]:
    mine = {k: v for k, v in _run.experiment.to_dict().items() if k != "seed"}
    alike = [s for s in store().list() if {k: v for k, v in s.experiment.items() if k != "seed"} == mine]
    figures = [s.info.get("quality", {}) for s in alike] or [_run.info["quality"]]
    out = {}
    for name, first in _run.info["quality"].items():
        values = np.array([q[name]["value"] for q in figures if name in q])
        if len(values) > 1:
            out[name] = {
                **first,
                "value": float(values.mean()),
                "sd": float(values.std(ddof=1)),
                "over": f"{len(values)} seeds",
            }
        else:
            out[name] = {**first, "over": f"1 seed, {first['starts']} start" + "s" * (first["starts"] != 1)}
    return out

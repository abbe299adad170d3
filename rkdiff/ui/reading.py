"""What one reads under the stage: quality over its floor, loss, cost; and the menu that takes a picture home."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from rkdiff.experiment import Run
from rkdiff.files import figures_json, objects_csv
from rkdiff.scenes import panel_hues, panel_titles, scene_of
from rkdiff.store import DamagedRun
from rkdiff.store.arrays import pack
from rkdiff.ui.live import live, over_seeds, start
from rkdiff.ui.session import Desk, kept

MORE_SEEDS = 4


def shown_runs(desk: Desk) -> list[Run]:
    """The runs on the stage; those that can no longer be read are reported and left out."""
    runs = []
    for key in desk.shown:
        try:
            runs.append(kept(key))
        except (DamagedRun, LookupError, OSError) as problem:
            st.warning(str(problem))
    return runs


def readings(desk: Desk) -> None:
    """Quality, loss and cost of the runs on the stage; nothing while there are none."""
    runs = [] if live(desk) else shown_runs(desk)
    if not runs:
        return
    from rkdiff.plots.loss import loss_figure
    from rkdiff.plots.quality import quality_figure
    from rkdiff.plots.style import CONFIG

    titles, hues = panel_titles(runs), panel_hues([r.experiment for r in runs])
    left, right = st.columns(2, gap="large")
    with left:
        quality = [over_seeds(r) for r in runs]
        first = next(iter(quality[0].values()), None)
        over = first["over"] if first else ""
        st.markdown(f"**Quality** over {over}, beside what fresh true samples score", help=QUALITY_HELP)
        figure = quality_figure(list(zip(titles, hues, quality, strict=True)), over)
        st.plotly_chart(figure, key=desk.key("quality"), config=CONFIG, alt="quality of each panel as a multiple of its floor")
        st.caption(f"Bars: one standard deviation over {over}. Grey: two fresh true samples against each other.")
        if st.button(f"Repeat with {MORE_SEEDS} more seeds", icon=":material/repeat:", key=desk.key("seeds")):
            experiments = [(t, r.experiment) for t, r in zip(titles, runs, strict=True)]
            more = [(t, replace(e, seed=(e.seed + s) % 2**31)) for s in range(1, MORE_SEEDS + 1) for t, e in experiments]
            start(desk, more, keep=[r.experiment.key for r in runs])
            st.rerun()
    with right:
        st.markdown("**Training**")
        figure = loss_figure([(t, h, r.arrays["loss"]) for t, h, r in zip(titles, hues, runs, strict=True)])
        if figure.data:
            st.plotly_chart(figure, key=desk.key("loss"), config=CONFIG, alt="training loss of each panel")
        if any(r.experiment.method.name == "kernel_diffusion" for r in runs):
            st.caption(
                "Kernel diffusion is fitted level by level, from much noise to little: one descent for each model it fits."
            )
        with st.container(key=desk.key("cost").replace(".", "_")):
            st.html(NARROW)
            st.table({t: cost(r) for t, r in zip(titles, runs, strict=True)})


#: On a phone every run keeps its column: cells are small and break their words. What a figure's tool bar would cover stays free.
NARROW = """<style>@media (max-width:640px){[class*="_cost"] table{table-layout:fixed;width:100%}
[class*="_cost"] :is(th,td){padding:.25rem .2rem}
[class*="_cost"] :is(th,td) *{font-size:.75rem;max-width:100%;white-space:normal;overflow-wrap:anywhere!important}
[class*="-quality"] .modebar-container,[class*="-loss"] .modebar-container{display:none}}</style>"""
QUALITY_HELP = """
**sliced W2**: distance between the generated cloud and fresh data; at 1 it is as small as between two fresh sets.
**energy distance**: a second distance that sees other errors.
**memorisation**: distance to the nearest training object over what fresh data have; 0 means copies. Above 1 the samples lie farther from
the training objects than fresh objects do: good for privacy, bad if the spill is large too.
**spill**: how far the outermost 5 % lie from the data, over what fresh data have.

Values below the floor (below 1) are no miracle: an even (Sobol) start and particles that follow the training points spread more evenly than
independent samples do.

The axis is logarithmic. **Repeat with more seeds** turns the spread over starts into one over seeds.
"""


def cost(run: Run) -> dict[str, str]:
    """What a run took, as a small table."""
    seconds, objects = run.info["seconds"], run.info.get("objects", {})
    shares = {"decoded objects": ", ".join(f"{100 * v:.0f} % {k}" for k, v in objects.items())} if objects else {}
    return {
        **shares,
        "trained in": f"{seconds['fit']:.2f} CPU s",
        "sampled in": f"{seconds['sample']:.2f} CPU s",
        "drawn, decoded, measured in": f"{seconds['draw'] + seconds['decode'] + seconds['measure']:.2f} CPU s",
        "model calls": str(run.info["calls"]),
        "on": str(run.info["device_name"]),
        "run": run.experiment.key,
    }


def save_menu(desk: Desk, direction: str) -> None:
    """Take it home: a page that plays anywhere, the experiments as JSON, the arrays."""
    keys = desk.shown
    with st.popover("Save", icon=":material/download:", disabled=not keys or live(desk)):
        if not keys or live(desk):
            return
        runs = shown_runs(desk)
        if not runs:
            return
        experiments = json.dumps([r.experiment.to_dict() for r in runs], indent=2)
        files: list[tuple[str, Any, str, str]] = [
            ("Page that plays offline (HTML)", lambda: html(runs, direction), "rkdiff.html", "text/html"),
            ("Experiments (JSON)", experiments, "experiments.json", "application/json"),
            ("Figures (JSON)", lambda: figures_json(runs), "figures.json", "application/json"),
            ("Arrays of the first panel (NPZ)", lambda: pack(runs[0].arrays), "arrays.npz", "application/octet-stream"),
        ]
        if "samples" in runs[0].arrays:
            files.append(("Decoded objects (CSV)", lambda: objects_csv(runs[0]), "objects.csv", "text/csv"))
        for label, content, name, kind in files:
            st.download_button(label, content, name, kind, key=desk.key(f"save.{name}"), on_click="ignore")
        st.caption("The same from a terminal:")
        st.code(command(keys, direction, os.environ.get("RKDIFF_STORE")), language="bash", wrap_lines=True)


def command(keys: Sequence[str], direction: str, folder: str | None) -> str:
    """How to write the page from a terminal; `folder`: where the app keeps its runs, None for the default."""
    flags = "" if direction == "backward" else f" --direction {direction}"
    return f"python -m rkdiff export {' '.join(keys)} --html scene.html{flags}{in_store(folder)}"


def in_store(folder: str | None) -> str:
    """The flag that names the folder where the app keeps its runs; none for the default."""
    if not folder:
        return ""
    return ' --store "$RKDIFF_STORE"' if Path(folder).is_absolute() else f" --store {shlex.quote(folder)}"


def html(runs: list[Run], direction: str) -> bytes:
    """The scene as one HTML file."""
    from rkdiff.player.html import standalone

    return standalone(scene_of(runs, direction)).encode()

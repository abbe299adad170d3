"""The table of decoders on a page: a button, a job in the worker with progress and Stop, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.experiment import Experiment
from rkdiff.ui.live import POLL, progress_text
from rkdiff.ui.session import Desk, jobs

#: Pixels of a decoder's picture.
SIDE = 120
HELP = """
The same points of H, decoded by every decoder of this space.

**residual**: mean distance ‖φ(y) − ψ(x)‖ in H that is left; lower is a better answer.
**copies**: coordinates of training objects instead of generated ones, where a perfect answer exists: the decoder's own ceiling.

**novel copies**: training objects that it did not find back.
"""


def decoders(desk: Desk, experiment: Experiment | None) -> None:
    """Button, progress, table."""
    running = bool(desk.get("decoders_job"))
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.markdown("**The same points of H, decoded by every decoder**", help=HELP)
    ask = right.button(
        "Compare decoders", icon=":material/compare_arrows:", disabled=running or experiment is None, width="stretch",
        key=desk.key("decoders"),
    )  # fmt: skip
    if ask and experiment is not None:
        job = jobs().submit({"experiment": experiment.to_dict()}, desk.owner, "decoders", kind="decoders")
        desk.put(decoders_job=job, decoders_of=experiment.key, decoders_problem="")
        st.rerun()
    if running:
        _running(desk)
    elif desk.get("decoders_problem"):
        st.error(desk.get("decoders_problem"))
    if desk.get("decoders_table"):
        _table(desk.get("decoders_table"), experiment is not None and desk.get("decoders_table_of") == experiment.key)


@st.fragment(run_every=POLL)
def _running(desk: Desk) -> None:
    jobs().touch(desk.owner)
    status = jobs().status(str(desk.get("decoders_job")))
    if status is None or not status.live:
        desk.put(decoders_job="")
        if status is None or status.state == "failed":
            desk.put(decoders_problem=status.message if status else "the job is not known any more; run it again")
        elif status.state == "done":
            desk.put(decoders_table=dict(status.result), decoders_table_of=desk.get("decoders_of"))
        st.rerun()
    bar, button = st.columns([3, 1], vertical_alignment="center")
    bar.progress(status.fraction, text=progress_text(status))
    button.button("Stop", on_click=_stop, args=(desk,), icon=":material/stop:", width="stretch", key=desk.key("stop_decoders"))


def _stop(desk: Desk) -> None:
    jobs().cancel(str(desk.get("decoders_job")))
    desk.put(decoders_job="")


def _table(table: Mapping[str, Any], fits: bool) -> None:
    """Two rows a decoder, the references under them."""
    rows = [
        {
            "decoder": f"**{row['decoder'].replace('_', ' ')}**",
            **{name: f"{row['generated'][name]:.2f}" for name in ("valid", "novel", "unique")},
            "residual": f"{row['generated']['residual']:.3f}",
            "residual of copies": f"{row['copies']['residual']:.3f}",
            "novel copies": f"{row['copies']['novel']:.2f}",
            "CPU time for each": duration(row["generated"]["seconds"]),
        }
        for row in table["rows"]
        if not row["problem"]
    ]
    _examples(table)
    st.table(rows, hide_index=True)
    for row in table["rows"]:
        if row["problem"]:
            st.caption(f":material/block: **{row['decoder'].replace('_', ' ')}**: {row['problem']}")
    st.caption(
        f"{table['count']} generated points, {table['copies']} of training objects. Nearest training object: residual "
        f"{table['nearest']:.3f} from the generated, {table['nearest_copies']:.3f} from the others."
        + ("" if fits else " The settings have changed since.")
    )


def duration(seconds: float) -> str:
    """A short time in a unit that leaves two digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{seconds / size:.{1 if seconds < 9.95 * size else 0}f} {unit}"
    return ""


def _examples(table: Mapping[str, Any]) -> None:
    """What each decoder makes of the same first points, as pictures."""
    from rkdiff.thumbnails import draw, look_of

    made = {row["decoder"]: np.array(row["examples"]) for row in table["rows"] if row["examples"] is not None}
    if not made:
        return
    whole = np.isin(table["modality"], ("graphs", "strings"))
    made = {name: values.astype(np.uint8 if whole else float) for name, values in made.items()}
    look = look_of(str(table["modality"]), np.concatenate(list(made.values())), table.get("columns", ()))
    with st.container(horizontal=True, key="decoder_examples"):
        for name, values in made.items():
            st.image(draw(values, look, SIDE), caption=name.replace("_", " "), width=SIDE)

"""What one reads under the structured stage: the data's place in H, validity along the clock, and what noise does in H."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from rkdiff.core.parts import from_dict
from rkdiff.experiment import Run
from rkdiff.scenes import panel_hues, panel_titles
from rkdiff.ui.live import live
from rkdiff.ui.session import Desk

WAITING = "Press Train: {} of the run on the stage appears here."
SOON = "Appears when the run is done: {}."
WHITE = (
    "White noise is felt with many coordinates: smoothness 0, r of 40 or more and, for curves, the kernel cosine (Settings, Space); "
    "then Train."
)
#: How many coordinates, and how fast their variances fall, in the figures that are there before any run.
MODES, DECAY = 40, 2.0


def waiting(desk: Desk, what: str) -> None:
    """What will stand here, and when."""
    st.caption((SOON if live(desk) else WAITING).format(what))


def place_in_h(desk: Desk, runs: Sequence[Run]) -> None:
    """Spectrum and Gram matrix of the data, as the first run saw it, and what the fit says of itself."""
    run = next((r for r in runs if "embedding.gram" in r.arrays), None)
    if run is None:
        waiting(desk, "the spectrum and the Gram matrix")
        return
    from rkdiff.plots.hilbert import spectrum_figure
    from rkdiff.plots.structured import gram_figure, gram_order

    a = run.arrays
    variances, r = a["embedding.variances"], len(a["embedding.variances"])
    for line in run.info.get("advice", ()):
        st.caption(f":material/lightbulb: {line[:1].upper()}{line[1:]}.")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Spectrum**: variance along each kernel coordinate")
        figure = spectrum_figure(variances, a["embedding.noise"][:r], a["embedding.explained"], chosen=r)
        _chart(desk, "spectrum", figure, "variances of data and noise, coordinate by coordinate")
        st.caption(f"{r} coordinates hold {100 * float(a['embedding.explained'][-1]):.0f} % of the variance in H.")
    with right:
        st.markdown("**Gram matrix**: how alike the kernel finds two training objects")
        rows = a["embedding.gram_rows"]
        labels = a["target_labels"][rows] if "target_labels" in a else None
        order, sizes = gram_order(a["target"][rows, 0], labels)
        names = [str(n) for n in run.info.get("meta", {}).get("class_names", ())]
        figure = gram_figure(a["embedding.gram"][np.ix_(order, order)].astype(float), [int(s) for s in sizes], names)
        _chart(desk, "gram", figure, "kernel values between training objects")
        by = "class, then first coordinate" if labels is not None else "first coordinate"
        st.caption(f"{len(rows)} objects, sorted by {by}. The bluer, the more alike.")


def validity(desk: Desk, runs: Sequence[Run]) -> None:
    """Share of valid objects along the clock, and of valid, novel and unique ones at the end."""
    shown = [r for r in runs if "objects.valid" in r.arrays]
    if not shown:
        waiting(desk, "the share of valid objects along the clock")
        return
    from rkdiff.plots.structured import shares_figure, validity_figure

    titles, hues = panel_titles(shown), panel_hues([r.experiment for r in shown])
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Along the clock**: objects that obey the rules of their kind")
        moments = [
            (t, h, r.arrays["objects.u"], r.arrays["objects.valid"]) for t, h, r in zip(titles, hues, shown, strict=True)
        ]
        _chart(desk, "validity", validity_figure(moments), "share of valid objects along the clock")
    with right:
        st.markdown("**At the end**: valid, not in the training set, different from each other")
        ends = [(t, h, r.info["objects"], len(r.arrays["samples"])) for t, h, r in zip(titles, hues, shown, strict=True)]
        _chart(desk, "shares", shares_figure(ends), "shares of valid, novel and unique objects")


def noise_in_h(desk: Desk, runs: Sequence[Run], space: Mapping[str, Any]) -> None:
    """Why noise must have a finite sum of variances in H: closed forms, there before any run."""
    from rkdiff.plots import hilbert
    from rkdiff.processes.covariance import noise_variances

    run = next((r for r in runs if "embedding.variances" in r.arrays), None)
    if run is not None:
        variances = run.arrays["embedding.variances"].astype(float)
        noise, n = run.arrays["embedding.noise"][: len(variances)].astype(float), len(run.arrays["target"])
        of = "the data on the stage"
    else:
        part = from_dict("space", space)
        variances, n = np.arange(1.0, MODES + 1) ** -DECAY, 100
        noise = noise_variances(part.noise, variances, part.smoothness)  # type: ignore[attr-defined]
        of = f"{MODES} coordinates of variances 1/j², {n} training points; train to see your data's"
    figures: list[tuple[str, Callable[[], Any], str]] = [
        ("Noise on finer grids", hilbert.noise_figure, "White noise becomes rougher with every finer grid: it has no limit in H. "
         "Noise whose variances have a finite sum settles on a function."),
        ("Total variation", hilbert.variation_figure, "The length of a noise path as its grid becomes finer. White noise grows "
         "without bound; trace-class noise of enough smoothness does not."),
        ("Error as coordinates are added", hilbert.dimension_figure, "The same sampler with the exact score. With white noise its error "
         "grows with every coordinate; with noise like the data it stays."),
        ("What can be read when", lambda: hilbert.snr_figure(variances, noise), f"Red coordinates drown in noise, blue ones can be "
         f"read. White noise reveals one after another, matched noise all at once ({of})."),
        ("When the exact score collapses", lambda: hilbert.collapse_figure(variances, noise, n), f"How many training points stand "
         f"behind a sample. Past the dotted line it is one: the exact score then copies ({of})."),
    ]  # fmt: skip
    st.caption(f":material/tune: {WHITE}")
    columns = st.columns(2, gap="large")
    for i, (title, draw, words) in enumerate(figures):
        with columns[i % 2]:
            st.markdown(f"**{title}**")
            st.caption(words)
            _chart(desk, f"noise{i}", draw(), title)


def _chart(desk: Desk, name: str, figure: Any, alt: str) -> None:
    from rkdiff.plots.style import CONFIG

    st.plotly_chart(figure, key=desk.key(f"chart.{name}"), config=CONFIG, alt=alt)

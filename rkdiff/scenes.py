"""From runs to a scene: what the player shows. NumPy only, so the app's process can do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rkdiff.core.records import Density, Field, Objects, Panel, Scene, Slices
from rkdiff.experiment import Experiment, Run

HUES = ("model", "second", "third", "data")


def scene_of(
    runs: Sequence[Run],
    direction: str = "backward",
    titles: Sequence[str] | None = None,
    *,
    slices: bool = False,
    drawing: bool = False,
) -> Scene:
    """One panel a run, under one clock and one view.

    Args:
        runs: one to six runs; they may differ in anything, but the picture compares best on one dataset.
        direction: "backward" (noise to data), "forward" (data to noise) or "both".
        titles: names of the panels; the methods' names when left out.
        slices: whether the directions of sliced flows are shown at first (they are kept for "backward" alone).
        drawing: whether a person may draw a cloud of their own on a panel.

    Raises:
        ValueError: no run, or an unknown direction.
    """
    if not runs:
        raise ValueError("a scene needs at least one run")
    if direction not in ("backward", "forward", "both"):
        raise ValueError(f"direction is {direction!r}; choose 'backward', 'forward' or 'both'")
    names = list(titles) if titles else panel_titles(runs)
    hues = panel_hues([run.experiment for run in runs])
    panels = tuple(_panel(run, name, hue, direction) for run, name, hue in zip(runs, names, hues, strict=True))
    extents = np.array([run.arrays["extent"] for run in runs])
    low, high = extents.min(axis=0), extents.max(axis=0)
    forward = () if direction == "backward" else tuple(run.picture("forward.") for run in runs)
    return Scene(
        panels,
        (float(low[0]), float(high[1]), float(low[2]), float(high[3])),
        title=type(runs[0].experiment.data).title(),
        axes=axes_of(str(runs[0].info.get("modality", "points"))),
        direction=direction,
        forward=forward,
        classes=tuple(str(c) for c in runs[0].info.get("meta", {}).get("class_names", ())),
        slices=slices,
        drawing=drawing,
    )


def axes_of(modality: str) -> tuple[str, str]:
    """What the two coordinates of the plane are called."""
    return ("x", "y") if modality == "points" else ("first kernel coordinate", "second kernel coordinate")


def panel_titles(runs: Sequence[Run]) -> list[str]:
    """The methods' names; equal ones are told apart by what differs between their experiments."""
    names = [type(run.experiment.method).title() for run in runs]
    out = []
    for name, run in zip(names, runs, strict=True):
        same = [r for n, r in zip(names, runs, strict=True) if n == name]
        out.append(f"{name} · {_difference(run, same)}" if len(same) > 1 and _difference(run, same) else name)
    return [t if out.count(t) == 1 else f"{t} ({out[:i].count(t) + 1})" for i, t in enumerate(out)]


def _difference(run: Run, others: Sequence[Run]) -> str:
    """The entries in which a run differs from the others, as short text."""
    mine, parts = run.experiment.to_dict(), []
    for key, value in mine.items():
        if all(r.experiment.to_dict()[key] == value for r in others):
            continue
        if isinstance(value, Mapping):
            theirs = [r.experiment.to_dict()[key] for r in others]
            if any(t["name"] != value["name"] for t in theirs):
                parts.append(str(value["name"]).replace("_", " "))
            parts += [f"{k} {v}" for k, v in value.items() if k != "name" and any(t.get(k, v) != v for t in theirs)]
        else:
            parts.append(f"{key} {value}")
    return ", ".join(parts[:3])


def panel_hues(experiments: Sequence[Experiment]) -> list[str]:
    """The first exact model is dark grey; the others take orange, green, purple, blue in turn."""
    out: list[str] = []
    for e in experiments:
        free = e.method.name == "exact" and "exact" not in out
        out.append("exact" if free else HUES[sum(h != "exact" for h in out) % len(HUES)])
    return out


def _panel(run: Run, title: str, hue: str, direction: str) -> Panel:
    a = run.arrays
    return Panel(
        title,
        run.picture("return.") if direction == "both" else run.picture(),
        hue=hue,
        density=Density(a["density"].astype(float), tuple(float(v) for v in a["extent"])) if "density" in a else None,  # type: ignore[arg-type]
        arrows=Field(a["arrows.u"], a["arrows.at"], a["arrows.v"]) if "arrows.u" in a else None,
        objects=_objects(run) if direction == "backward" else None,
        target=a["target"][:1500] if "target" in a else None,
        notes=notes(run),
        slices=_slices(run) if direction == "backward" else None,
    )


def _objects(run: Run) -> Objects | None:
    a = run.arrays
    if "objects.values" not in a or not a["objects.values"].size:
        return None
    k = a["objects.values"].shape[1]
    return Objects(
        run.info["modality"],
        np.arange(k),
        a["objects.u"],
        a["objects.values"],
        a.get("objects.layout"),
        a.get("objects.nearest"),
        a.get("objects.valid"),
        a.get("objects.pull"),
        a.get("objects.pull_weights"),
        tuple(run.info.get("meta", {}).get("columns", ())),
        a.get("objects.marks"),
    )


def _slices(run: Run) -> Slices | None:
    """The directions of a sliced flow; None for other methods and for runs that were kept before they were recorded."""
    parts = [run.arrays.get(f"slices.{name}") for name in ("u", "theta", "source", "later", "target")]
    return None if any(part is None for part in parts) else Slices(*parts)  # type: ignore[arg-type]


def notes(run: Run) -> tuple[str, ...]:
    """One line under the title: distance over its floor (of this run, which has one seed), and the calls it took."""
    quality, out = run.info.get("quality", {}), []
    sliced = quality.get("sliced_wasserstein")
    if sliced and sliced.get("floor"):
        over = sliced["value"] / sliced["floor"]
        out.append(f"sliced W2 {over:.2f} x floor, 1 seed" if over > 1 else f"sliced W2 at its floor ({over:.2f}), 1 seed")
    if run.info.get("calls"):
        out.append(f"{run.info['calls']} model calls")
    return (" · ".join(out),) if out else ()

"""A Scene becomes bytes: what the player, the stand-alone page and the film writer all read.

Every panel is resampled to one clock of `frames` equal steps of u (0 = noise, 1 = data), so panels of 20 and of 200 steps move together.
Positions are int16 with a quantum of their own in every frame, measured from the middle of the view: what is stored differs from what
was given by at most half a quantum. Two panels of 2000 points and 100 frames take 1.6 MB. Nothing is packed before everything was
checked; a number that is not finite is refused with its place. The one exception are the curves of the read-out, where an infinite
log-SNR at the clean end is the truth and is shown as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from rkdiff.core.records import Density, Field, Panel, Scene, Trajectory
from rkdiff.player.blob import Blob, load, split
from rkdiff.player.check import check
from rkdiff.player.objects import pack_objects
from rkdiff.player.slices import pack_slices

#: Layers that can be switched on and off.
LAYERS = ("trails", "arrows", "density", "target", "links", "slices")
#: What the clock's ends are called where a packed scene does not say.
ENDS = ("noise", "data")
#: Fewest frames kept when a scene would exceed its budget.
FEWEST = 25


def pack(
    scene: Scene,
    frames: int = 100,
    *,
    classes: Sequence[str] = (),
    run: str = "",
    show: Sequence[str] = ("trails", "density", "target", "links"),
    budget: int = 6_000_000,
) -> bytes:
    """Write a scene as one run of bytes (see `rkdiff.player.blob` for the format).

    Args:
        scene: one to six panels under one clock.
        frames: frames along the clock; a scene whose trajectories all have a single frame keeps one.
        classes: names of the classes for the legend (default: the scene's); "class 0", ... where missing.
        run: identity of what is shown. A player that receives new bytes keeps its clock while `run` stays the same and starts over when it
            changes; "" makes the identity depend on titles and sizes.
        show: layers that are on at first, and the slices too where the scene asks for them; the others are one click away.
        budget: bytes that positions may take; a larger scene gets fewer frames (at least 25), and the player interpolates.

    Raises:
        ValueError: a scene that cannot be drawn, with the place and the reason.
    """
    check(scene)
    if frames < 1:
        raise ValueError(f"a scene has {frames} frames; choose 1 or more")
    if unknown := set(show) - set(LAYERS):
        raise ValueError(f"there is no layer {sorted(unknown)[0]!r}; choose among {', '.join(LAYERS)}")
    legs = [*(p.trajectory for p in scene.panels), *scene.forward]
    u = _clock(legs, frames, budget)
    blob = Blob()
    panels = [_panel(blob, p, scene, u) for p in scene.panels]
    for entry, forward in zip(panels, scene.forward, strict=False):
        entry["forward"] = _leg(blob, forward, scene, u)
    identity = run or "|".join([scene.title, scene.direction, *(f"{p.title}:{p.trajectory.x.shape[1]}" for p in scene.panels)])
    return blob.join(
        {
            "version": 1,
            "run": identity,
            "title": scene.title,
            "axes": list(scene.axes),
            "view": [float(v) for v in scene.view],
            "direction": scene.direction,
            "frames": len(u),
            "classes": _names(legs, classes or scene.classes),
            "show": [layer for layer in LAYERS if layer in show or (layer == "slices" and scene.slices)],
            "drawing": scene.drawing,
            **({} if scene.ends == ENDS else {"ends": list(scene.ends)}),
            "panels": panels,
        }
    )


def unpack(data: bytes) -> dict[str, Any]:
    """The header with every address replaced by its array.

    Raises:
        ValueError: bytes that are no packed scene.
    """
    header, body = split(data)
    out: dict[str, Any] = _mapped(header, lambda address: load(address, body))
    return out


def first_panels(data: bytes, count: int) -> bytes:
    """The packed scene with its first panels only: what is stored of them stays, to the bit, and the arrays of the others are dropped.

    Args:
        data: what `pack` wrote.
        count: how many panels to keep; a scene that has no more comes back as it is.

    Raises:
        ValueError: bytes that are no packed scene, or fewer than one panel.
    """
    if count < 1:
        raise ValueError(f"a scene of {count} panels shows nothing; keep 1 or more")
    header, body = split(data)
    if len(header["panels"]) <= count:
        return data
    found: list[dict[str, Any]] = []
    blob, kept = Blob(), header["panels"][:count]
    _mapped(kept, found.append)
    for address in sorted(found, key=lambda a: (a["offset"], np.prod(a["shape"]))):
        address.update(blob.take(address, body))
    return blob.join({**{k: v for k, v in header.items() if k != "digest"}, "panels": kept})


def _mapped(value: Any, act: Callable[[dict[str, Any]], Any]) -> Any:
    """A header's entries with `act` done to every address."""
    if isinstance(value, dict):
        return act(value) if "offset" in value else {k: _mapped(v, act) for k, v in value.items()}
    return [_mapped(v, act) for v in value] if isinstance(value, list) else value


def _clock(legs: Sequence[Trajectory], frames: int, budget: int) -> Float[np.ndarray, " F"]:
    if all(len(t.u) == 1 for t in legs):
        return np.ones(1)
    a_frame = sum(4 * t.x.shape[1] for t in legs)
    return np.linspace(0.0, 1.0, max(2, min(frames, max(FEWEST, budget // max(1, a_frame)))))


def _names(legs: Sequence[Trajectory], classes: Sequence[str]) -> list[str]:
    used = max((int(t.labels.max()) + 1 for t in legs if t.labels is not None and t.labels.size), default=0)
    return [str(classes[c]) if c < len(classes) else f"class {c}" for c in range(used)]


def _panel(blob: Blob, p: Panel, scene: Scene, u: Float[np.ndarray, " F"]) -> dict[str, Any]:
    return {
        "title": p.title,
        "hue": p.hue,
        "notes": list(p.notes),
        "backward": _leg(blob, p.trajectory, scene, u),
        "forward": None,
        "density": None if p.density is None else _density(blob, p.density),
        "target": None if p.target is None else blob.quantised(p.target, _centre(scene)),
        "arrows": None if p.arrows is None else _arrows(blob, p.arrows, scene),
        "objects": _objects(blob, p),
        "slices": None if p.slices is None else pack_slices(blob, p.slices),
    }


def _centre(scene: Scene) -> tuple[float, float]:
    x0, x1, y0, y1 = scene.view
    return (x0 + x1) / 2, (y0 + y1) / 2


def _leg(blob: Blob, t: Trajectory, scene: Scene, u: Float[np.ndarray, " F"]) -> dict[str, Any]:
    labels = None if t.labels is None else blob.raw(np.where(t.labels < 0, 255, t.labels), "uint8")
    return {
        "n": t.x.shape[1],
        "calls": int(t.calls),
        "positions": blob.quantised(t.at(u), _centre(scene), per_frame=True),
        "labels": labels,
        "curves": {name: blob.raw(_curve(t, name, u), "float32") for name in t.curves},
    }


def _curve(t: Trajectory, name: str, u: Float[np.ndarray, " F"]) -> Float[np.ndarray, " F"]:
    """The curve at the frames; an infinite entry holds at its own time alone and does not spoil its neighbours."""
    values = np.asarray(t.curves[name], np.float64)
    finite = np.isfinite(values)
    out = np.interp(u, t.u[finite], values[finite]) if finite.any() else np.full(len(u), values[0])
    for at, value in zip(t.u[~finite], values[~finite], strict=True):
        out[np.isclose(u, at, atol=1e-9)] = value
    return out


def _density(blob: Blob, d: Density) -> dict[str, Any]:
    """The square root of the density over its peak: faint tails stay visible in 256 shades."""
    values = np.asarray(d.values, np.float64)
    step = max(1, -(-max(values.shape) // 256))
    values = values[::step, ::step]
    peak = values.max()
    return {"tone": blob.shades(np.sqrt(values / (peak if peak > 0 else 1.0))), "extent": [float(e) for e in d.extent]}


def _arrows(blob: Blob, f: Field, scene: Scene) -> dict[str, Any]:
    return {"u": [float(a) for a in f.u], "at": blob.quantised(f.at, _centre(scene)), "v": blob.quantised(f.v, per_frame=True)}


def _objects(blob: Blob, p: Panel) -> dict[str, Any] | None:
    """None where nothing is decoded, or at no time."""
    if p.objects is None or not p.objects.particles.size or not len(p.objects.u):
        return None
    return pack_objects(blob, p.objects, 0 if p.target is None else len(p.target))

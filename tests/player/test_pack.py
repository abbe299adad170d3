"""Packing: what goes in comes out, small, checked and the same every time."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import moving
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkdiff.core.records import Density, Objects, Panel, Scene, Trajectory
from rkdiff.player import LAYERS, pack, unpack
from rkdiff.player.blob import split
from rkdiff.player.layout import spread

KINDS = ("curves", "images", "graphs")


def lone(x: np.ndarray, u: np.ndarray | None = None, **kwargs: object) -> Scene:
    u = np.linspace(0, 1, len(x)) if u is None else u
    return Scene((Panel("one", Trajectory(u, x, **kwargs)),), moving.VIEW)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-100, 100),
    n=st.integers(1, 30),
    frames=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_positions_come_back_within_half_a_quantum(scale: float, shift: float, n: int, frames: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = shift + scale * rng.normal(size=(frames, n, 2)) * np.linspace(10, 0.1, frames)[:, None, None]
    view = (shift - scale, shift + scale, shift - scale, shift + scale)
    data = pack(Scene((Panel("one", Trajectory(np.linspace(0, 1, frames), x)),), view), frames=frames)
    header, _ = split(data)
    quantum = np.array(header["panels"][0]["backward"]["positions"]["scale"])[:, None, None]
    back = unpack(data)["panels"][0]["backward"]["positions"]
    assert (np.abs(back - x) <= 0.5 * quantum * (1 + 1e-6) + 1e-12 * abs(shift)).all()
    assert (quantum.ravel() <= np.abs(x - shift).max(axis=(1, 2)) / 32767 * (1 + 1e-9)).all()  # each frame has its own


def test_every_address_lies_in_the_body_and_names_its_type_shape_offset_scale_and_zero() -> None:
    header, body = split(pack(moving.scene(kind="graphs", direction="both", labels=True)))
    found = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "offset" in value:
                found.append(value)
            for v in value.values():
                walk(v)
        elif isinstance(value, list):
            for v in value:
                walk(v)

    walk(header)
    assert len(found) > 20
    reach = 0
    for a in sorted(found, key=lambda a: a["offset"]):
        assert set(a) == {"dtype", "shape", "offset", "scale", "zero"}
        assert a["offset"] % 4 == 0
        assert a["offset"] >= reach  # arrays do not overlap
        reach = a["offset"] + {"int16": 2, "uint8": 1, "float32": 4}[a["dtype"]] * int(np.prod(a["shape"]))
    assert reach <= len(body) <= reach + 3


def test_the_header_has_exactly_the_entries_the_player_reads() -> None:
    header, _ = split(pack(moving.scene(kind="curves", labels=True), classes=("left", "right"), run="a run", show=("arrows",)))
    assert set(header) == {
        "digest", "version", "run", "title", "axes", "view", "direction", "frames", "classes", "show", "drawing", "panels",
    }  # fmt: skip
    assert header["run"] == "a run"
    assert header["classes"] == ["left", "right", "class 2"]
    assert header["show"] == ["arrows"]
    panel = header["panels"][0]
    assert set(panel) == {"title", "hue", "notes", "backward", "forward", "density", "target", "arrows", "objects", "slices"}
    assert set(panel["backward"]) == {"n", "calls", "positions", "labels", "curves"}
    assert panel["backward"]["curves"].keys() == {"t", "sigma", "logsnr"}
    assert panel["objects"]["particles"] == [0, 3, 6, 9]


def test_the_bytes_are_a_length_a_header_and_an_aligned_body() -> None:
    data = pack(moving.scene())
    (length,) = struct.unpack_from("<I", data)
    json.loads(data[4 : 4 + length])
    pad = -(4 + length) % 4
    assert data[4 + length : 4 + length + pad] == b"\0" * pad


@pytest.mark.parametrize("kind", KINDS)
def test_objects_come_back(kind: str) -> None:
    scene = moving.scene(kind=kind)
    back = unpack(pack(scene))["panels"][0]["objects"]
    given = scene.panels[0].objects
    assert given is not None
    assert given.nearest is not None
    tolerance = {"curves": 1e-4, "images": 0.5 / 255 + 1e-9, "graphs": 0}[kind]
    np.testing.assert_allclose(back["values"], given.values, atol=tolerance)
    np.testing.assert_allclose(back["nearest"], given.nearest, atol=tolerance)
    assert (back["layout"] is not None) == (kind == "graphs")


def test_labels_density_target_and_arrows_come_back() -> None:
    scene = moving.scene(labels=True)
    panel, back = scene.panels[0], unpack(pack(scene))["panels"][0]
    assert panel.density is not None
    assert panel.arrows is not None
    np.testing.assert_array_equal(back["backward"]["labels"], panel.trajectory.labels)
    np.testing.assert_allclose(back["density"]["tone"] ** 2, panel.density.values / panel.density.values.max(), atol=0.005)
    np.testing.assert_allclose(back["target"], panel.target, atol=1e-4)
    np.testing.assert_allclose(back["arrows"]["v"], panel.arrows.v, atol=1e-4)


def test_two_panels_of_2000_points_and_100_frames_take_at_most_2_mb() -> None:
    scene = moving.scene(2, n=2000, steps=40, labels=True)
    assert len(pack(scene, frames=100)) <= 2_000_000
    assert unpack(pack(scene, frames=100))["frames"] == 100


def test_a_large_scene_gets_fewer_frames_within_its_budget() -> None:
    scene = moving.scene(3, n=500, steps=5)
    assert unpack(pack(scene, frames=100, budget=300_000))["frames"] == 50
    assert unpack(pack(scene, frames=100, budget=1))["frames"] == 25


def test_a_scene_of_zeros_packs() -> None:
    back = unpack(pack(lone(np.zeros((3, 5, 2)))))
    assert (back["panels"][0]["backward"]["positions"] == 0).all()


def test_a_scene_without_particles_packs() -> None:
    assert unpack(pack(lone(np.zeros((3, 0, 2)))))["panels"][0]["backward"]["n"] == 0


def test_20_steps_and_200_steps_share_one_clock() -> None:
    panels = tuple(Panel(str(k), moving.straight(steps=k)) for k in (20, 200))
    back = unpack(pack(Scene(panels, moving.VIEW), frames=64))
    a, b = (p["backward"]["positions"] for p in back["panels"])
    assert a.shape == b.shape == (64, 40, 2)
    np.testing.assert_allclose(a, b, atol=1e-4)  # both go straight, so at the same time they are at the same place


def test_a_single_frame_stays_single_and_rests_beside_a_moving_panel() -> None:
    resting = Panel("resting", moving.straight(steps=1))
    assert unpack(pack(Scene((resting,), moving.VIEW)))["frames"] == 1
    back = unpack(pack(Scene((resting, Panel("moving", moving.straight())), moving.VIEW), frames=10))
    x = back["panels"][0]["backward"]["positions"]
    assert back["frames"] == 10
    assert np.ptp(x, axis=0).max() == 0


def test_equal_scenes_are_equal_bytes_and_any_change_changes_the_digest() -> None:
    one = moving.scene()
    assert pack(one) == pack(moving.scene())
    moved = replace(one.panels[0].trajectory, x=one.panels[0].trajectory.x + 1e-3)
    others = [
        replace(one, title="other"),
        replace(one, panels=(replace(one.panels[0], notes=("other",)), one.panels[1])),
        replace(one, panels=(replace(one.panels[0], trajectory=moved), one.panels[1])),
    ]
    digests = [split(pack(s))[0]["digest"] for s in [one, *others]]
    assert len(set(digests)) == 4
    assert len(digests[0]) == 16


def test_an_infinite_log_snr_is_kept_at_its_own_time_and_spoils_no_neighbour() -> None:
    curve = unpack(pack(lone(np.zeros((30, 1, 2)), curves={"logsnr": moving.straight().curves["logsnr"]})))
    values = curve["panels"][0]["backward"]["curves"]["logsnr"]
    assert values[-1] == np.inf
    assert np.isfinite(values[:-1]).all()


SPOILED = {
    "positions": lambda p: replace(p, trajectory=replace(p.trajectory, x=p.trajectory.x * np.nan)),
    "target": lambda p: replace(p, target=np.array([[0.0, np.inf]])),
    "density": lambda p: replace(p, density=Density(np.full((3, 3), np.nan), moving.VIEW)),
    "arrows": lambda p: replace(p, arrows=replace(p.arrows, v=p.arrows.v * np.nan)),
    "curve": lambda p: replace(p, trajectory=replace(p.trajectory, curves={"t": p.trajectory.u * np.nan})),
    "object": lambda p: replace(p, objects=replace(moving.objects("curves"), values=np.full((5, 4, 20), np.inf))),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_number_that_is_not_finite_is_refused_with_its_panel(what: str) -> None:
    scene = moving.scene()
    spoiled = replace(scene, panels=(scene.panels[0], SPOILED[what](scene.panels[1])))
    with pytest.raises(ValueError, match=r"panel 2 \(Method 2\).*" + what):
        pack(spoiled)


REFUSED = {
    "0 panels": lambda s: replace(s, panels=()),
    "7 panels": lambda s: replace(s, panels=s.panels[:1] * 7),
    "direction is 'sideways'": lambda s: replace(s, direction="sideways"),
    "one forward trajectory a panel": lambda s: replace(s, direction="both"),
    "the ends of the clock are .'', 'data'.": lambda s: replace(s, ends=("", "data")),
    "two names of 1 to 24 characters": lambda s: replace(s, ends=("noise", "d" * 25)),
    "the view is": lambda s: replace(s, view=(1.0, 0.0, 0.0, 1.0)),
    "hue is 'pink'": lambda s: replace(s, panels=(replace(s.panels[0], hue="pink"),)),
    "there are only 40": lambda s: replace(s, panels=(replace(s.panels[0], objects=_far()),)),
    "objects of kind 'songs'": lambda s: replace(s, panels=(replace(s.panels[0], objects=replace(_far(), kind="songs")),)),
    "shape .30, 40, 3.": lambda s: replace(s, panels=(Panel("3d", Trajectory(np.linspace(0, 1, 30), np.zeros((30, 40, 3)))),)),
}


def _far() -> Objects:
    return replace(moving.objects("images"), particles=np.array([0, 1, 2, 40]))


@pytest.mark.parametrize("message", REFUSED)
def test_a_scene_that_cannot_be_drawn_is_refused_with_the_reason(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pack(REFUSED[message](moving.scene()))


def test_a_clock_names_its_ends_where_they_are_not_noise_and_data() -> None:
    usual = moving.scene()
    assert "ends" not in unpack(pack(usual))  # what was packed before there were names stays as it is
    assert unpack(pack(replace(usual, ends=("your cloud", "data"))))["ends"] == ["your cloud", "data"]


def test_an_unknown_layer_and_bytes_that_are_no_scene_are_refused() -> None:
    with pytest.raises(ValueError, match="choose among " + ", ".join(LAYERS)):
        pack(moving.scene(), show=("glitter",))
    for junk in (b"", b"\0", b"not a scene at all", struct.pack("<I", 9) + b'{"a": 1}  '):
        with pytest.raises(ValueError, match="no packed scene"):
            unpack(junk)


def test_a_layout_keeps_nodes_apart_in_the_square_and_neighbours_together() -> None:
    path = np.eye(8, dtype=int) + np.eye(8, k=1, dtype=int) + np.eye(8, k=-1, dtype=int)
    full = np.ones((8, 8), int)
    p, q = spread(np.stack([path, full]))
    for places in (p, q):
        assert places.min() >= 0
        assert places.max() <= 1
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1) + np.eye(8)
        assert gaps.min() > 0.05
    ends, steps = np.linalg.norm(p[0] - p[-1]), np.linalg.norm(np.diff(p, axis=0), axis=-1)
    assert ends > 3 * steps.max()
    np.testing.assert_array_equal(spread(path[None]), spread(path[None]))

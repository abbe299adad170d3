"""The first panels of a packed scene: what is kept is kept to the bit, and nothing of the others stays."""

from __future__ import annotations

from dataclasses import replace

import moving
import numpy as np
import pytest

from rkdiff.player import first_panels, pack, unpack
from rkdiff.player.blob import split
from rkdiff.player.check_objects import AXES


def equal(a: object, b: object) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


@pytest.mark.parametrize("direction", ["backward", "both"])
@pytest.mark.parametrize("kind", ["", *AXES])
def test_the_first_panels_of_a_scene_are_those_of_the_whole_scene(kind, direction):
    whole = pack(moving.scene(3, direction, kind=kind, labels=True, pulled=True))
    for count in (1, 2):
        some, all_of_it = unpack(first_panels(whole, count)), unpack(whole)
        assert equal(some["panels"], all_of_it["panels"][:count])
        assert equal({k: v for k, v in some.items() if k not in ("panels", "digest")},
                     {k: v for k, v in all_of_it.items() if k not in ("panels", "digest")})  # fmt: skip


def test_the_first_panel_is_what_packing_it_alone_gives():
    scene = moving.scene(2, kind="graphs", labels=True)
    alone = pack(replace(scene, panels=scene.panels[:1]), run="a")
    assert first_panels(pack(scene, run="a"), 1) == alone


def test_arrays_of_other_panels_are_dropped():
    scene = moving.scene(4, kind="curves")
    sizes = [len(split(first_panels(pack(scene), k))[1]) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(np.array(sizes) / sizes[0], [1, 2, 3, 4], rtol=1e-3)


def test_a_scene_that_has_no_more_panels_comes_back_as_it_is():
    data = pack(moving.scene(2))
    assert first_panels(data, 2) is data
    assert first_panels(data, 9) is data


def test_no_panel_and_damaged_bytes_are_refused():
    with pytest.raises(ValueError, match="keep 1 or more"):
        first_panels(pack(moving.scene(2)), 0)
    with pytest.raises(ValueError, match="no packed scene"):
        first_panels(b"abc", 1)

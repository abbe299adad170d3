"""Slices on their way to the browser: what goes in comes out, and what cannot be drawn is refused."""

from __future__ import annotations

from dataclasses import replace

import moving
import numpy as np
import pytest
from moving_slices import LINES, sliced, slices

from rkdiff.core.records import Scene
from rkdiff.player import first_panels, pack, standalone, unpack

PARTS = ("theta", "source", "later", "target")


def with_slices(**changes: np.ndarray) -> Scene:
    """A scene whose slices were spoiled behind the back of their own checks."""
    spoiled, scene = slices(), sliced()
    for name, value in changes.items():
        object.__setattr__(spoiled, name, value)
    return replace(scene, panels=(replace(scene.panels[0], slices=spoiled),))


def test_slices_come_back_sorted_and_within_half_a_quantum() -> None:
    back, given = unpack(pack(sliced()))["panels"][0]["slices"], slices()
    assert back["u"] == pytest.approx(given.u)
    for part in PARTS:
        want = getattr(given, part)
        np.testing.assert_allclose(back[part], want, atol=np.abs(want).max() / 65534 + 1e-12)
    for part in PARTS[1:]:
        assert (np.diff(back[part], axis=2) >= 0).all()


def test_slices_are_shown_at_first_only_where_the_scene_asks_for_them() -> None:
    assert "slices" in unpack(pack(sliced()))["show"]
    assert "slices" not in unpack(pack(sliced(shown=False)))["show"]
    assert "slices" in unpack(pack(sliced(shown=False), show=("slices",)))["show"]


def test_a_scene_says_whether_a_person_may_draw_on_it() -> None:
    assert unpack(pack(replace(moving.scene(), drawing=True)))["drawing"] is True
    assert unpack(pack(moving.scene()))["drawing"] is False


def test_dropping_later_panels_keeps_the_slices_of_the_first_to_the_bit() -> None:
    scene = sliced(2)
    turned = replace(scene, panels=scene.panels[::-1])
    whole, first = unpack(pack(turned)), unpack(first_panels(pack(turned), 1))
    for part in PARTS:
        np.testing.assert_array_equal(first["panels"][0]["slices"][part], whole["panels"][0]["slices"][part])


def test_the_stand_alone_page_carries_the_slices() -> None:
    import base64
    import re

    page = standalone(sliced())
    found = re.search(r'id="scene">([^<]+)<', page)
    assert found is not None
    assert unpack(base64.b64decode(found[1]))["panels"][0]["slices"]["theta"].shape == (5, LINES, 2)


S = slices()
HOSTILE = {
    "directions are not finite": {"theta": S.theta * np.nan},
    "projections are not finite": {"source": np.full_like(S.source, np.inf)},
    "later projections are not finite": {"later": S.later * np.nan},
    "times of directions are not finite": {"u": S.u * np.nan},
    "a direction is 2 long": {"theta": 2 * S.theta},
    "directions of shape .5, 17, 2. for 5 times": {"theta": np.ones((5, 17, 2)) / 2},
    "directions of shape .5, 0, 2. for 5 times": {"theta": np.zeros((5, 0, 2))},
    "directions of shape .5, 6, 2. for 4 times": {"u": S.u[:4]},
    "projections have shape .5, 5, 9.": {"source": S.source[:, :5]},
    "later projections have shape .5, 6, 8.": {"later": S.later[:, :, :8]},
    "projections of the target have shape .4, 6, 9.": {"target": S.target[:4]},
    "projections are not sorted": {"source": -S.source},
    "projections of the target are not sorted": {"target": -S.target},
    "give times from 0 to 1 that increase": {"u": S.u[::-1].copy()},
}


@pytest.mark.parametrize("message", HOSTILE)
def test_slices_that_cannot_be_drawn_are_refused_with_their_panel_and_the_reason(message: str) -> None:
    with pytest.raises(ValueError, match=r"panel 1 \(Method 1\): .*" + message):
        pack(with_slices(**HOSTILE[message]))

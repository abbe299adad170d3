"""What a browser sends as a drawn cloud: taken where it is one, else nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rkdiff.ui.stage import MOST_DRAWN, drawn_of

GOOD = {"points": [[0.5, -1], [2, 0.125]], "t": 0.25, "panel": 1}


def test_a_drawn_cloud_comes_as_points_a_moment_and_a_panel() -> None:
    drawn = drawn_of(GOOD)
    assert drawn is not None
    np.testing.assert_array_equal(drawn.points, [[0.5, -1.0], [2.0, 0.125]])
    assert (drawn.t, drawn.panel) == (0.25, 1)
    full = drawn_of({**GOOD, "points": [[0.0, 0.0]] * MOST_DRAWN})
    assert full is not None
    assert full.points.shape == (MOST_DRAWN, 2)


HOSTILE = [
    None, "points", [], {}, {**GOOD, "points": []}, {**GOOD, "points": None}, {**GOOD, "points": [[0.0, 0.0]] * (MOST_DRAWN + 1)},
    {**GOOD, "points": [[0.0, math.nan]]}, {**GOOD, "points": [[math.inf, 0.0]]}, {**GOOD, "points": [[0.0]]},
    {**GOOD, "points": [[0.0, 1.0, 2.0]]}, {**GOOD, "points": [["0", "1"]]}, {**GOOD, "points": [[True, False]]},
    {**GOOD, "points": [0.0, 1.0]}, {**GOOD, "points": [[10**400, 0]]}, {**GOOD, "t": None}, {**GOOD, "t": -0.1}, {**GOOD, "t": 1.5},
    {**GOOD, "t": math.nan}, {**GOOD, "t": "0.5"}, {**GOOD, "panel": -1}, {**GOOD, "panel": 6}, {**GOOD, "panel": 0.5},
    {**GOOD, "panel": True}, {**GOOD, "panel": None},
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_no_cloud(value: object) -> None:
    assert drawn_of(value) is None

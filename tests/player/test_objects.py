"""Decoded objects of every kind: what goes in comes out, and what cannot be drawn is refused with the reason."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import pairwise

import moving
import numpy as np
import pytest

from rkdiff.core.records import Objects, Scene
from rkdiff.player import pack, unpack
from rkdiff.player.check_objects import AXES

KINDS = tuple(AXES)


def with_objects(objects: Objects, targets: bool = True) -> Scene:
    scene = moving.scene(1)
    panel = replace(scene.panels[0], objects=objects)
    return replace(scene, panels=(panel if targets else replace(panel, target=None),))


def there_and_back(objects: Objects, targets: bool = True) -> dict:
    return unpack(pack(with_objects(objects, targets)))["panels"][0]["objects"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_with_marks_and_nearest(kind):
    given = moving.objects(kind, targets=12)
    if kind == "clouds":  # in an order in which the points already stand best
        ring = moving.values("clouds")[-1]
        given = replace(given, values=np.stack([ring * s for s in np.linspace(2, 1, 5)]))
    back = there_and_back(given)
    tolerance = {"curves": 1e-4, "images": 0.5 / 255 + 1e-9, "clouds": 1e-3, "tables": 1e-3}.get(kind, 0)
    np.testing.assert_allclose(back["values"], given.values, atol=tolerance)
    np.testing.assert_allclose(back["nearest"], given.nearest, atol=tolerance)
    np.testing.assert_array_equal(back["valid"], given.valid)
    np.testing.assert_array_equal(back["pull"]["rows"], given.pull)
    np.testing.assert_allclose(back["pull"]["weights"], given.pull_weights, atol=1e-4)
    assert [c["name"] for c in back["columns"]] == [c["name"] for c in given.columns]


def test_columns_keep_their_levels_and_ranges():
    columns = there_and_back(moving.objects("tables"))["columns"]
    assert columns[1] == {"name": "island", "type": "category", "levels": ["Biscoe", "Dream", "Torgersen"]}
    assert columns[0] == {"name": "age", "type": "integer", "low": 18.0, "high": 90.0}


def test_rows_of_tables_keep_categories_exact_beside_huge_numbers():
    columns = ({"name": "a", "type": "category", "levels": ["x"] * 7}, {"name": "b", "type": "number", "low": 0, "high": 1e12})
    values = np.tile(np.array([[6.0, 1e12]]), (5, 4, 1))
    back = there_and_back(replace(moving.objects("tables"), values=values, nearest=None, columns=columns))
    np.testing.assert_array_equal(back["values"][..., 0], 6)
    np.testing.assert_allclose(back["values"][..., 1], 1e12, rtol=1e-6)


def test_links_beyond_the_packed_training_points_are_dropped():
    given = moving.objects("curves", targets=12)
    far = replace(given, pull=given.pull + 8)
    back = there_and_back(far)["pull"]
    np.testing.assert_array_equal(back["rows"], np.where(far.pull < 12, far.pull, -1))
    np.testing.assert_array_equal(back["weights"][far.pull >= 12], 0)
    assert there_and_back(far, targets=False)["pull"] is None


def test_points_of_a_cloud_that_were_shuffled_are_paired_again():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 40, 2))
    slow = np.stack([start * s for s in (1.0, 0.97, 0.94, 0.91, 0.88)])
    mixed = np.stack([np.stack([c[rng.permutation(40)] for c in moment]) for moment in slow])
    back = there_and_back(replace(moving.objects("clouds"), values=mixed, nearest=None))["values"]
    for a, (was, now) in enumerate(pairwise(back)):
        assert np.abs(was - now).max() <= 0.04 * np.abs(start).max(), a
    np.testing.assert_allclose(np.sort(back.sum(-1)), np.sort(mixed.sum(-1)), atol=1e-3)  # the same points, in another order


def test_clouds_share_one_square_that_holds_them_all():
    given = moving.objects("clouds")
    x, y, half = there_and_back(given)["frame"]
    both = np.concatenate([given.values.reshape(-1, 2), given.nearest.reshape(-1, 2)])
    assert np.abs(both - [x, y]).max() == pytest.approx(half)
    for flat in (np.zeros((5, 4, 40, 2)), np.full((5, 4, 40, 2), 1e200)):  # one place, and squares beyond every float
        assert there_and_back(replace(given, values=flat, nearest=None))["frame"][2] > 0


def test_strings_of_no_letters_and_clouds_of_no_points_pack():
    for kind, empty in (("strings", np.zeros((5, 4, 0), np.uint8)), ("clouds", np.zeros((5, 4, 0, 2)))):
        back = there_and_back(replace(moving.objects(kind), values=empty, nearest=None))
        assert back["values"].shape == empty.shape


def test_objects_decoded_at_no_time_or_for_nobody_are_left_out():
    given = moving.objects("strings")
    for none in (
        replace(given, u=given.u[:0], values=given.values[:0]),
        Objects("strings", np.zeros(0, int), given.u, given.values[:, :0]),
    ):
        assert there_and_back(none) is None


def test_marks_of_curves_come_back_and_widen_the_range_that_is_drawn():
    given = moving.objects("curves")
    back = there_and_back(replace(given, marks=np.array([[0.25, 7.0], [1.0, -3.0]])))
    assert back["marks"] == [[0.25, 7.0], [1.0, -3.0]]
    assert (back["low"], back["high"]) == (-3.0, 7.0)
    assert there_and_back(given)["marks"] is None


def spoiled(kind: str, **change):
    """Objects as somebody without shape checks may make them."""

    def make() -> Objects:
        out = copy(moving.objects(kind, targets=12))
        for name, value in change.items():
            object.__setattr__(out, name, value)
        return out

    return make


def changed(kind: str, at: tuple, value: float):
    values = moving.values(kind)
    values[at] = value
    return spoiled(kind, values=values)


COLUMNS = list(moving.COLUMNS)
REFUSED = {
    "padded with 0": changed("strings", (0, 0, 0), 7),
    "behind a 0": changed("strings", (0, 0, 2), 0),
    r"1 of 1600 object values are not finite": lambda: changed("clouds", (0, 0, 0, 0), np.nan)(),
    "two coordinates": spoiled("clouds", values=np.zeros((5, 4, 40, 3)), nearest=None),
    r"1 of 160 object values are not finite": lambda: changed("tables", (4, 1, 2), np.nan)(),
    "comes with 7 descriptions": spoiled("tables", columns=tuple(COLUMNS[1:])),
    r"column 2 \(island\) has 3 levels": changed("tables", (1, 1, 1), 3),
    r"column 5 \(sex\) has 2 levels": changed("tables", (1, 1, 4), 0.5),
    r"column 1 \(age\) is of type 'text'": spoiled("tables", columns=({"name": "age", "type": "text"}, *COLUMNS[1:])),
    r"column 1 \(age\) goes from 9.0 to nan": spoiled(
        "tables", columns=({"name": "age", "type": "number", "low": 9}, *COLUMNS[1:])
    ),
    "marks of what is valid have shape": spoiled("images", valid=np.ones((5, 3), bool)),
    "nearest objects have shape": spoiled("strings", nearest=np.zeros((4, 3), np.uint8)),
    "come together": spoiled("graphs", pull_weights=None),
    "rows of the training points": spoiled("graphs", pull=np.full((5, 4, 5), -1)),
    "between 0 and 1": spoiled("graphs", pull_weights=np.full((5, 4, 5), 1.5)),
    "one more axis for both": spoiled("graphs", pull=np.zeros((5, 3, 5), int)),
    "places from 0": spoiled("curves", marks=np.array([[1.5, 0.0]])),
    "1 of 2 marks are not finite": spoiled("curves", marks=np.array([[0.5, np.nan]])),
    "images have marks": spoiled("images", marks=np.array([[0.5, 0.0]])),
    "a place and a value each": spoiled("curves", marks=np.zeros((2, 3))),
    "weights of pulls are not finite": spoiled("graphs", pull_weights=np.full((5, 4, 5), np.nan)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_drawn_is_refused_with_its_panel_and_the_reason(message):
    with pytest.raises(ValueError, match=r"panel 1 \(Method 1\): .*" + message):
        pack(with_objects(REFUSED[message]()))

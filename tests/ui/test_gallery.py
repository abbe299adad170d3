"""The gallery: every dataset is in it, by kind, with a still and a moving picture."""

from __future__ import annotations

import base64

import pytest

from rkdiff.core.parts import choices
from rkdiff.ui.gallery import KINDS, items, shown


def test_every_dataset_is_listed_once_sorted_by_kind_with_two_moons_first():
    names = [i["name"] for i in items()]
    assert sorted(names) == sorted(choices("data"))
    assert names[0] == "two_moons"
    order = [list(KINDS).index(i["modality"]) for i in items()]
    assert order == sorted(order)


def test_every_item_has_its_texts_and_both_pictures():
    for item in items():
        assert item["title"], item["name"]
        assert item["summary"], item["name"]
        for key, kind in (("image", "png"), ("moving", "webp")):
            head, text = item[key].split(",")
            assert head == f"data:image/{kind};base64", item["name"]
            assert len(base64.b64decode(text)) > 500


def test_only_kinds_that_exist_have_a_chip():
    there = {cls.modality for cls in choices("data").values()}
    assert [k["name"] for k in shown()["kinds"]] == [k for k in KINDS if k in there]
    assert shown(())["kinds"] == shown(())["items"] == []


@pytest.mark.parametrize("kinds", [("graphs",), ("graphs", "curves", "images")])
def test_a_gallery_can_be_restricted_to_some_kinds(kinds):
    some = shown(kinds)
    assert {i["modality"] for i in some["items"]} == set(kinds)
    assert [k["name"] for k in some["kinds"]] == list(kinds)

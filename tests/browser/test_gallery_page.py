"""The gallery in a real browser: every kind is one click away, thumbnails move where they should, and keys reach everything."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from rkdiff.ui.gallery import shown

SCRIPT = Path(__file__).with_name("gallery_script.py")


@pytest.fixture
def page(visit, serve):
    page = visit(serve(SCRIPT))
    page.get_by_role("tablist").nth(1).wait_for()
    return page


def first_of(kind: str) -> str:
    return next(i["name"] for i in shown()["items"] if i["modality"] == kind)


def moves(page, name: str) -> bool:
    return page.locator(f"[data-name={name}] img").first.get_attribute("src").startswith("data:image/webp")


def test_every_kind_is_one_click_away_and_shows_its_datasets(page):
    strip = page.locator(".strip").first
    for kind in reversed(shown()["kinds"]):
        page.get_by_role("tab", name=kind["title"], exact=True).first.click()
        name = first_of(kind["name"])
        expect(page.get_by_test_id("stText")).to_have_text(f"chosen={name}")
        expect(page.get_by_role("tab", name=kind["title"], exact=True).first).to_have_attribute("aria-selected", "true")
        thumbnail, box = page.locator(f"[data-name={name}]").first, strip.bounding_box()
        expect(thumbnail).to_be_checked()
        at = thumbnail.bounding_box()
        assert box["x"] <= at["x"]
        assert at["x"] + at["width"] <= box["x"] + box["width"] + 1


def test_a_click_moves_nothing_but_the_strip(page):
    below = page.get_by_test_id("stText").bounding_box()
    page.get_by_role("tab", name="Graphs", exact=True).first.click()
    expect(page.get_by_test_id("stText")).to_have_text("chosen=communities")
    assert page.get_by_test_id("stText").bounding_box()["y"] == below["y"]


def test_the_chosen_thumbnail_moves_and_others_while_one_points_at_them(page):
    assert moves(page, "two_moons")
    assert not moves(page, "checkerboard")
    page.locator("[data-name=checkerboard]").first.hover()
    assert moves(page, "checkerboard")
    page.mouse.move(5, 5)
    page.wait_for_function("() => true")
    assert not moves(page, "checkerboard")
    assert moves(page, "two_moons")


def test_arrow_keys_walk_through_datasets_and_kinds(page):
    text = page.get_by_test_id("stText")
    page.locator("[data-name=two_moons]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(text).to_have_text("chosen=checkerboard")
    page.wait_for_function("() => true")
    assert moves(page, "checkerboard")
    page.get_by_role("tab", name="Plane", exact=True).first.focus()
    page.keyboard.press("ArrowRight")
    expect(text).to_have_text(f"chosen={first_of(shown()['kinds'][1]['name'])}")
    page.keyboard.press("Home")
    expect(text).to_have_text("chosen=two_moons")


def test_a_gallery_of_some_kinds_has_their_chips_alone(page):
    assert page.get_by_role("tablist").nth(1).get_by_role("tab").all_inner_texts() == ["Graphs", "Curves"]
    assert page.locator(".strip").nth(1).locator("[data-name=two_moons]").count() == 0


def test_those_who_asked_for_less_motion_see_still_thumbnails(page):
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function("() => matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.locator("[data-name=checkerboard]").first.hover()
    assert not moves(page, "checkerboard")
    assert not moves(page, "two_moons")


def test_it_fits_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    for chip in page.get_by_role("tablist").first.get_by_role("tab").all():
        box = chip.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thumbnails_lie_on_the_ground_of_the_page(browser, browser_context_args, serve, scheme):
    context = browser.new_context(**{**browser_context_args, "color_scheme": scheme, "reduced_motion": "reduce"})
    page = context.new_page()
    page.goto(serve(SCRIPT))
    page.locator("[data-name=two_moons] img").first.wait_for()
    page.locator("[data-name=two_moons] img").first.evaluate("i => i.decode()")
    expect(page.locator(".gallery").first).to_have_class("gallery dark" if scheme == "dark" else "gallery")
    picture = page.locator("[data-name=checkerboard] img").first.screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"), float)
    ground = np.median(np.concatenate([pixels[3, 8:-8], pixels[-4, 8:-8]]))
    assert (ground < 60) if scheme == "dark" else (ground > 240)
    assert np.abs(pixels - ground).max() > 80  # and the points are seen on it
    context.close()

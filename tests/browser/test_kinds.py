"""Objects of every kind in a real browser: drawn, marked where they are not valid, large when one points at them, linked to what pulls."""

from __future__ import annotations

import moving
import pytest
from playwright.sync_api import expect

KINDS = ("curves", "images", "graphs", "strings", "clouds", "tables")
PICTURE = "() => __rk[0].canvas.toDataURL()"
CROP = """([x, y, w, h]) => { const s = __rk[0].renderer.pixel;
  return [...__rk[0].canvas.getContext('2d').getImageData(x * s, y * s, w * s, h * s).data].join() }"""
TILES = "() => __rk[0].renderer.plan.cells[0].tiles"


def paused(scene, open_scene, t=0.62, **kwargs):
    page = open_scene(scene, **kwargs)
    page.evaluate("(t) => __rk[0].seek(t)", t)
    return page


def tile(page, k):
    """The area of a tile's inside, in CSS pixels of the canvas."""
    t = page.evaluate(TILES)
    x, y = t["x"] + (k % t["columns"]) * (t["side"] + 8), t["y"] + 22 + (k // t["columns"]) * t["step"]
    return [x, y, t["side"], t["side"]]


def middle(page, k):
    x, y, w, h = tile(page, k)
    box = page.locator("canvas").bounding_box()
    return box["x"] + x + w / 2, box["y"] + y + h / 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_and_changes_along_the_clock(open_scene, kind):
    page = paused(moving.scene(1, kind=kind, pulled=True), open_scene, 0.3)
    seen = []
    for t in (0.3, 0.55, 0.9):
        page.evaluate("(t) => __rk[0].seek(t)", t)
        x, y, w, h = tile(page, 2)
        seen.append(page.evaluate(CROP, [x + 4, y + 20, w - 8, h - 24]))
    assert len(set(seen)) == 3
    page.evaluate("() => __rk[0].seek(0.3)")
    assert page.evaluate(CROP, [x + 4, y + 20, w - 8, h - 24]) == seen[0]  # the same moment is the same picture


@pytest.mark.parametrize("kind", KINDS)
def test_pointing_at_a_tile_shows_a_card_and_a_click_keeps_it(open_scene, kind):
    page = paused(moving.scene(1, kind=kind), open_scene)
    box = page.evaluate("() => __rk[0].renderer.plan.cells[0].box")
    inside = [box["x"], box["y"], box["width"], box["height"]]
    before = page.evaluate(CROP, inside)
    page.mouse.move(*middle(page, 1))
    shown = page.evaluate(CROP, inside)
    assert shown != before
    page.mouse.click(*middle(page, 1))
    page.mouse.move(2, 2)
    assert page.evaluate("() => __rk[0].follow") == 3
    assert page.evaluate(CROP, inside) != before
    page.evaluate("() => __rk[0].followParticle(null)")
    assert page.evaluate(CROP, inside) == before


@pytest.mark.parametrize("kind", ["strings", "tables", "graphs"])
def test_an_object_that_is_not_valid_is_marked_by_more_than_a_colour(open_scene, kind):
    marked, clean = (paused(moving.scene(1, kind=kind, pulled=p), open_scene) for p in (True, False))
    crops = []
    for page in (marked, clean):
        x, y, w, _ = tile(page, 1)
        crops.append(page.evaluate(CROP, [x + w - 16, y + 2, 14, 14]))
    assert crops[0] != crops[1]  # the cross
    marked.evaluate("() => __rk[0].followParticle(3)")
    assert "not valid" in marked.locator("canvas").get_attribute("aria-label")
    marked.evaluate("() => __rk[0].followParticle(6)")
    assert "not valid" not in marked.locator("canvas").get_attribute("aria-label")


def test_links_are_on_when_a_pulled_particle_is_followed_and_can_be_switched_off(open_scene):
    page = paused(moving.scene(1, kind="curves", pulled=True), open_scene)
    button = page.get_by_role("button", name="Links", exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    rest = page.evaluate(PICTURE)
    button.click()
    assert page.evaluate(PICTURE) == rest  # nobody is followed, so nothing is linked
    button.click()
    page.evaluate("() => __rk[0].followParticle(3)")
    linked = page.evaluate(PICTURE)
    assert "pulled by" in page.locator("canvas").get_attribute("aria-label")
    page.locator(".rk").focus()
    page.keyboard.press("l")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(PICTURE) != linked
    page.evaluate("() => __rk[0].followParticle(4)")  # a particle without a number has no links
    unlinked = page.evaluate(PICTURE)
    page.keyboard.press("l")
    assert page.evaluate(PICTURE) == unlinked


def test_a_scene_without_pulls_offers_no_links(open_scene):
    page = open_scene(moving.scene(1, kind="curves"))
    expect(page.get_by_role("button", name="Links", exact=True)).to_be_hidden()


def test_what_a_string_says_is_said_aloud(open_scene):
    page = paused(moving.scene(1, kind="strings"), open_scene, 1.0)
    page.evaluate("() => __rk[0].followParticle(0)")
    word = bytes(moving.values("strings")[-1, 0]).rstrip(b"\0").decode()
    assert word in page.locator("canvas").get_attribute("aria-label")


@pytest.mark.parametrize("kind", ["strings", "tables", "clouds"])
def test_those_who_asked_for_less_motion_see_the_objects_at_the_end_at_rest(open_scene, kind):
    page = open_scene(moving.scene(1, kind=kind, pulled=True), reduced_motion="reduce")
    draws = page.evaluate("() => __rk[0].draws")
    page.wait_for_timeout(200)
    assert page.evaluate("() => [__rk[0].t, __rk[0].playing, __rk[0].draws]") == [1, False, draws]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_pictures_for_the_eye(open_scene, shots, viewport, scheme):
    for kind in ("strings", "clouds", "tables"):
        page = paused(moving.scene(1, kind=kind, pulled=True), open_scene, viewport=viewport, color_scheme=scheme)
        page.evaluate("() => __rk[0].followParticle(6)")
        page.screenshot(path=shots / f"player-{kind}-{viewport[0]}-{scheme}.png", full_page=True)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= viewport[0]

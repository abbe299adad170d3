"""Objects of every kind in a real browser: drawn, marked where they are not valid, large when one points at them, linked to what pulls."""

from __future__ import annotations

from dataclasses import replace

import moving
import numpy as np
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
    x, y = t["x"] + (k % t["columns"]) * (t["wide"] + 8), t["y"] + 22 + (k // t["columns"]) * t["step"]
    return [x, y, t["wide"], t["side"]]


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


def eight(kind, panels=2, **kwargs):
    """A scene with eight decoded particles in each panel."""
    scene = moving.scene(panels, kind=kind, **kwargs)
    given = replace(moving.objects(kind, 8, 12), particles=np.arange(8) * 3)
    return replace(scene, panels=tuple(replace(p, objects=given) for p in scene.panels))


@pytest.mark.parametrize("kind", KINDS)
def test_two_panels_with_their_tiles_and_the_controls_are_seen_together(open_scene, kind):
    page = paused(eight(kind, labels=True, title="Title"), open_scene, viewport=(1330, 900))
    plan = page.evaluate("() => __rk[0].renderer.plan")
    assert page.evaluate("() => __rk[0].root.offsetHeight") <= 620
    for cell in plan["cells"]:
        tiles = cell["tiles"]
        assert cell["box"]["height"] >= 260
        assert tiles["columns"] == (4 if kind == "tables" else 8)
        assert tiles["y"] + tiles["height"] <= plan["height"]
        assert tiles["columns"] * (tiles["wide"] + 8) - 8 <= tiles["width"]
    if kind == "tables":  # all columns can be read
        assert plan["cells"][0]["tiles"]["fit"] >= len(moving.COLUMNS)


@pytest.mark.parametrize("viewport", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_card_covers_at_most_a_fifth_of_its_panel(open_scene, kind, viewport):
    for panels in (1, 2):
        page = open_scene(eight(kind, panels), viewport)
        for cell in page.evaluate("() => __rk[0].renderer.plan.cells"):
            box, card = cell["box"], cell["tiles"]["card"]
            if card:
                assert card["width"] * card["tall"] <= 0.2 * box["width"] * box["height"] + 1
            assert card or viewport[0] < 500, panels


def test_the_caption_offers_a_click_only_where_the_card_says_more(open_scene):
    for viewport in ((1440, 900), (390, 844)):
        tiles = open_scene(eight("tables"), viewport).evaluate("() => __rk[0].renderer.plan.cells[0].tiles")
        assert ("click" in tiles["said"]) == bool(tiles["card"]) == (viewport[0] == 1440)


@pytest.mark.parametrize("t", [0.0, 0.5, 1.0])
def test_numbers_of_particles_stay_within_their_panel(open_scene, t):
    scene = eight("curves", 1)
    far = replace(scene.panels[0].trajectory, x=scene.panels[0].trajectory.x * 2.4)
    page = paused(replace(scene, panels=(replace(scene.panels[0], trajectory=far),)), open_scene, t)
    places = page.evaluate(
        """() => { const p = __rk[0], { box } = p.renderer.plan.cells[0];
             return p.scene.panels[0].objects.particles.map((k) => p.numberAt(0, k)).map(([x, y]) =>
               Math.min(x - box.x, y - box.y, box.x + box.width - x, box.y + box.height - y)) }"""
    )
    assert min(places) >= 9.5


def test_values_a_curve_was_asked_to_pass_are_dots_on_its_tile(open_scene):
    scene = eight("curves", 1)
    flat = replace(scene.panels[0].objects, values=np.full((5, 8, 20), 0.2), nearest=None, pull=None, pull_weights=None)
    darkest = []
    for place in (0.25, 0.75):
        panel = replace(scene.panels[0], objects=replace(flat, marks=np.array([[place, 0.9]])))
        page = paused(replace(scene, panels=(panel,)), open_scene)
        x, y, w, h = tile(page, 1)
        spot = [x + (0.08 + 0.84 * 0.25) * w - 2, y + 0.08 * h - 2, 4, 4]
        darkest.append(min(int(v) for v in page.evaluate(CROP, spot).split(",")))
    assert darkest[0] < 90  # the ink of a dot
    assert darkest[1] > 200  # the ground of the tile


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_pictures_for_the_eye(open_scene, shots, viewport, scheme):
    for kind in ("strings", "clouds", "tables"):
        page = paused(moving.scene(1, kind=kind, pulled=True), open_scene, viewport=viewport, color_scheme=scheme)
        page.evaluate("() => __rk[0].followParticle(6)")
        page.screenshot(path=shots / f"player-{kind}-{viewport[0]}-{scheme}.png", full_page=True)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= viewport[0]

"""A person draws a cloud: points fall where the pointer goes, the clock rests, and the page hears of it once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import moving
import numpy as np
import pytest
from playwright.sync_api import expect

SCRIPT = Path(__file__).with_name("stage_script.py")
PHONE = (390, 844)
PICTURE = "() => __rk[0].canvas.toDataURL()"
LISTEN = "() => { window.told = []; __rk[0].reportDrawn = (drawn) => told.push(drawn) }"
BOX = """([which, i]) => { const p = which(__rk), b = p.renderer.plan.cells[i].box, c = p.canvas.getBoundingClientRect();
  return [b.x + c.left, b.y + c.top, b.width, b.height] }"""


def canvas(open_scene, panels: int = 2, **kwargs):
    """A page that listens, with the brush taken."""
    page = open_scene(replace(moving.scene(panels), drawing=True), **kwargs)
    page.evaluate(LISTEN)
    button(page, "Draw").click()
    return page


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def box(page, i: int = 0, which: str = "(all) => all[0]"):
    return page.evaluate(BOX.replace("which(__rk)", f"({which})(__rk)").replace("[which, i]", "i"), i)


def stroke(page, points, i: int = 0, **kwargs):
    """Drag through points given as shares of a panel's box."""
    x, y, w, h = box(page, i, **kwargs)
    places = [(x + w * p, y + h * q) for p, q in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def told(page):
    return page.evaluate("() => told")


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_a_clock_calls_its_ends_as_the_scene_does(open_scene, direction):
    ends = ("your cloud", "the mixture")
    page = open_scene(replace(moving.scene(direction=direction), ends=ends))
    shown = [page.locator(f'[data-rk="{name}"]').inner_text() for name in ("from", "to")]
    assert shown == list(ends if direction == "backward" else ends[::-1])


def test_only_a_scene_that_allows_it_is_drawn_on(open_scene):
    page = open_scene(moving.scene())
    for name in ("Draw", "Undo stroke", "Clear"):
        expect(button(page, name)).to_be_hidden()
    page.locator(".rk").focus()
    page.keyboard.press("b")
    assert not page.evaluate("() => __rk[0].sketch.on")


def test_a_stroke_sprays_points_around_its_way_and_is_told_once_when_it_is_let_go(open_scene):
    page = canvas(open_scene)
    page.evaluate("() => __rk[0].seek(0.25)")
    before = page.evaluate(PICTURE)
    x, y, w, h = box(page, 1)
    page.mouse.move(x + 0.3 * w, y + 0.5 * h)
    page.mouse.down()
    page.mouse.move(x + 0.7 * w, y + 0.5 * h, steps=8)
    assert told(page) == []
    assert page.evaluate(PICTURE) != before  # shown at once
    page.mouse.up()
    (drawn,) = told(page)
    assert (drawn["panel"], drawn["t"]) == (1, 0.25)
    points = np.array(drawn["points"])
    x0, x1, y0, y1 = moving.VIEW
    unit = max((x1 - x0) / w, (y1 - y0) / h)  # data coordinates of a pixel
    left, right = (-0.2 * w * unit, 0.2 * w * unit)
    assert len(points) > 0.4 * w / 8
    assert np.abs(points[:, 1]).max() < 60 * unit  # around the middle of the view, within the soft edge of the brush
    assert left - 60 * unit < points[:, 0].min() < left + 60 * unit
    assert right - 60 * unit < points[:, 0].max() < right + 60 * unit
    assert (np.round(points, 3) == points).all()


def test_holding_the_pointer_still_goes_on_spraying(open_scene):
    page = canvas(open_scene)
    x, y, w, h = box(page)
    page.mouse.move(x + w / 2, y + h / 2)
    page.mouse.down()
    first = page.evaluate("() => __rk[0].sketch.count")
    page.wait_for_function("(n) => __rk[0].sketch.count > n + 8", arg=first)
    page.mouse.up()
    assert len(told(page)) == 1


def test_taking_the_brush_and_pressing_stop_the_clock_and_playing_goes_on_afterwards(open_scene):
    page = open_scene(replace(moving.scene(1), drawing=True))
    button(page, "Draw").click()
    assert not page.evaluate("() => __rk[0].playing")
    button(page, "Play").click()
    page.wait_for_function("() => __rk[0].playing")
    stroke(page, [(0.4, 0.4), (0.6, 0.6)])
    assert not page.evaluate("() => __rk[0].playing")
    button(page, "Draw").click()
    count = page.evaluate("() => __rk[0].sketch.count")
    t = page.evaluate("() => __rk[0].t")
    button(page, "Play").click()
    page.wait_for_function("(t) => __rk[0].t > t + 0.05 || __rk[0].t < t", arg=t)
    assert page.evaluate("() => __rk[0].sketch.count") == count > 0  # what is drawn stays


def test_a_stroke_is_taken_back_and_everything_is_cleared(open_scene):
    page = canvas(open_scene)
    for name in ("Undo stroke", "Clear"):
        expect(button(page, name)).to_be_disabled()
    empty = page.evaluate("() => { __rk[0].sketch.at = null; __rk[0].draw(); return __rk[0].canvas.toDataURL() }")
    stroke(page, [(0.2, 0.3), (0.4, 0.3)])
    stroke(page, [(0.6, 0.7), (0.8, 0.7)])
    one, both = told(page)
    assert both["points"][: len(one["points"])] == one["points"]
    button(page, "Undo stroke").click()
    assert told(page)[-1] == one
    stroke(page, [(0.6, 0.7), (0.8, 0.7)])
    button(page, "Clear").click()
    assert told(page)[-1] is None
    assert len(told(page)) == 5
    page.mouse.move(0, 0)
    page.wait_for_function("(seen) => __rk[0].canvas.toDataURL() === seen", arg=empty)


def test_a_stroke_on_another_panel_begins_another_cloud(open_scene):
    page = canvas(open_scene)
    stroke(page, [(0.2, 0.3), (0.4, 0.3)], 0)
    stroke(page, [(0.2, 0.3), (0.4, 0.3)], 1)
    first, second = told(page)
    assert (first["panel"], second["panel"]) == (0, 1)
    assert page.evaluate("() => __rk[0].sketch.count") == len(second["points"])


def test_no_more_than_1500_points_are_drawn_and_none_beside_the_picture(open_scene):
    page = canvas(open_scene, 1)
    stroke(page, [(0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98), (0.02, 0.02)])
    page.evaluate(
        """() => { const s = __rk[0].sketch, b = __rk[0].renderer.plan.cells[0].box, at = (p, q) => [b.x + b.width * p, b.y + b.height * q];
             s.begin(at(0, 0)); for (let k = 0; k < 60; k++) s.move(at(k % 2, (k % 7) / 7)); s.end() }"""
    )
    points = np.array(told(page)[-1]["points"])
    assert len(points) == 1500
    _, _, w, h = box(page)
    x0, x1, y0, y1 = moving.VIEW
    unit = max((x1 - x0) / w, (y1 - y0) / h)
    assert np.abs(points[:, 0]).max() <= 0.5 * w * unit + 0.01
    assert np.abs(points[:, 1]).max() <= 0.5 * h * unit + 0.01


def test_the_keyboard_goes_on_working_while_the_brush_is_taken(open_scene):
    page = canvas(open_scene, 1)
    page.locator(".rk").focus()
    page.keyboard.press("End")
    assert page.evaluate("() => __rk[0].t") == 1
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.matches('.rk button')")
    page.keyboard.press("Escape")
    expect(button(page, "Draw")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("b")
    expect(button(page, "Draw")).to_have_attribute("aria-pressed", "true")


def test_without_the_brush_a_press_follows_a_particle_and_draws_nothing(open_scene):
    page = open_scene(replace(moving.scene(1, n=12), drawing=True))
    page.evaluate(LISTEN)
    page.evaluate("() => __rk[0].seek(0.5)")
    at, c = page.evaluate("() => __rk[0].place(0, 3)"), page.locator("canvas").bounding_box()
    page.mouse.click(c["x"] + at["x"], c["y"] + at["y"])
    assert page.evaluate("() => __rk[0].follow") == 3
    button(page, "Draw").click()
    page.mouse.click(c["x"] + at["x"], c["y"] + at["y"])
    assert page.evaluate("() => __rk[0].follow") == 3  # with it, the same press draws
    assert len(told(page)) == 1


def test_a_finger_draws_and_the_page_does_not_scroll_under_it(open_scene):
    page = canvas(open_scene, 1, viewport=PHONE, has_touch=True, is_mobile=True)
    x, y, w, h = box(page)
    client = page.context.new_cdp_session(page)
    for kind, share in [("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.6), ("touchMove", 0.8), ("touchEnd", None)]:
        places = [] if share is None else [{"x": x + w / 2, "y": y + h * share}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    page.wait_for_function("() => told.length === 1")
    points = np.array(told(page)[0]["points"])
    assert np.ptp(points[:, 1]) > 0.3 * (moving.VIEW[3] - moving.VIEW[2])
    assert page.evaluate("() => scrollY") == 0


def test_a_new_scene_keeps_what_is_drawn_where_its_panel_stays(open_scene):
    import base64

    from rkdiff.player import pack

    page = canvas(open_scene)
    load = "(text) => __rk[0].load(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))"
    stroke(page, [(0.2, 0.3), (0.4, 0.3)], 1)
    count = page.evaluate("() => __rk[0].sketch.count")
    three, one = (replace(moving.scene(n), drawing=True) for n in (3, 1))
    page.evaluate(load, base64.b64encode(pack(three, run="other")).decode())
    assert page.evaluate("() => [__rk[0].sketch.count, __rk[0].sketch.on]") == [count, True]
    page.evaluate(load, base64.b64encode(pack(one, run="third")).decode())
    assert page.evaluate("() => __rk[0].sketch.count") == 0


@pytest.fixture
def page_with_stage(visit, serve):
    page = visit(serve(SCRIPT), wait=False)
    page.wait_for_function("() => window.__rk?.length === 2 && __rk.every((p) => p.draws > 0)")
    return page


def test_the_drawn_cloud_reaches_the_script_and_goes_when_it_is_cleared(page_with_stage):
    page = page_with_stage
    expect(page.get_by_text("nothing drawn")).to_be_visible()
    page.evaluate("() => __rk.find((p) => p.scene.frames > 1).seek(0.5)")
    expect(page.get_by_test_id("stText")).to_have_text("t=0.500 follow=None")
    button(page, "Draw").click()
    stroke(page, [(0.3, 0.5), (0.7, 0.5)], 1, which="(all) => all.find((p) => p.scene.frames > 1)")
    count = page.evaluate("() => __rk.find((p) => p.scene.frames > 1).sketch.count")
    assert count > 5
    expect(page.get_by_text(f"drawn {count} on 1 at 0.50")).to_be_visible()
    button(page, "Clear").click()
    expect(page.get_by_text("nothing drawn")).to_be_visible()

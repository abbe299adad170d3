"""The player in a real browser, from a file: no server, no network."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import moving
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from rkdiff.player import pack

PHONE = (390, 844)
STATE = "() => { const p = __rk[0]; return { t: p.t, playing: p.playing, follow: p.follow, draws: p.draws, digest: p.digest } }"
PICTURE = "() => __rk[0].canvas.toDataURL()"
BOXES = """() => {
  const p = __rk[0];
  return { boxes: p.renderer.plan.cells.map((c) => c.box), tiles: p.renderer.plan.cells.map((c) => c.tiles),
           width: p.renderer.plan.width, height: p.renderer.plan.height, scroll: document.documentElement.scrollWidth };
}"""


def state(page):
    return page.evaluate(STATE)


def load(page, data: bytes):
    text = base64.b64encode(data).decode()
    page.evaluate("(text) => __rk[0].load(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))", text)


def spot(page, panel: int, particle: int):
    """Where a particle is on the screen."""
    at = page.evaluate("([i, k]) => __rk[0].place(i, k)", [panel, particle])
    box = page.locator("canvas").bounding_box()
    return box["x"] + at["x"], box["y"] + at["y"]


def focus(page):
    page.locator(".rk").focus()


def paused(scene, open_scene, t: float = 0.5, **kwargs):
    page = open_scene(scene, **kwargs)
    page.evaluate("(t) => __rk[0].seek(t)", t)
    return page


def test_it_moves_with_no_click(open_scene):
    page = open_scene(moving.scene())
    first, seen = state(page), page.evaluate(PICTURE)
    page.wait_for_function("(t) => __rk[0].t > t + 0.05", arg=first["t"])
    now = state(page)
    assert now["playing"]
    assert now["draws"] > first["draws"] + 2
    assert page.evaluate(PICTURE) != seen


def test_it_holds_at_the_end_and_starts_again(open_scene):
    page = open_scene(moving.scene())
    page.evaluate("() => { __rk[0].state.t = 0.97; __rk[0].state.speed = 4 }")
    page.wait_for_function("() => __rk[0].t === 1")
    page.wait_for_timeout(300)
    assert state(page)["t"] == 1
    page.wait_for_function("() => __rk[0].t < 0.5")
    assert state(page)["playing"]


def test_particles_are_drawn_where_the_scene_puts_them_in_the_colour_of_their_panel(open_scene):
    page = paused(moving.scene(1, n=1), open_scene, 1.0)
    page.evaluate("() => { for (const l of ['trails', 'density', 'target']) if (__rk[0].state.layers[l]) __rk[0].layer(l) }")
    plan = page.evaluate(BOXES)
    box = plan["boxes"][0]
    x0, x1, y0, y1 = moving.VIEW
    scale = min(box["width"] / (x1 - x0), box["height"] / (y1 - y0))
    want = (box["x"] + box["width"] / 2 + (-1 - 0) * scale, box["y"] + box["height"] / 2 - (-0.5 - 0) * scale)
    at = page.evaluate("() => __rk[0].place(0, 0)")
    assert (at["x"], at["y"]) == pytest.approx(want, abs=0.75)
    picture = page.evaluate(PICTURE).split(",")[1]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"), float)
    x, y = round(at["x"]), round(at["y"])
    assert pixels[y, x].sum() < 300  # the dark grey of "exact"
    assert pixels[y, x + 12].sum() > 700  # the light ground


def test_every_key_does_what_its_label_says(open_scene):
    page = open_scene(moving.scene(), pack={"frames": 41})
    focus(page)
    page.keyboard.press("Space")
    assert not state(page)["playing"]
    for keys, want in [
        (["Home"], 0), (["ArrowRight"], 1 / 40), (["Shift+ArrowRight"], 11 / 40), (["ArrowLeft"], 10 / 40),
        (["Shift+ArrowLeft"], 0), (["End"], 1), (["ArrowRight"], 1), (["ArrowLeft", "ArrowLeft"], 38 / 40),
    ]:  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        assert state(page)["t"] == pytest.approx(want, abs=1e-9), keys
    speed = page.get_by_label("Speed")
    page.keyboard.press("+")
    expect(speed).to_have_value("2")
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(speed).to_have_value("0.5")
    for key, name in [("t", "Trails"), ("a", "Arrows"), ("d", "Density")]:
        button = page.get_by_role("button", name=name, exact=True)
        before, was = page.evaluate(PICTURE), button.get_attribute("aria-pressed")
        page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") != was
        assert page.evaluate(PICTURE) != before, name
    page.evaluate("() => __rk[0].followParticle(3)")
    page.keyboard.press("Escape")
    assert state(page)["follow"] is None
    page.keyboard.press("Space")
    assert state(page)["playing"]


def test_buttons_play_pause_step_and_choose_the_speed(open_scene):
    page = open_scene(moving.scene(), pack={"frames": 21})
    page.get_by_role("button", name="Pause").click()
    page.evaluate("() => __rk[0].seek(0.5)")
    page.get_by_role("button", name="One frame forward").click()
    assert state(page)["t"] == pytest.approx(0.55)
    page.get_by_role("button", name="One frame back").click()
    page.get_by_role("button", name="One frame back").click()
    assert state(page)["t"] == pytest.approx(0.45)
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => __rk[0].t > 0.6")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_dragging_the_slider_scrubs_smoothly_and_stops_the_clock(open_scene):
    page = open_scene(moving.scene())
    box = page.get_by_label("Time").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.2 * box["width"], y)
    page.mouse.down()
    seen = []
    for share in (0.3, 0.45, 0.6, 0.75):
        page.mouse.move(box["x"] + share * box["width"], y)
        seen.append(state(page)["t"])
    page.mouse.up()
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(0.75, abs=0.02)
    page.wait_for_timeout(200)
    assert state(page)["t"] == seen[-1]
    assert not state(page)["playing"]
    expect(page.locator("output")).to_have_text(f"{round(100 * seen[-1])} %")


def test_a_click_follows_the_particle_in_every_panel_and_a_click_beside_lets_go(open_scene):
    page = paused(moving.scene(3, n=12), open_scene)
    before = page.evaluate(PICTURE)
    page.mouse.click(*spot(page, 1, 7))
    assert state(page)["follow"] == 7
    assert page.evaluate(PICTURE) != before
    for i in range(3):  # a ring in the colour of the text around it, in each panel
        ring = page.evaluate(
            """([i, k]) => { const p = __rk[0], at = p.place(i, k), s = p.renderer.pixel;
                 return [...p.canvas.getContext('2d').getImageData((at.x + 7.5) * s, at.y * s, 1, 1).data] }""",
            [i, 7],
        )
        assert sum(ring[:3]) < 250, f"panel {i}"
    assert "Following particle 8" in page.locator("canvas").get_attribute("aria-label")
    box = page.locator("canvas").bounding_box()
    corner = page.evaluate(BOXES)["boxes"][0]
    page.mouse.click(box["x"] + corner["x"] + 6, box["y"] + corner["y"] + corner["height"] - 6)
    assert state(page)["follow"] is None
    page.mouse.move(0, 0)
    assert page.evaluate(PICTURE) == before


def test_the_same_moment_is_the_same_picture_whichever_way_one_came(open_scene):
    page = paused(moving.scene(2, kind="curves", labels=True), open_scene, 0.5)
    direct = page.evaluate(PICTURE)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => __rk[0].t > 0.6")
    page.evaluate("() => __rk[0].seek(0.5)")
    assert page.evaluate(PICTURE) == direct


@pytest.mark.parametrize("viewport", [(1440, 900), PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("kind", ["", "graphs"], ids=["points", "graphs"])
def test_one_to_six_panels_lie_within_the_picture_and_do_not_overlap(open_scene, viewport, kind):
    page = open_scene(moving.scene(1, kind=kind), viewport)
    for n in range(1, 7):
        load(page, pack(moving.scene(n, kind=kind), 10))
        plan = page.evaluate(BOXES)
        parts = [*plan["boxes"], *(t for t in plan["tiles"] if t)]
        assert len(plan["boxes"]) == n
        assert plan["scroll"] <= viewport[0]
        for p in parts:
            assert p["x"] >= 0
            assert p["y"] >= 0
            assert p["x"] + p["width"] <= plan["width"] + 1
            assert p["y"] + p["height"] <= plan["height"] + 1
        for i, p in enumerate(parts):
            for q in parts[i + 1 :]:
                across = p["x"] + p["width"] <= q["x"] or q["x"] + q["width"] <= p["x"]
                along = p["y"] + p["height"] <= q["y"] + 1 or q["y"] + q["height"] <= p["y"] + 1
                assert across or along, (n, p, q)
        assert min(b["width"] for b in plan["boxes"]) >= 150


@pytest.mark.parametrize("kind", ["curves", "images", "graphs"])
def test_decoded_objects_change_with_the_clock_and_a_click_on_one_follows_its_particle(open_scene, kind):
    page = paused(moving.scene(2, kind=kind), open_scene, 0.2)
    tile = page.evaluate(BOXES)["tiles"][1]
    crop = """([x, y, w, h]) => { const s = __rk[0].renderer.pixel;
      return [...__rk[0].canvas.getContext('2d').getImageData(x * s, y * s, w * s, h * s).data].join() }"""
    area = [tile["x"] + 20, tile["y"] + 42, tile["side"] - 22, tile["side"] - 22]
    before = page.evaluate(crop, area)
    page.evaluate("() => __rk[0].seek(0.8)")
    assert page.evaluate(crop, area) != before
    box = page.locator("canvas").bounding_box()
    second = tile["x"] + tile["side"] + 8 + tile["side"] / 2
    page.mouse.click(box["x"] + second, box["y"] + tile["y"] + 22 + tile["side"] / 2)
    assert state(page)["follow"] == 3


def test_forward_and_back_plays_the_noising_cloud_first(open_scene):
    page = paused(moving.scene(1, "both"), open_scene, 0.0)
    start = page.evaluate("() => [...__rk[0].renderer.heads[0]]")
    assert len(start) == 2 * 24  # the noising cloud has its own particles
    page.evaluate("() => __rk[0].seek(1)")
    end = page.evaluate("() => [...__rk[0].renderer.heads[0]]")
    assert len(end) == 2 * 40
    assert (start[1], start[-1]) == pytest.approx((end[1], end[-1]), abs=1)  # both stand at the data
    assert page.locator(".rk-ends").inner_text().split() == ["data", "noise", "data"]


def test_forward_plays_from_the_data_to_the_noise(open_scene):
    page = paused(replace(moving.scene(1), direction="forward"), open_scene, 0.0)
    at = [page.evaluate("() => __rk[0].place(0, 0)")]
    page.evaluate("() => __rk[0].seek(1)")
    at.append(page.evaluate("() => __rk[0].place(0, 0)"))
    assert at[1]["x"] > at[0]["x"] + 50  # from x = -1 on the segment to x = 1.2 on the ring
    assert page.locator(".rk-ends").inner_text().split() == ["data", "noise"]


def test_a_single_moment_is_shown_without_a_clock(open_scene):
    page = open_scene(moving.scene(2, steps=1))
    assert page.locator(".rk-bar").is_hidden()
    draws = state(page)["draws"]
    page.wait_for_timeout(300)
    assert state(page)["draws"] == draws
    focus(page)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert not state(page)["playing"]


def test_live_snapshots_glide_to_their_place_on_the_same_canvas(open_scene):
    page = open_scene(moving.scene(1, steps=1))
    old = page.evaluate("() => __rk[0].place(0, 0)")
    later = moving.scene(1, steps=1)
    moved = replace(later.panels[0].trajectory, x=later.panels[0].trajectory.x + [0.6, 0.0])
    load(page, pack(replace(later, panels=(replace(later.panels[0], trajectory=moved),))))
    between = page.evaluate("() => __rk[0].place(0, 0)")
    page.wait_for_function("() => __rk[0].glide === null")
    new = page.evaluate("() => __rk[0].place(0, 0)")
    assert old["x"] <= between["x"] < new["x"]
    assert new["x"] > old["x"] + 40
    assert page.evaluate("() => __rk.length") == 1


def test_equal_bytes_change_nothing_new_bytes_keep_the_clock_and_a_new_run_starts_over(open_scene):
    page = paused(moving.scene(), open_scene, 0.6, pack={"run": "a"})
    page.evaluate("() => { __rk[0].followParticle(5); __rk[0].setSpeed(2) }")
    before = state(page)
    load(page, pack(moving.scene(), run="a"))
    assert state(page) == before
    load(page, pack(moving.scene(), 30, run="a"))
    now = state(page)
    assert now["digest"] != before["digest"]
    assert (now["t"], now["playing"], now["follow"]) == (0.6, False, 5)
    load(page, pack(moving.scene(3), run="b"))
    now = state(page)
    assert now["t"] < 0.1
    assert now["playing"]
    assert now["follow"] is None
    expect(page.get_by_label("Speed")).to_have_value("2")


def test_those_who_asked_for_less_motion_see_the_end_at_rest(open_scene):
    page = open_scene(moving.scene(), reduced_motion="reduce")
    page.wait_for_timeout(200)
    assert state(page)["t"] == 1
    assert not state(page)["playing"]
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => __rk[0].t > 0.02 && __rk[0].t < 1")


def test_a_change_of_theme_repaints_a_resting_picture(open_scene):
    page = paused(moving.scene(), open_scene)
    light = page.evaluate(PICTURE)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => __rk[0].theme.name === 'dark'")
    assert page.evaluate(PICTURE) != light
    page.emulate_media(color_scheme="light")
    page.wait_for_function("() => __rk[0].theme.name === 'light'")
    page.wait_for_function("(old) => __rk[0].canvas.toDataURL() === old", arg=light)


def test_a_change_of_size_lays_out_again(open_scene):
    page = paused(moving.scene(4), open_scene)
    wide = page.evaluate(BOXES)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("(w) => __rk[0].renderer.plan.width < w", arg=wide["width"])
    assert page.evaluate(BOXES)["scroll"] <= 390


def test_full_screen_gives_the_picture_the_whole_screen(open_scene):
    page = paused(moving.scene(2), open_scene)
    before = page.evaluate(BOXES)["boxes"][0]
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("() => document.fullscreenElement === __rk[0].root")
    page.wait_for_function("(h) => __rk[0].renderer.plan.cells[0].box.height > h", arg=before["height"])
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("(h) => __rk[0].renderer.plan.cells[0].box.height === h", arg=before["height"])


def test_controls_have_names_and_fingers_find_them(open_scene):
    page = open_scene(moving.scene(1), PHONE, has_touch=True, is_mobile=True)
    for part in page.locator(".rk button:visible, .rk select:visible, .rk input:visible").all():
        name = part.get_attribute("aria-label") or part.inner_text()
        box = part.bounding_box()
        assert name.strip()
        assert box["height"] >= 44, name
        assert box["width"] >= 44, name
    label = page.locator("canvas").get_attribute("aria-label")
    assert label.startswith("One panel: Method 1. 40 particles.")
    assert page.locator("canvas").get_attribute("role") == "img"


def test_the_saved_picture_is_a_png_of_everything(open_scene):
    page = paused(moving.scene(2, title="Two Moons & more"), open_scene)
    with page.expect_download() as event:
        page.get_by_role("button", name="Save picture").click()
    assert event.value.suggested_filename == "two-moons-more.png"
    picture = Image.open(event.value.path())
    plan = page.evaluate(BOXES)
    assert picture.size == (round(plan["width"]) + 48, round(plan["height"]) + 48)
    assert len(set(picture.convert("RGB").resize((64, 64)).get_flattened_data())) > 20


def test_texts_of_a_scene_stay_texts(open_scene):
    evil = '</script><img src="x" onerror="document.title=1">'
    scene = moving.scene(1, title=evil)
    page = open_scene(replace(scene, panels=(replace(scene.panels[0], title=evil, notes=(evil,)),)))
    assert page.locator("img").count() == 0
    assert page.title() == evil


def test_damaged_bytes_are_named_and_the_old_scene_plays_on(open_scene):
    page = paused(moving.scene(), open_scene)
    message = page.evaluate(
        "() => { try { __rk[0].load(new Uint8Array([9, 0, 0, 0, 1, 2])); return '' } catch (e) { return e.message } }"
    )
    assert message
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => __rk[0].t > 0.55")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [(1440, 900), PHONE], ids=["desktop", "phone"])
def test_pictures_for_the_eye(open_scene, shots, viewport, scheme):
    scale = 2 if viewport == PHONE else 1
    for name, scene in [
        ("two", moving.scene(2, n=1500, labels=True)),
        ("graphs", moving.scene(2, kind="graphs", title="Graphs")),
    ]:
        page = paused(scene, open_scene, 0.7, viewport=viewport, color_scheme=scheme, device_scale_factor=scale)
        file = shots / f"player-{name}-{viewport[0]}-{scheme}.png"
        page.screenshot(path=file, full_page=True)
        ground = np.asarray(Image.open(file).convert("L"), float)[2, 2]
        assert (ground < 60) == (scheme == "dark")

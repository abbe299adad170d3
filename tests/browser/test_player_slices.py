"""The slices of a sliced flow in a real browser: shown, chosen and followed along the clock."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import replace

import moving
import numpy as np
import pytest
from moving_slices import LINES, sliced, slices
from PIL import Image
from playwright.sync_api import expect

from rkdiff.player import pack
from rkdiff.player.blob import split

PHONE = (390, 844)
PICTURE = "() => __rk[0].canvas.toDataURL()"
WORDS = "() => __rk[0].canvas.getAttribute('aria-label')"


def rest(page, t: float):
    page.evaluate("(t) => __rk[0].seek(t)", t)


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def dial(page, angle: float) -> tuple[float, float]:
    """Where on the screen the dial of the last panel has an angle."""
    at = page.evaluate(
        """() => { const p = __rk[0], b = p.renderer.plan.cells.at(-1).box, c = p.canvas.getBoundingClientRect();
             return [c.left + b.x + b.width / 2, c.top + b.y + b.height / 2, Math.min(b.width, b.height) / 2 - 13] }"""
    )
    return at[0] + at[2] * math.cos(angle), at[1] - at[2] * math.sin(angle)


def degrees(page) -> int:
    """The angle that the words name."""
    words = page.evaluate(WORDS)
    return int(words.split("direction at ")[1].split("°")[0])


def degree(a: int, k: int) -> int:
    return round(math.degrees(math.atan2(*slices().theta[a, k][::-1])) % 180)


def test_slices_are_one_click_away_and_gone_with_another(open_scene):
    page = open_scene(sliced(shown=False))
    rest(page, 0.5)
    without, height = page.evaluate(PICTURE), page.locator("canvas").bounding_box()["height"]
    expect(button(page, "Next direction")).to_be_hidden()
    button(page, "Slices").click()
    assert page.evaluate(PICTURE) != without
    assert "direction at" in page.evaluate(WORDS)
    plan = page.evaluate("() => { const { cells, height } = __rk[0].renderer.plan; return [cells[0].box, height] }")
    assert plan[1] - (plan[0]["y"] + plan[0]["height"]) > 100  # the strip stands under the picture
    button(page, "Slices").click()
    assert page.evaluate(PICTURE) == without
    assert page.locator("canvas").bounding_box()["height"] == height
    page.locator(".rk").focus()
    page.keyboard.press("s")
    expect(button(page, "Slices")).to_have_attribute("aria-pressed", "true")


def test_a_row_without_slices_keeps_no_room_for_their_strip(open_scene):
    scene = sliced(3)
    page = open_scene(
        replace(scene, panels=scene.panels[::-1]), PHONE
    )  # the flow comes first, the last panel has a row of its own
    cells, height = page.evaluate("() => [__rk[0].renderer.plan.cells.map((c) => c.box), __rk[0].renderer.plan.height]")
    assert cells[2]["y"] - cells[0]["y"] - cells[0]["height"] > 110
    assert height - cells[2]["y"] - cells[2]["height"] < 40


def test_a_direction_that_leaves_the_plane_is_only_seen_at_an_angle(open_scene):
    scene = sliced()
    (panel,) = scene.panels
    part = replace(panel.slices, theta=0.5 * panel.slices.theta)
    page = open_scene(replace(scene, panels=(replace(panel, slices=part),)))
    rest(page, 0.5)
    assert "direction seen at" in page.evaluate(WORDS)
    assert "direction at" not in page.evaluate(WORDS)


def test_a_scene_without_slices_offers_none_and_one_that_asks_for_them_starts_with_them(open_scene):
    page = open_scene(moving.scene())
    expect(button(page, "Slices")).to_be_hidden()
    expect(button(page, "Next direction")).to_be_hidden()
    page = open_scene(sliced(2))
    expect(button(page, "Slices")).to_have_attribute("aria-pressed", "true")
    expect(button(page, "Next direction")).to_be_visible()


def test_the_next_direction_goes_round_and_a_key_goes_back(open_scene):
    page = open_scene(sliced())
    rest(page, 0.1)
    seen = [degrees(page)]
    for _ in range(LINES):
        button(page, "Next direction").click()
        seen.append(degrees(page))
    assert sorted(seen[:LINES]) == sorted(degree(0, k) for k in range(LINES))
    assert seen[LINES] == seen[0]
    page.locator(".rk").focus()
    page.keyboard.press("n")
    assert degrees(page) == seen[1]
    page.keyboard.press("Shift+N")
    assert degrees(page) == seen[0]


def test_pointing_at_the_dial_tries_a_direction_and_a_click_keeps_it(open_scene):
    page = open_scene(sliced(2))
    rest(page, 0.1)
    first, before = degrees(page), page.evaluate(PICTURE)
    page.mouse.move(*dial(page, 2.0))
    assert page.evaluate("() => __rk[0].state.sliceHover") == pytest.approx(2.0, abs=0.02)
    assert page.evaluate(PICTURE) != before
    page.mouse.move(0, 0)
    assert page.evaluate(PICTURE) == before
    page.mouse.click(*dial(page, 2.0 + math.pi))  # a line has two ends
    page.mouse.move(0, 0)
    assert degrees(page) == degree(0, round(2.0 * LINES / math.pi)) != first
    assert page.evaluate("() => __rk[0].follow") is None


def test_a_finger_on_the_dial_chooses_too(open_scene):
    page = open_scene(sliced(), PHONE, has_touch=True, is_mobile=True)
    rest(page, 0.1)
    page.touchscreen.tap(*dial(page, 2.0))
    assert degrees(page) == degree(0, round(2.0 * LINES / math.pi))


def test_directions_hold_between_moments_while_the_particles_come_to_their_data(open_scene):
    page = open_scene(sliced())
    given, far = slices(), []
    for t in (0.0, 0.1, 0.19, 0.3, 0.99):
        rest(page, t)
        far.append(float(re.search(r"W₂ along it ([0-9.]+)\. ", page.evaluate(WORDS) + " ")[1]))
        a = min(int(t * 5 + 1e-6), 4)
        assert degrees(page) in {degree(a, k) for k in range(LINES)}
        w = t * 5 - a
        gap = (1 - w) * given.source[a, 0] + w * given.later[a, 0] - given.target[a, 0]
        assert far[-1] == pytest.approx(np.sqrt((gap**2).mean()), abs=0.006)
    assert far == sorted(far, reverse=True)


def test_the_pull_on_the_followed_particle_is_drawn_in_the_hue_of_its_panel(open_scene):
    scene = sliced()
    page = open_scene(replace(scene, panels=(replace(scene.panels[0], hue="model"),)))
    rest(page, 0.1)
    page.evaluate(
        "() => { for (const l of ['trails', 'density', 'target', 'arrows']) if (__rk[0].state.layers[l]) __rk[0].layer(l) }"
    )
    pixels = """() => { const p = __rk[0], b = p.renderer.plan.cells[0].box;
      const d = p.canvas.getContext('2d').getImageData(b.x, b.y, b.width, b.height).data;
      let n = 0;
      for (let i = 0; i < d.length; i += 4) if (Math.abs(d[i] - 213) + Math.abs(d[i + 1] - 94) + d[i + 2] < 12) n++;
      return n }"""
    drawn = []
    for k in range(0, 40, 5):
        page.evaluate("(k) => __rk[0].followParticle(k)", k)
        drawn.append(page.evaluate(pixels))
    page.evaluate("() => __rk[0].followParticle(null)")
    assert max(drawn) > page.evaluate(pixels) + 15


def test_slices_that_do_not_fit_each_other_are_refused_and_the_old_scene_plays_on(open_scene):
    page = open_scene(sliced())
    rest(page, 0.5)
    before = page.evaluate(PICTURE)
    data = pack(sliced(2))
    header, _ = split(data)
    shape = str(header["panels"][1]["slices"]["later"]["shape"]).replace(" ", "").encode()
    for hostile in (data.replace(shape, b"[5,6,1]"), data.replace(shape, b"[5,1,9]"), data.replace(shape, b"[9,9,9]")):
        assert hostile != data
        said = page.evaluate(
            """(text) => { try { __rk[0].load(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))); return '' }
                 catch (error) { return error.message } }""",
            base64.b64encode(hostile).decode(),
        )
        assert said
    assert page.evaluate(PICTURE) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [(1440, 900), PHONE], ids=["desktop", "phone"])
def test_slices_for_the_eye(open_scene, shots, viewport, scheme):
    page = open_scene(sliced(2, n=400), viewport, color_scheme=scheme)
    rest(page, 0.3)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= viewport[0]
    file = shots / f"slices-{viewport[0]}-{scheme}.png"
    page.screenshot(path=file, full_page=True)
    assert (np.asarray(Image.open(file).convert("L"), float)[2, 2] < 60) == (scheme == "dark")

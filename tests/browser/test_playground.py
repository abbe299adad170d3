"""The playground as a person meets it: it moves, trains, stops, compares, and never loses what is on the stage."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

MOVING = "() => window.__rk?.some((p) => p.playing && p.draws > 3 && p.t > 0.02)"
CLOCK = "() => { const p = __rk[0]; return { t: p.t, playing: p.playing, draws: p.draws, panels: p.scene.panels.length } }"


def opened(visit, url, query="", wait=True):
    page = visit(url + "/" + query, wait=wait)
    page.wait_for_function(MOVING)
    return page


def stage_of(page):
    return page.evaluate(CLOCK)


def train(page):
    page.get_by_role("button", name="Train", exact=True).click()


def train_for_long(page, steps):
    """Ask the first panel's network for so many steps that it is still training when something happens to it."""
    page.get_by_role("button", name="Settings").first.click()
    field = page.get_by_label("Steps", exact=True).last
    field.fill(str(steps))
    field.press("Enter")
    page.keyboard.press("Escape")
    train(page)
    page.wait_for_function(f"() => /training \\d+\\/{steps}/.test(document.body.innerText)", timeout=60_000)


def finished(page):
    """The run is kept (its key is in the address) and on the stage."""
    page.wait_for_function("() => location.search.includes('runs=')", timeout=120_000)
    page.wait_for_function("() => window.__rk?.[0]?.scene.frames > 1", timeout=60_000)


def few_particles(page, number="300"):
    """Open the shared knobs and ask for fewer particles, so that a run takes a second."""
    page.get_by_role("button", name="Data and sampling").click()
    field = page.get_by_label("Particles", exact=True)
    field.fill(number)
    field.press("Enter")
    page.keyboard.press("Escape")


def test_the_first_paint_moves_with_no_click(visit, app_url):
    page = opened(visit, app_url, wait=False)
    expect(page.get_by_role("radio", name="Two moons")).to_be_checked()
    assert stage_of(page)["panels"] == 2


def test_the_clock_survives_a_rerun_of_other_widgets(visit, app_url):
    page = opened(visit, app_url)
    page.evaluate("() => { window.mine = __rk[0]; mine.setSpeed(0.25) }")
    before = stage_of(page)
    page.get_by_role("button", name="Add a panel").click()
    expect(page.get_by_role("button", name="Settings")).to_have_count(3)
    after = stage_of(page)
    assert page.evaluate("() => __rk.includes(mine)")
    assert after["playing"]
    assert after["t"] > before["t"]


def test_scrub_keys_and_follow_work_in_the_app(visit, app_url):
    page = opened(visit, app_url)
    slider = page.locator("input[type=range]").first
    slider.focus()
    page.evaluate("() => __rk[0].seek(0.5)")
    page.locator(".rk").first.focus()
    page.keyboard.press("ArrowRight")
    assert stage_of(page)["t"] > 0.5
    at = page.evaluate("() => __rk[0].place(0, 7)")
    box = page.locator(".rk canvas").first.bounding_box()
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
    page.wait_for_function("() => __rk[0].follow !== null")
    page.keyboard.press("Escape")
    page.wait_for_function("() => __rk[0].follow === null")


def test_training_shows_progress_and_ends_with_a_moving_scene_and_figures(visit, app_url, shots):
    page = opened(visit, app_url, "?method0=Network%20diffusion&method1=Sliced-Wasserstein%20flow")
    few_particles(page)
    train(page)
    page.wait_for_function("() => /training \\d+\\/\\d+/.test(document.body.innerText)", timeout=60_000)
    page.wait_for_function("() => /loss [\\d.]/.test(document.body.innerText)", timeout=60_000)
    page.screenshot(path=shots / "training.png")
    finished(page)
    page.wait_for_function(MOVING)
    expect(page.get_by_text("Quality", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Repeat with 4 more seeds")).to_be_visible()
    page.wait_for_selector(".js-plotly-plot")
    assert "runs=" in page.url


def test_a_reload_brings_the_picture_back(visit, app_url):
    page = opened(visit, app_url, "?method0=Exact&panels=1")
    few_particles(page, "200")
    train(page)
    finished(page)
    page.wait_for_function("() => location.search.includes('runs=')")
    page.reload()
    page.wait_for_function(MOVING)
    expect(page.get_by_role("button", name="Repeat with 4 more seeds")).to_be_visible()
    assert page.get_by_text("settings have changed since").count() == 0
    page.get_by_role("button", name="Data and sampling").click()
    expect(page.get_by_label("Particles", exact=True)).to_have_value("200")


def test_stop_ends_it_and_the_page_goes_on(visit, app_url):
    page = opened(visit, app_url, "?method0=Network%20diffusion&panels=1")
    train_for_long(page, 10000)
    page.get_by_role("button", name="Stop").click()
    began = page.evaluate("() => performance.now()")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    assert page.evaluate("() => performance.now()") - began < 5000  # a generous bound: the figure itself is in the benchmark
    page.wait_for_function(MOVING)
    page.get_by_role("radio", name="Spiral", exact=True).click()
    page.wait_for_function("() => __rk[0].scene.title === 'Spiral'")


def test_two_tabs_do_not_disturb_each_other(browser, browser_context_args, app_url):
    context = browser.new_context(**browser_context_args)
    one, two = context.new_page(), context.new_page()
    for page in (one, two):
        page.goto(app_url + "/?method0=Exact&panels=1")
        page.wait_for_function(MOVING, timeout=60_000)
    two.evaluate("() => __rk[0].seek(0.3)")
    few_particles(one, "150")
    train(one)
    one.get_by_role("radio", name="Rings", exact=True).wait_for()
    finished(one)
    assert two.evaluate("() => __rk[0].t") == pytest.approx(0.3)
    assert "runs=" not in two.url
    two.get_by_role("radio", name="Rings", exact=True).click()
    two.wait_for_function("() => __rk[0].scene.title === 'Rings'")
    assert one.evaluate("() => __rk[0].scene.title") == "Two moons"
    context.close()


def test_a_job_that_is_killed_is_reported_and_the_next_one_works(visit, app_url):
    page = opened(visit, app_url, "?method0=Network%20diffusion&panels=1")
    train_for_long(page, 9000)
    killed = jobs_below(app_port=int(app_url.rsplit(":", 1)[1]))
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    expect(page.get_by_test_id("stAlert")).to_contain_text("Network diffusion", timeout=30_000)
    page.goto(app_url + "/?method0=Exact&panels=1")
    page.wait_for_function(MOVING)
    few_particles(page, "120")
    train(page)
    finished(page)


def jobs_below(app_port):
    """Processes of training jobs under the server on this port: children of its worker (read from /proc)."""
    parent, server = {}, None
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            parent[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if str(app_port).encode() in command:
            server = int(entry.name)
    workers = [pid for pid, above in parent.items() if above == server]
    return [pid for pid, above in parent.items() if above in workers]


@pytest.mark.parametrize("name", ["Two communities", "Meat spectra", "Handwritten digits", "Atlas of graphs"])
def test_structured_data_shows_decoded_objects(visit, app_url, name, shots):
    page = opened(visit, app_url)
    page.get_by_role("radio", name=name).click()
    page.wait_for_function("(n) => __rk[0].scene.title === n", arg=name)
    assert page.evaluate("() => __rk[0].scene.panels[0].objects !== null && __rk[0].scene.panels[0].objects !== undefined")
    page.evaluate("() => __rk[0].seek(0.9)")
    page.screenshot(path=shots / f"{name.lower().replace(' ', '-')}.png")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots(browser, browser_context_args, app_url, shots, width, height, theme):
    context = browser.new_context(
        **{**browser_context_args, "viewport": {"width": width, "height": height}, "color_scheme": theme}
    )
    page = context.new_page()
    page.goto(app_url)
    page.wait_for_function(MOVING, timeout=60_000)
    page.evaluate("() => __rk[0].seek(0.7)")
    page.screenshot(path=shots / f"playground-{width}-{theme}.png")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


@pytest.mark.parametrize(
    "query", ["?data=<script>", "?panels=99", "?runs=../../etc,zz,0123456789abcdef", "?method0=Nothing&direction=up"]
)
def test_a_bad_address_costs_nothing(visit, app_url, query):
    page = opened(visit, app_url, query)
    assert "script" not in page.url
    assert page.get_by_test_id("stException").count() == 0


def test_the_saved_page_plays_with_no_server(visit, app_url, browser, browser_context_args, tmp_path):
    page = opened(visit, app_url, "?method0=Exact&panels=1")
    few_particles(page, "180")
    train(page)
    finished(page)
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Page that plays offline").click()
    file = tmp_path / "saved.html"
    download.value.save_as(file)
    with page.expect_download() as download:
        page.get_by_role("button", name="Experiments (JSON)").click()
    experiments = json.loads(download.value.path().read_text())
    assert experiments[0]["particles"] == 180
    with page.expect_download() as download:
        page.get_by_role("button", name="Figures (JSON)").click()
    assert json.loads(download.value.path().read_text())[0]["quality"]
    assert page.get_by_role("button", name="Decoded objects (CSV)").count() == 0
    context = browser.new_context(**browser_context_args, offline=True)
    alone = context.new_page()
    alone.goto(file.as_uri())
    alone.wait_for_function(MOVING)
    context.close()

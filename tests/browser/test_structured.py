"""The structured page as a person meets it: it moves, every kind trains, decoders are compared, Stop stops."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rkdiff.core.parts import choices

MOVING = "() => window.__rk?.some((p) => p.playing && p.draws > 3 && p.t > 0.02)"
#: The first dataset of each kind that is not a plane.
FIRST = {c.modality: n for n, c in reversed(choices("data").items()) if c.modality != "points"}


def opened(visit, url):
    """Through the first page: a link into a page makes the browser ask for two files that are only at the root."""
    page = visit(url)
    page.get_by_role("link", name="Structured").click()
    page.wait_for_url("**/structured**")
    page.get_by_role("heading", name="Structured").wait_for()
    page.wait_for_function(MOVING)
    return page


def linked(browser, browser_context_args, url, query, **context):
    page = browser.new_context(**{**browser_context_args, **context}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{url}/structured{query}")
    page.get_by_role("heading", name="Structured").wait_for()
    return page


def choose(page, label, option):
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def set_number(page, label, number):
    page.get_by_role("button", name="Settings", exact=True).click()
    field = page.get_by_label(label, exact=True)
    field.fill(str(number))
    field.press("Enter")
    page.keyboard.press("Escape")


def finished(page):
    page.wait_for_function("() => location.search.includes('runs=')", timeout=120_000)
    page.wait_for_function("() => window.__rk?.[0]?.scene.frames > 1 && __rk[0].draws > 3", timeout=60_000)


def test_the_first_paint_moves_with_no_click(visit, app_url):
    page = opened(visit, app_url)
    assert page.evaluate("() => !!__rk[0].scene.panels[0].objects")
    expect(page.get_by_role("radio", name="Two communities")).to_be_checked()
    expect(page.get_by_role("radio", name="Two moons")).to_have_count(0)


@pytest.mark.parametrize("kind", FIRST)
def test_the_first_dataset_of_each_kind_is_picked_and_trained(visit, app_url, kind):
    page = opened(visit, app_url)
    page.get_by_role("radio", name=choices("data")[FIRST[kind]].title(), exact=True).click()
    page.wait_for_function("(n) => location.search.includes('data=' + n + '&')", arg=FIRST[kind])
    choose(page, "Beside it", "Nothing")
    page.wait_for_function("() => location.search.includes('beside=nothing')")
    set_number(page, "Particles", 60)
    page.get_by_role("button", name="Train", exact=True).click()
    finished(page)
    assert page.evaluate("() => __rk[0].scene.panels.length") == 1
    assert page.evaluate("() => !!__rk[0].scene.panels[0].objects")
    page.wait_for_selector(".js-plotly-plot")
    expect(page.get_by_text("Gram matrix")).to_be_visible()
    page.get_by_role("tab", name="Validity along time").click()
    expect(page.get_by_text("Along the clock")).to_be_visible()


def test_decoders_are_compared_in_a_table(visit, app_url, shots):
    page = opened(visit, app_url)
    page.get_by_role("radio", name="Handwritten digits").click()
    page.get_by_role("tab", name="Decoders").click()
    page.get_by_role("button", name="Compare decoders").click()
    table = page.get_by_test_id("stTable")
    expect(table).to_contain_text("nearest", timeout=90_000)
    expect(table).to_contain_text("fixed point")
    expect(page.get_by_text("generated points")).to_be_visible()
    page.wait_for_function(MOVING)
    page.screenshot(path=shots / "decoders.png")


def test_stop_ends_the_training_and_the_playground_is_not_touched(visit, app_url):
    page = opened(visit, app_url)
    choose(page, "Method", "Network diffusion")
    page.wait_for_function("() => location.search.includes('method=network_diffusion')")
    page.get_by_role("button", name="Settings", exact=True).click()
    field = page.get_by_label("Steps", exact=True).last  # the method's own; the first is the sampler's
    field.fill("10000")
    field.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("() => /training \\d+\\/\\d+/.test(document.body.innerText)", timeout=60_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    page.wait_for_function(MOVING)
    assert "runs=" not in page.url
    page.get_by_role("link", name="Playground").click()
    page.wait_for_function("() => __rk.some((p) => p.scene.title === 'Two moons' && p.playing)")
    assert page.get_by_test_id("stAlert").count() == 0


def test_a_changed_control_is_told_beside_train_without_scrolling(visit, app_url):
    page = opened(visit, app_url)
    hint = page.get_by_text("settings have changed since")
    expect(hint).to_have_count(0)
    slider = page.get_by_role("slider", name="Coordinates")
    slider.press("ArrowRight")
    expect(hint).to_be_visible()
    at, train = hint.bounding_box(), page.get_by_role("button", name="Train", exact=True).bounding_box()
    assert abs(at["y"] - train["y"]) < 40
    slider.press("ArrowLeft")
    expect(hint).to_have_count(0)


def test_back_leads_to_the_page_before_whatever_was_changed(visit, app_url):
    page = opened(visit, app_url)
    before = page.evaluate("() => history.length")
    page.get_by_role("radio", name="Handwritten digits").click()
    page.wait_for_function("() => location.search.includes('data=digits')")
    choose(page, "Decoder", "nearest")
    page.wait_for_function("() => location.search.includes('decoder=nearest')")
    assert page.evaluate("() => history.length") == before
    page.go_back()
    page.get_by_role("heading", name="Playground").wait_for()
    page.go_forward()
    page.get_by_role("heading", name="Structured").wait_for()
    expect(page.get_by_role("radio", name="Handwritten digits")).to_be_checked()


def test_two_panels_and_the_play_bar_are_in_sight_together_and_a_link_repeats_them(browser, browser_context_args, app_url):
    page = linked(browser, browser_context_args, app_url, "?data=digits&r=8&smoothness=1&beside=gaussian")
    page.wait_for_function(MOVING)
    set_number(page, "Particles", 50)
    page.get_by_role("button", name="Train", exact=True).click()
    finished(page)
    assert page.evaluate("() => __rk[0].scene.panels.length") == 2
    page.wait_for_function("() => __rk[0].canvas.getBoundingClientRect().width > 1100")
    play = page.locator(".rk-bar .rk-play").bounding_box()
    assert play["y"] + play["height"] <= 900
    runs = page.evaluate("() => new URLSearchParams(location.search).get('runs')")
    page.context.close()
    again = linked(browser, browser_context_args, app_url, f"?runs={runs}", viewport={"width": 390, "height": 844})
    again.wait_for_function(MOVING)
    again.wait_for_function("() => location.search.includes('r=8&')")
    assert again.get_by_text("settings have changed since").count() == 0
    slider = again.get_by_role("slider", name="Coordinates")
    expect(slider).to_have_value("8")
    assert slider.bounding_box()["y"] > again.locator(".rk-bar").bounding_box()["y"]
    again.get_by_role("button", name="Train", exact=True).click()
    again.wait_for_timeout(2500)  # kept runs are there at once; were their keys others, the address would name those by now
    finished(again)
    again.wait_for_function("(k) => new URLSearchParams(location.search).get('runs') === k", arg=runs, timeout=120_000)
    again.context.close()


def test_a_link_brings_the_sliders_and_the_runs_back(browser, browser_context_args, app_url):
    page = linked(
        browser, browser_context_args, app_url, "?data=digits&r=5&method=exact&beside=nothing&decoder=nearest&noise=matern"
    )
    page.wait_for_function(MOVING)
    set_number(page, "Particles", 50)
    page.get_by_role("button", name="Train", exact=True).click()
    finished(page)
    address = page.url
    page.context.close()
    again = linked(browser, browser_context_args, app_url, "?" + address.split("?", 1)[1])
    again.wait_for_function(MOVING)
    again.wait_for_selector(".js-plotly-plot")
    assert again.evaluate("() => __rk[0].scene.panels.map((p) => p.title)") == ["Exact"]
    expect(again.get_by_role("slider", name="Coordinates")).to_have_value("5")
    assert "noise=matern" in again.url
    assert "decoder=nearest" in again.url
    again.context.close()


@pytest.mark.parametrize("query", ["?data=<script>&r=1e999", "?data=two_moons", "?runs=../../etc,zz&width=-1&method=Nothing"])
def test_a_bad_address_costs_nothing(browser, browser_context_args, app_url, query):
    page = linked(browser, browser_context_args, app_url, query)
    page.wait_for_function(MOVING)
    assert page.get_by_test_id("stException").count() == 0
    assert "script" not in page.url.replace("structured", "")
    page.context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots(browser, browser_context_args, app_url, shots, width, height, theme):
    size = {"width": width, "height": height}
    page = linked(browser, browser_context_args, app_url, "", viewport=size, color_scheme=theme)
    page.wait_for_function(MOVING)
    page.evaluate("() => __rk[0].seek(0.7)")
    page.get_by_role("tab", name="Noise in H").click()
    page.wait_for_selector(".js-plotly-plot")
    page.screenshot(path=shots / f"structured-{width}-{theme}.png")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()

"""The Transport page as a person meets it: it moves, races, draws its tabs, and fits a desk and a phone in either colours."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MOVING = "() => window.__rk?.some((p) => p.playing && p.draws > 3 && p.t > 0.02)"
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
#: A race that trains in an instant.
QUICK = "?data=rings&racers=2&racer0=sliced_wasserstein_flow&racer1=gaussian"
TABS = ("Short bridges", "Entropy", "Not optimal transport")


@pytest.fixture
def transport(browser, browser_context_args, app_url):
    contexts, said = [], []

    def go(width=1440, height=900, scheme="light", query="", **more):
        sizes = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        contexts.append(browser.new_context(**{**browser_context_args, **sizes, **more}))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda e: said.append(f"threw: {e}"))
        # a link into a page makes the browser ask for two files that are only at the root
        page.on("console", lambda m: m.type in ("error", "warning") and "404" not in m.text and said.append(m.text))
        page.goto(f"{app_url}/transport{query}")
        page.get_by_role("heading", name="Transport").wait_for()
        page.wait_for_function(MOVING)
        page.wait_for_selector(DONE)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not [s for s in said if "DevTools" not in s], said


def fits(page, width):
    """Nothing is wider than the window, and every figure is inside it."""
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    right = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('.js-plotly-plot')].map(e => e.getBoundingClientRect().right))"
    )
    assert right <= width


def test_a_race_is_moving_on_the_first_paint_with_its_slices(transport, shots):
    page = transport()
    assert page.evaluate("() => __rk[0].scene.panels.length") == 3
    expect(page.get_by_role("button", name="Slices", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("radio", name="Two moons")).to_be_checked()
    for label in ("Racer 1", "Racer 2", "Racer 3"):
        expect(page.get_by_role("combobox", name=label)).to_be_visible()
    expect(page.get_by_text("4 model calls")).to_be_visible()
    page.wait_for_selector(".js-plotly-plot")
    fits(page, 1440)
    page.screenshot(path=shots / "transport.png")


def test_tabs_draw_in_dark_colours_without_a_run(transport):
    page = transport(scheme="dark")
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        panel = page.get_by_role("tabpanel", name=tab)
        panel.locator(".js-plotly-plot").nth(1).wait_for()
        assert page.get_by_test_id("stException").count() == 0
    fits(page, 1440)


def test_a_phone_shows_the_race_first_and_nothing_is_cut(transport, shots):
    page = transport(390, 844, has_touch=True, is_mobile=True)
    page.wait_for_selector(".js-plotly-plot")
    fits(page, 390)
    assert page.evaluate("() => __rk[0].canvas.getBoundingClientRect().top") < 700
    assert page.locator(".modebar-container:visible").count() == 0
    page.screenshot(path=shots / "transport_phone.png")


def test_two_racers_train_and_are_measured_beside_each_other(transport):
    page = transport(query=QUICK)
    page.get_by_role("button", name="Data and sampling").click()
    field = page.get_by_label("Particles", exact=True)
    field.fill("60")
    field.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("() => location.search.includes('runs=')", timeout=120_000)
    page.wait_for_function("() => window.__rk?.[0]?.scene.panels.length === 2 && __rk[0].scene.frames > 1")
    page.get_by_role("tab", name="Race", exact=True).click()
    expect(page.get_by_role("tabpanel", name="Race").get_by_test_id("stTable")).to_contain_text("40")
    expect(page.get_by_role("button", name="Draw", exact=True)).to_have_count(0)  # neither racer could carry a drawing on


def test_a_structured_race_is_decoded(transport):
    page = transport(query="?data=digits")
    assert page.evaluate("() => !!__rk[0].scene.panels[0].objects")
    page.get_by_role("tab", name="Compose").click()
    expect(page.get_by_text("pick a dataset under Plane")).to_be_visible()

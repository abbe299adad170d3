"""The player as a component: reruns never disturb it, new runs start it over, and it speaks only when it rests."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

SCRIPT = Path(__file__).with_name("stage_script.py")
ONE = "() => { const p = __rk.find((p) => p.scene.frames > 1); return { t: p.t, playing: p.playing, follow: p.follow, draws: p.draws } }"


@pytest.fixture
def stage(visit, serve):
    page = visit(serve(SCRIPT), wait=False)
    page.wait_for_function("() => window.__rk?.length === 2 && __rk.every((p) => p.draws > 0)")
    return page


def beats(page) -> int:
    return int(page.get_by_text("beat ").inner_text().split()[1])


def wait_beat(page, more: int) -> None:
    page.wait_for_function("(n) => Number(document.body.innerText.match(/beat (\\d+)/)?.[1]) >= n", arg=beats(page) + more)


def test_the_clock_survives_a_rerun_of_other_widgets(stage):
    stage.evaluate("() => { window.mine = __rk.find((p) => p.scene.frames > 1); mine.setSpeed(0.25) }")
    before = stage.evaluate(ONE)
    stage.get_by_role("button", name="nothing").click()
    wait_beat(stage, 2)
    after = stage.evaluate(ONE)
    assert stage.evaluate("() => __rk.includes(mine)")  # the same player, not a new one
    assert after["playing"]
    assert after["t"] > before["t"]
    assert after["draws"] > before["draws"]


def test_it_reports_on_pause_and_on_follow_and_not_while_it_moves(stage):
    text = stage.get_by_test_id("stText")
    wait_beat(stage, 2)
    expect(text).to_have_text("t=0.000 follow=None")
    stage.evaluate("() => __rk.find((p) => p.scene.frames > 1).root.querySelector('[data-rk=play]').click()")
    t = stage.evaluate(ONE)["t"]
    expect(text).to_have_text(f"t={t:.3f} follow=None")
    stage.evaluate("() => __rk.find((p) => p.scene.frames > 1).followParticle(4)")
    expect(text).to_have_text(f"t={t:.3f} follow=4")
    assert not stage.evaluate(ONE)["playing"]


def test_new_bytes_of_a_run_keep_the_clock_and_a_new_run_starts_over(stage):
    stage.evaluate("() => __rk.find((p) => p.scene.frames > 1).seek(0.6)")
    stage.get_by_text("3", exact=True).click()
    stage.wait_for_function("() => __rk.some((p) => p.scene.panels.length === 3)")
    kept = stage.evaluate(ONE)
    assert kept["t"] == pytest.approx(0.6)
    assert not kept["playing"]
    stage.get_by_text("b", exact=True).click()
    stage.wait_for_function("() => __rk.some((p) => p.scene.run === 'b' && p.playing)")
    assert stage.evaluate(ONE)["t"] < 0.6


def test_live_snapshots_in_a_beating_fragment_move_one_player_and_leave_the_other_alone(stage):
    stage.evaluate(
        "() => { window.live = __rk.find((p) => p.scene.frames === 1); window.other = __rk.find((p) => p !== live) }"
    )
    digest = stage.evaluate("() => live.digest")
    stage.evaluate("() => other.seek(0.3)")
    stage.evaluate("() => live.canvas.scrollIntoView()")  # out of sight nothing is drawn
    draws = stage.evaluate("() => live.draws")
    wait_beat(stage, 3)
    assert stage.evaluate("() => __rk.length === 2 && __rk.includes(live) && __rk.includes(other)")
    assert stage.evaluate("() => live.digest") != digest
    assert stage.evaluate("() => live.draws") > draws + 3
    assert stage.evaluate(ONE)["t"] == pytest.approx(0.3)

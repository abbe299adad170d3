"""Runs become scenes: one panel each, told apart, one view, in any direction."""

import numpy as np
import pytest

from rkdiff import Experiment, make, run, scene_of
from rkdiff.player.html import standalone
from rkdiff.player.scene import pack
from rkdiff.scenes import panel_hues


@pytest.fixture(scope="module")
def runs():
    data = make("data", "two_moons", n=80)
    few = {"particles": 30, "steps": 5, "repeats": 1}
    schedules = ("karras", "cosine")
    out = [run(Experiment(data, make("method", "exact"), schedule=make("schedule", s), **few), "cpu") for s in schedules]
    return [*out, run(Experiment(data, make("method", "sliced_wasserstein_flow"), **few), "cpu")]


def test_equal_methods_are_told_apart_by_what_differs(runs):
    titles = [p.title for p in scene_of(runs).panels]
    assert len(set(titles)) == 3
    assert "cosine" in titles[1]


@pytest.mark.parametrize("direction", ["backward", "forward", "both"])
def test_every_direction_packs(runs, direction):
    scene = scene_of(runs, direction)
    assert len(scene.panels) == 3
    assert len(scene.forward) == (0 if direction == "backward" else 3)
    assert len(pack(scene, 20)) > 1000


def test_every_schedule_starts_and_ends_at_unit_scale(runs):
    for r in runs:
        assert 0.7 < r.picture().x[0].std() < 1.3
        assert np.abs(r.picture().x[-1]).max() < 4


def test_a_scene_needs_a_run_and_a_known_direction(runs):
    with pytest.raises(ValueError, match="at least one run"):
        scene_of([])
    with pytest.raises(ValueError, match="sideways"):
        scene_of(runs, "sideways")


def test_the_stand_alone_page_asks_nobody(runs):
    page = standalone(scene_of(runs))
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_panel_keeps_its_hue_from_the_first_snapshot_to_the_scene(runs):
    experiments = [runs[0].experiment, runs[2].experiment, runs[1].experiment]
    assert panel_hues(experiments) == ["exact", "model", "second"]
    assert [p.hue for p in scene_of([runs[0], runs[2], runs[1]]).panels] == panel_hues(experiments)

"""The slices of a run are those of its flow: the directions the sampler used, and real quantiles along them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rkdiff import Experiment, make, run, scene_of
from rkdiff.core.records import outcome
from rkdiff.methods import _sliced_flow
from rkdiff.picture_slices import LEVELS, MOMENTS, SHOWN, slices
from rkdiff.player import pack, unpack
from rkdiff.stages import prepare, sample, time_grid, train
from rkdiff.store import Store

AT = (np.arange(LEVELS) + 0.5) / LEVELS
FEW = {"particles": 70, "repeats": 1}


def flow(**knobs):
    return make("method", "sliced_wasserstein_flow", **knobs)


def sampled(experiment, monkeypatch):
    """The slices of an experiment, its trajectory, the data, and the directions that each step asked for while it was sampled."""
    used = []
    ask = _sliced_flow.directions

    def heard(*args):
        used.append(ask(*args))
        return used[-1]

    p = prepare(experiment, "cpu")
    model, _ = outcome(train(p))
    monkeypatch.setattr(_sliced_flow, "directions", heard)
    t = outcome(sample(p, model, p.rng))
    monkeypatch.undo()
    found = slices(model, t, time_grid(experiment, model), p.problem, p.space, p.rng.child("noise"))
    return found, t, p.problem.x, used


@pytest.mark.parametrize("steps", [6, 60])
def test_directions_in_the_plane_are_those_the_sampler_used_and_quantiles_are_those_of_the_cloud(steps, monkeypatch):
    e = Experiment(make("data", "two_moons", n=60), flow(), steps=steps, **FEW)
    found, t, y, used = sampled(e, monkeypatch)
    begin = np.unique(np.rint(np.linspace(0, steps - 1, min(MOMENTS, steps))).astype(int))
    assert len(used) == steps
    np.testing.assert_allclose(found["slices.u"], begin / steps, atol=1e-6)
    ends = np.append(begin[1:], steps)
    for a, (i, end) in enumerate(zip(begin, ends, strict=True)):
        np.testing.assert_allclose(found["slices.theta"][a], used[i], atol=1e-6)
        for name, cloud in (("source", t.x[i]), ("later", t.x[end]), ("target", y)):
            want = np.quantile(cloud @ used[i].T, AT, axis=0).T
            np.testing.assert_allclose(found[f"slices.{name}"][a], want, atol=1e-5)
    for name in ("source", "later", "target"):
        assert (np.diff(found[f"slices.{name}"], axis=2) >= 0).all()
        assert found[f"slices.{name}"].dtype == np.float32


def test_in_more_dimensions_projections_are_along_whole_directions_and_the_plane_shows_their_part(monkeypatch):
    e = Experiment(make("data", "gaussian_process", n=40), flow(), steps=5, shown=2, decoded=2, moments=2, **FEW)
    found, t, y, used = sampled(e, monkeypatch)
    plane = prepare(e, "cpu").space.plane
    assert y.shape[1] > 2
    assert found["slices.theta"].shape == (5, min(SHOWN, len(used[0])), 2)
    assert np.hypot(*found["slices.theta"].transpose(2, 0, 1)).max() < 1 + 1e-6
    for a in range(5):
        both = np.concatenate([used[a], -used[a]])
        lengths = np.sort(np.hypot(*plane(used[a]).T))[::-1][:SHOWN]
        np.testing.assert_allclose(np.sort(np.hypot(*found["slices.theta"][a].T))[::-1], lengths, atol=1e-6)
        for k, part in enumerate(found["slices.theta"][a]):
            theta = both[np.abs(plane(both) - part).sum(1).argmin()]
            np.testing.assert_allclose(plane(theta), part, atol=1e-6)
            np.testing.assert_allclose(found["slices.source"][a, k], np.quantile(t.x[a] @ theta, AT), atol=1e-5)
            np.testing.assert_allclose(found["slices.target"][a, k], np.quantile(y @ theta, AT), atol=1e-5)
        angle = np.arctan2(found["slices.theta"][a][:, 1], found["slices.theta"][a][:, 0])
        assert (angle >= 0).all()
        assert (np.diff(angle) >= 0).all()


def test_directions_that_are_never_drawn_anew_stay(monkeypatch):
    found, *_ = sampled(Experiment(make("data", "two_moons", n=60), flow(refresh=False), steps=5, **FEW), monkeypatch)
    assert np.ptp(found["slices.theta"], axis=0).max() == 0


def test_a_flow_in_scaled_coordinates_shows_unit_directions_of_the_space_with_the_same_ranks(monkeypatch):
    e = Experiment(make("data", "two_moons", n=70), flow(scaling="axes"), steps=4, **FEW)
    found, t, y, used = sampled(e, monkeypatch)
    for a in range(4):
        rows = used[a] / y.std(axis=0)  # <theta, x / std> = <theta / std, x>
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        angle = np.sort(np.arctan2(unit[:, 1], unit[:, 0]) % np.pi)
        theta = found["slices.theta"][a].astype(float)
        np.testing.assert_allclose(np.arctan2(theta[:, 1], theta[:, 0]), angle, atol=1e-6)
        np.testing.assert_allclose(np.hypot(*theta.T), 1, atol=1e-6)
        want = np.quantile(t.x[a] @ theta.T, AT, axis=0).T
        np.testing.assert_allclose(found["slices.source"][a], want, atol=1e-5)


NONE = {
    "distribution functions": flow(gap="vertical"),
    "joint classes": flow(classes="joint"),
    "no directions": make("method", "exact"),
}


@pytest.mark.parametrize("method", NONE.values(), ids=NONE.keys())
def test_a_method_whose_pull_is_no_matching_along_directions_has_no_slices(method):
    done = run(Experiment(make("data", "two_moons", n=60), method, steps=4, **FEW), "cpu")
    assert not [name for name in done.arrays if name.startswith("slices")]
    assert scene_of([done]).panels[0].slices is None


@pytest.fixture(scope="module")
def done():
    return run(Experiment(make("data", "eight_gaussians", n=60), flow(), steps=5, **FEW), "cpu")


def test_slices_survive_the_store_and_reach_the_packed_scene(done, tmp_path):
    store = Store(tmp_path)
    back = store.load(store.save(done))
    packed = unpack(pack(scene_of([back], slices=True)))
    assert "slices" in packed["show"]
    np.testing.assert_allclose(packed["panels"][0]["slices"]["source"], done.arrays["slices.source"], atol=2e-4)
    np.testing.assert_allclose(packed["panels"][0]["slices"]["theta"], done.arrays["slices.theta"], atol=2e-4)


def test_a_run_that_was_kept_before_slices_were_recorded_still_plays(done):
    old = replace(done, arrays={k: v for k, v in done.arrays.items() if not k.startswith("slices")})
    scene = scene_of([old], slices=True)
    assert scene.panels[0].slices is None
    assert unpack(pack(scene))["panels"][0]["slices"] is None


def test_slices_belong_to_the_generated_cloud_alone(done):
    assert scene_of([done]).panels[0].slices is not None
    for direction in ("forward", "both"):
        assert scene_of([done], direction).panels[0].slices is None


def test_a_scene_is_told_whether_slices_are_shown_and_whether_one_may_draw(done):
    plain, both = scene_of([done]), scene_of([done], slices=True, drawing=True)
    assert (plain.slices, plain.drawing) == (False, False)
    assert (both.slices, both.drawing) == (True, True)

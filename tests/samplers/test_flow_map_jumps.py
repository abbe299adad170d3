"""Jumps of a flow map, on a map that is known."""

import numpy as np
import pytest

from rkdiff.core.model import FlowMap, Model
from rkdiff.core.parts import PartError, make
from rkdiff.core.rng import Rng
from rkdiff.core.tensors import to_torch, torch
from rkdiff.processes.schedules import Grid


class Rotation(FlowMap):
    """A map that remembers how it was asked; turns by the time that passes and adds `error` at every call."""

    def __init__(self, error=0.0):
        self.asked, self.error = [], error

    def move(self, x, before, after, label=None):
        self.asked.append((before, after))
        c, s = np.cos(after - before), np.sin(after - before)
        return x @ to_torch(np.array([[c, s], [-s, c]])) + self.error

    def drift(self, x, t, *, label=None, rng=None):
        return x @ to_torch(np.array([[0.0, 1.0], [-1.0, 0.0]]))


class Still(Model):
    family = "transport"

    def drift(self, x, t, *, label=None, rng=None):
        return torch.zeros_like(x)


def grid(steps, end=20.0, begin=0.0):
    t = np.expm1(np.linspace(np.log1p(begin), np.log1p(end), steps + 1))
    return Grid(t, np.ones(steps + 1), np.zeros(steps + 1), clock="tau")


def walk(model, calls, steps, end=20.0, begin=0.0):
    z = np.random.default_rng(0).standard_normal((30, 2))
    return make("sampler", "flow_map", calls=calls).run(model, z, grid(steps, end, begin), Rng(0))


def turned(x, angle):
    c, s = np.cos(angle), np.sin(angle)
    return x @ np.array([[c, s], [-s, c]])


@pytest.mark.parametrize(("calls", "steps"), [(1, 1), (1, 40), (4, 40), (4, 7), (12, 5), (48, 3), (7, 7)])
def test_every_frame_of_an_exact_map_is_exact_and_the_end_takes_exactly_its_calls(calls, steps):
    t = walk(Rotation(), calls, steps)
    assert t.calls == calls
    for tau, x in zip(t.curves["tau"], t.x, strict=True):
        np.testing.assert_allclose(x, turned(t.x[0], tau), atol=1e-12)


@pytest.mark.parametrize("calls", [1, 4, 9])
def test_the_end_is_the_same_for_any_number_of_frames(calls):
    few, many = (walk(Rotation(error=0.1), calls, steps) for steps in (1, 36))
    np.testing.assert_allclose(few.end, many.end, atol=1e-12)


def test_an_error_of_the_map_counts_once_for_each_call_and_not_for_looks():
    still = Rotation(error=0.0)
    for calls in (1, 3):
        t = walk(Rotation(error=0.1), calls, 50, end=1e-9)
        np.testing.assert_allclose(t.end - walk(still, calls, 50, end=1e-9).end, 0.1 * calls, atol=1e-8)


@pytest.mark.parametrize("begin", [0.0, 2.0])
def test_anchors_stand_at_equal_shares_of_the_logarithmic_clock(begin):
    model = Rotation()
    walk(model, 4, 1, begin=begin)
    clock = np.log1p(np.array(model.asked))
    np.testing.assert_allclose(np.diff(clock, axis=1), (np.log(21) - np.log1p(begin)) / 4, rtol=1e-12)
    assert model.asked[0][0] == pytest.approx(begin, rel=1e-12)
    assert model.asked[-1][1] == pytest.approx(20.0, rel=1e-12)


def test_a_frame_between_two_anchors_is_one_jump_from_the_anchor_before():
    model = Rotation()
    walk(model, 2, 8)
    anchors = set(np.expm1(np.log(21) * np.arange(2) / 2).round(9))
    assert {round(before, 9) for before, _ in model.asked} == anchors
    assert len(model.asked) == 8  # two calls, and a look at each of the six frames that no anchor stands at


def test_a_model_without_a_map_is_refused():
    with pytest.raises(PartError, match=r"needs a model that jumps, and this one \(Still\).*'transport_euler'"):
        walk(Still(), 4, 4)

"""The device is a choice that changes no result beyond a stated tolerance; where there is no accelerator the policy itself is tested.

Tolerance: closed forms and kernel ridge compute in float64 from the same noise, so clouds agree to 1e-5; a network trains in float32 and
its path diverges step by step, so its clouds agree in law: the quality figures differ by less than three standard deviations of the floor.
"""

import numpy as np
import pytest

from rkdiff import Experiment, choices, make, run
from rkdiff.core.tensors import DEVICES, pick_device, torch


def accelerators():
    return [d for d in ("cuda", "mps") if {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[d]]


def test_auto_takes_the_best_device_there_is():
    assert pick_device("auto") == [*accelerators(), "cpu"][0]
    assert pick_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    for device in DEVICES[1:]:
        if device != "cpu" and device not in accelerators():
            with pytest.raises(ValueError, match="choose one of auto, cpu"):
                pick_device(device)
    with pytest.raises(ValueError, match="'abacus'; choose one of"):
        pick_device("abacus")


@pytest.mark.parametrize("method", choices("method"))
def test_cpu_and_accelerator_agree(method):
    if not accelerators():
        pytest.skip("no accelerator on this machine")
    e = Experiment(
        make("data", "two_moons", n=500), make("method", method, **choices("method")[method].quick), particles=400, steps=20
    )
    here, there = run(e, "cpu"), run(e, accelerators()[0])
    assert there.info["device"] == accelerators()[0]
    if choices("method")[method].quick:  # trained by gradients: digits part, quality does not
        for name, q in here.info["quality"].items():
            assert abs(q["value"] - there.info["quality"][name]["value"]) < 3 * max(q["floor_sd"], q["sd"])
    else:
        tolerance = 1e-5 if there.info["device"] == "cuda" else 1e-2
        assert np.abs(here.arrays["x"][-1] - there.arrays["x"][-1]).max() < tolerance

"""What ships is planned right: two panels for structured data, and thumbnails of strings that move."""

from __future__ import annotations

import numpy as np
import pytest

from rkdiff.assets import MOMENTS, experiments, noised
from rkdiff.core.parts import choices, make
from rkdiff.experiment import Experiment


@pytest.mark.parametrize("name", choices("data"))
def test_structured_data_stand_beside_the_gaussian_control_and_planes_do_not(name):
    methods = [e.method.name for e in experiments(name)]
    if name == "two_moons":
        assert methods == ["kernel_diffusion", "network_diffusion"]
    elif make("data", name).modality == "points":
        assert methods == ["kernel_diffusion"]
    else:
        assert methods == ["kernel_diffusion", "gaussian"]


def test_strings_behind_falling_noise_change_at_most_moments_and_end_without_noise():
    e = Experiment(make("data", "grammar", n=120), make("method", "kernel_diffusion"), particles=8, repeats=1)
    frames = noised(e)
    assert frames.shape[:2] == (MOMENTS, 4)
    changed = (frames[1:] != frames[:-1]).any(axis=2)
    assert (changed.any(axis=1).sum()) >= MOMENTS // 2
    assert np.array_equal(frames, noised(e))
    apart = (frames != frames[-1]).sum(axis=(1, 2))
    assert apart[-1] == 0
    assert apart[0] > apart[-3]

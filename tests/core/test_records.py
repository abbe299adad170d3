"""Records refuse what makes no sense, and a trajectory is a path one can evaluate."""

import numpy as np
import pytest

from rkdiff.core.records import Trajectory


def line(frames=5, n=3):
    u = np.linspace(0, 1, frames)
    x = u[:, None, None] * np.ones((1, n, 2))
    return Trajectory(u, x, curves={"t": 1 - u})


def test_a_trajectory_is_linear_between_its_frames():
    u = np.array([0.0, 0.1, 0.33, 0.5, 1.0])
    assert np.allclose(line().at(u), u[:, None, None] * np.ones((1, 3, 2)))
    assert np.allclose(line().curve("t", u), 1 - u)


def test_twenty_and_two_hundred_frames_of_one_path_agree():
    u = np.linspace(0, 1, 37)
    assert np.allclose(line(21).at(u), line(201).at(u))


def test_a_single_frame_stands_still():
    t = Trajectory(np.array([1.0]), np.ones((1, 2, 2)))
    assert t.at(np.linspace(0, 1, 4)).shape == (4, 2, 2)


def test_frames_and_times_must_agree():
    with pytest.raises(Exception, match=r"3 times has 4 frames|Type-check error"):
        Trajectory(np.linspace(0, 1, 3), np.zeros((4, 1, 2)))


def test_the_clock_must_increase():
    with pytest.raises(ValueError, match="increase strictly"):
        Trajectory(np.array([0.0, 1.0, 1.0]), np.zeros((3, 1, 2)))

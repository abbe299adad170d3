"""The exact study of short bridges: the printed table, the ends of every half-step, paths of the right law."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rkdiff.core.rng import Rng
from rkdiff.lab.transport.short_bridge import exact_paths, short_bridge
from rkdiff.processes.gaussians import line
from rkdiff.processes.gaussians.fitting import ipf
from rkdiff.processes.gaussians.transport import distance, entropic_coupling

#: Distances after 1, 3, 5, ... half-steps, and half a unit of the last printed digit.
TABLE = {
    0.1: ((1.601, 0.979, 0.632, 0.417, 0.278, 0.186), 5e-4),
    0.25: ((0.836, 0.304, 0.115, 0.043, 0.016, 0.006), 5e-4),
    0.5: ((0.381, 0.061, 0.010, 0.002), 5e-4),
    1.0: ((0.113, 0.005), 5e-4),
    2.0: ((0.0139, 0.0001), 5e-5),
    4.0: ((0.0003, 0.0), 5e-5),
}


def test_the_distances_are_the_published_ones():
    record = short_bridge()
    np.testing.assert_allclose(record.times, list(TABLE))
    for row, (printed, half) in zip(record.distances, TABLE.values(), strict=True):
        np.testing.assert_allclose(row[: len(printed)], printed, atol=half)


def test_only_the_end_that_was_pinned_last_is_right():
    record = short_bridge()
    odd, even = record.errors[:, ::2], record.errors[:, 1::2]
    assert odd[..., 1].max() < 1e-7
    assert even[..., 0].max() < 1e-7
    short = record.times < 0.6
    assert odd[short][:, :3, 0].min() > 1e-3
    assert even[short][:, :3, 1].min() > 1e-3


def test_the_laws_are_those_of_exact_fitting():
    record = short_bridge(1.5, 0.7, 0.1, (3, 8), (1, 5))
    for i, time in enumerate((0.3, 0.8)):
        laws = ipf(line(1.5, 0.7), line(0.0, 1.0), time, 5)
        for j, h in enumerate((1, 5)):
            assert record.generated[i, j] == pytest.approx([laws[h - 1][0].mean[0], laws[h - 1][0].cov[0, 0]])
            assert record.distances[i, j] == pytest.approx(distance(laws[h - 1][0], line(1.5, 0.7)))


def test_the_reference_forgets_at_its_known_rate():
    record = short_bridge(3.0, 0.5, 0.25, (1, 4), (1,))
    for time, (m, v) in zip((0.25, 1.0), record.terminal, strict=True):
        assert m == pytest.approx(3 * np.exp(-time))
        assert v == pytest.approx(1 - 0.75 * np.exp(-2 * time))


@pytest.mark.parametrize("half_steps", [1, 5])
def test_paths_begin_at_the_prior_and_end_at_the_generated_law(half_steps):
    record = short_bridge(steps=(10,), half_steps=(half_steps,))
    t, x = exact_paths(Rng(0), half_steps=half_steps, n=40_000)
    assert (t[0], t[-1], x.shape) == (0.0, 1.0, (11, 40_000))
    np.testing.assert_allclose(x[0], exact_paths(Rng(0), n=40_000)[1][0], atol=1e-12)
    assert (x[-1].mean(), x[-1].var()) == pytest.approx(tuple(record.generated[0, 0]), abs=0.02)


def test_paths_after_many_half_steps_couple_their_ends_by_the_entropic_plan():
    """The coupling of X_0 and X_T is that of e^-T X_0 with X_T at eps = 1 - e^-2T (a Brownian plan after the scale)."""
    time, a = 0.5, np.exp(-0.5)
    _, x = exact_paths(Rng(1), steps=20, half_steps=41, n=60_000)
    plan = entropic_coupling(line(3.0 * a, 0.5 * a), line(0.0, 1.0), 1 - np.exp(-2 * time))
    assert a * np.cov(x[0], x[-1])[0, 1] == pytest.approx(float(plan[0, 0]), abs=0.005)


def test_a_path_is_rough_as_its_reference():
    _, x = exact_paths(Rng(2), gamma=0.0001, steps=2000, half_steps=3, n=100)
    assert np.square(np.diff(x, axis=0)).sum(0).mean() == pytest.approx(2 * 0.2, rel=0.03)


def test_the_record_is_plain_json():
    record = short_bridge()
    assert json.loads(json.dumps(record.to_dict()))["distances"][0][0] == pytest.approx(1.601, abs=5e-4)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sd": 0.0}, "sd and gamma above 0"),
        ({"gamma": float("nan")}, "above 0"),
        ({"mean": float("inf")}, "finite"),
        ({"steps": ()}, "whole numbers"),
        ({"steps": (0,)}, "whole numbers"),
        ({"steps": (10_000,)}, "last 250"),
        ({"half_steps": (2,)}, "odd"),
        ({"half_steps": (3, 1)}, "rising"),
    ],
)
def test_bad_numbers_are_refused_in_one_line(given, said):
    with pytest.raises(ValueError, match=said) as refusal:
        short_bridge(**given)
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match="at least one path"):
        exact_paths(Rng(0), n=0)


def test_the_study_loads_no_torch():
    code = "import sys, rkdiff.lab.transport.short_bridge as s; s.short_bridge(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

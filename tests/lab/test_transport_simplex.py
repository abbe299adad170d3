"""The simplex job: a packed walk, and payloads that make no sense."""

import numpy as np
import pytest

from rkdiff.core.parts import PartError
from rkdiff.core.records import outcome
from rkdiff.lab.play import unpack_walk
from rkdiff.lab.transport.simplex import job

PAYLOAD = {
    "data": ["noise", {"name": "two_moons", "n": 200}, {"name": "eight_gaussians", "n": 200}],
    "path": [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]],
    "particles": 60,
    "seed": 1,
    "iterations": 60,
}


def test_a_walk_comes_packed_with_the_weights_along_it():
    found = outcome(job(PAYLOAD, "cpu"))
    t, weights = unpack_walk(found), np.array(found["weights"])
    assert t.x.shape == (len(weights), 60, 2)
    assert (weights[0].tolist(), weights[-1].tolist()) == ([1, 0, 0], [0, 0.5, 0.5])
    assert np.stack([t.curves[f"weight {k}"] for k in range(3)], axis=1) == pytest.approx(weights)
    assert found["titles"][0] == "Standard normals"
    assert 0 < found["floor"] < 1
    target = np.array(found["target"])
    assert target.shape == (60, 2)
    assert np.abs(target.mean(axis=0) - t.x[-1].mean(axis=0)).max() < 0.5
    assert found["error"] > 0
    assert outcome(job(PAYLOAD, "cpu")) == found
    assert outcome(job(PAYLOAD | {"seed": 2}, "cpu"))["x"] != found["x"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"paths": []}, "no entry 'paths'"),
        ({"path": None}, "needs 'path'"),
        ({"path": [[1, 0, 0]]}, "give 2 to 12 weights"),
        ({"path": [[1, 0, 0], [0.5, 0.4, 0]]}, "of sum 1"),
        ({"path": [[1, 0, 0], [2, -1, 0]]}, "not negative"),
        ({"path": [[1, 0, 0], [1, 0, 0]]}, "each different"),
        ({"data": ["noise", "noise"]}, "give 3"),
        ({"data": ["noise", "noise", {"name": "digits"}]}, "points in the plane"),
        ({"data": ["noise", "noise", {"name": "moons"}]}, "no data named"),
        ({"particles": 1}, "between 2 and"),
        ({"iterations": 5}, "between 10 and"),
    ],
)
def test_payloads_that_make_no_sense_are_refused_in_one_line(change, said):
    with pytest.raises(PartError, match=said) as problem:
        outcome(job({**PAYLOAD, **change}, "cpu"))
    assert "\n" not in str(problem.value)

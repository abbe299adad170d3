import numpy as np
import pytest

from benchmarks import toys
from benchmarks.table import Row
from benchmarks.toys import Judge, closing, means, rows
from rkdiff.core.rng import Rng

G = np.random.default_rng(0)


@pytest.fixture
def small(monkeypatch):
    for name, value in {"TRAINING": 60, "GENERATED": 64, "REFERENCE": 1500, "PAIRS": 4}.items():
        monkeypatch.setattr(toys, name, value)


def test_the_floor_is_what_a_fresh_training_set_scores(small):
    judge = Judge(G.standard_normal((60, 2)), G.standard_normal((1500 + 240 + 64, 2)), Rng(0))
    scores = [judge.distance(G.standard_normal((60, 2))) / judge.floor for _ in range(40)]
    assert np.mean(scores) == pytest.approx(1.0, abs=0.25)


def test_copies_and_strays_are_told_apart(small):
    train = G.standard_normal((60, 2))
    judge = Judge(train, G.standard_normal((1500 + 240 + 64, 2)), Rng(0))
    figures = {
        name: {m: v for m, v, _ in judge(x)} for name, x in {"copies": train, "far": train + 9, "fresh": judge.more}.items()
    }
    assert figures["copies"]["memorisation"] == 0
    assert figures["far"]["spill"] > 10
    assert figures["far"]["SW2"] > 20 * figures["fresh"]["SW2"]
    assert figures["fresh"]["memorisation"] == figures["fresh"]["spill"] == 1.0


def test_it_runs_methods_and_controls_and_times_the_training_alone(small):
    out = list(rows(1, sets="two_moons", methods="exact,kernel_diffusion", steps="6"))
    figures = {(r.method, r.metric): r for r in out}
    assert {m for m, _ in figures} == {"training set", "fresh draws", "exact", "kernel_diffusion"}
    assert figures["training set", "memorisation"].value == 0.0
    assert figures["exact", "SW2"].cpu_seconds < figures["kernel_diffusion", "SW2"].cpu_seconds
    assert figures["fresh draws", "SW2"].cpu_seconds is None
    assert figures["kernel_diffusion", "sampling s"].value > 0
    assert all(np.isfinite(r.value) for r in out)
    again = list(rows(1, sets="two_moons", methods="exact,kernel_diffusion", steps="6"))
    assert [r.value for r in out if r.metric == "SW2"] == [r.value for r in again if r.metric == "SW2"]


def test_the_closing_lines_average_over_sets_first_and_judge_the_bars():
    made = [
        Row(data, "network_diffusion", seed, "SW2", value, 1.0, 2.0, 2.0)
        for data, seed, value in [("a", 0, 1.0), ("b", 0, 1.4), ("a", 1, 1.0), ("b", 1, 1.0)]
    ]
    mean, spread = means(made, "network_diffusion")["SW2 / floor"]
    assert mean == pytest.approx(1.1)
    assert spread == pytest.approx(np.std([1.2, 1.0], ddof=1))
    said = closing(made)
    assert "SW2 / floor 1.10 <= 1.15 met" in said
    assert "CPU s 2.00 <= 4 met" in said
    worse = closing([Row("a", "network_diffusion", 0, "SW2", 2.0, 1.0, 9.0, 9.0)])
    assert worse.count("NOT met") == 2

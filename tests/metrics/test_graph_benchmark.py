"""The table of graphs: its judge knows good sets from bad ones, and its closing lines say which bars are met."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import graphs as benchmark
from benchmarks.table import Row
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities


@pytest.fixture(scope="module")
def judge():
    source = Communities()
    return benchmark.Judge(source, source.make(Rng(0).child("data")), 2, Rng(0))


def test_fresh_draws_are_judged_good_and_copies_not_novel(judge):
    fresh = judge(Communities().fresh(60, Rng(5)).train)
    assert fresh["mean"] < 0.08
    assert fresh["against 100"] < 0.04
    assert min(fresh["valid"], fresh["novel"], fresh["unique"]) > 0.95
    copies = judge(judge.train[:60])
    assert copies["novel"] == 0.0
    assert copies["mean"] < 0.08


def test_graphs_of_another_law_are_judged_bad(judge):
    rng = np.random.default_rng(0)
    upper = np.triu(rng.random((60, 16, 16)) < 0.35, 1)
    bad = judge((upper | upper.transpose(0, 2, 1) | np.eye(16, dtype=bool)).astype(np.uint8))
    assert bad["mean"] > 0.2
    assert bad["valid"] < 0.1


def test_the_lines_share_their_training_graphs_with_the_judge(judge):
    p = benchmark._prepared(0, "exact", "cpu", {})
    assert p.data.train.tobytes() == judge.train.tobytes()
    assert set(benchmark._lines(Communities(), 0, "exact", "cpu", {})) == {
        "exact", "on the spectrum alone", "Gaussian", "copies", "fresh draws",
    }  # fmt: skip


@pytest.mark.parametrize(("mean", "word"), [(0.049, ": met"), (0.051, "NOT met")])
def test_closing_lines_tell_which_bars_are_met(mean, word):
    figures = {"mean": mean, "valid": 1.0, "novel": 1.0, "unique": 1.0}
    rows = [Row("communities", "some", s, m, v, None, 3.0, 4.0) for s in (0, 1) for m, v in figures.items()]
    last = benchmark.closing(rows).splitlines()[-1]
    assert word in last.split("valid")[0]
    assert "CPU s 3.000 (at most 15: met)" in last

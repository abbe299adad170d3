"""The tables of graphs: their judge knows good sets from bad ones, and the verdicts say which bars are met."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import _structured_graphs as structured
from benchmarks import graphs as alone
from benchmarks.table import Row
from rkdiff.core.rng import Rng
from rkdiff.data.communities import Communities
from rkdiff.data.planar import Planar

LINES = ("kernel diffusion", structured.INDEPENDENT, "on the spectrum alone", "Gaussian", "copies", "fresh draws")


@pytest.fixture(scope="module")
def judge():
    return structured.Judge(structured.SETTINGS["communities"], 0)


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
    bench = structured.Bench(structured.SETTINGS["communities"], 0, "kernel_diffusion", "cpu", {})
    assert bench.prepared("exact", "cpu", {}).data.train.tobytes() == judge.train.tobytes()
    assert tuple(bench.lines()) == LINES
    trees = structured.Bench(structured.SETTINGS["trees"], 0, "kernel_diffusion", "cpu", {})
    assert tuple(trees.lines()) == tuple(line for line in LINES if "spectrum" not in line)


def made(dataset, seeds=2, **figures):
    """Rows in which every line but those named has the value 0.5."""
    metrics = ("mean", "valid", "novel", "unique")
    return [
        Row(dataset, line, s, m, figures.get(f"{line} {m}", figures.get(m, 0.5)) + 0.001 * s, None, 3.0, 4.0)
        for s in range(seeds)
        for line in LINES
        for m in metrics
    ]


def told(rows):
    return {what: (value, asked, met) for what, value, asked, met in structured.verdicts(rows)}


@pytest.mark.parametrize(("ratio", "met"), [(1.25, True), (1.35, False)])
def test_communities_are_compared_with_fresh_draws(ratio, met):
    rows = made("communities", **{"kernel diffusion mean": 0.5 * ratio})
    value, asked, answer = told(rows)["communities: mean MMD over that of fresh draws"]
    assert asked == "at most 1.3"
    assert answer is met
    assert abs(float(value.split(" +- ")[0]) - ratio) < 0.01
    assert told(rows)["communities: CPU s"] == ("3.000 +- 0.000", "at most 10", True)
    assert told(rows)["communities: valid"][2] is False


def test_the_mixture_is_compared_with_the_gaussian_seed_by_seed_under_both_rules():
    plain = made("graph mixture", **{"kernel diffusion valid": 0.8, "Gaussian valid": 0.55})
    strict = made("graph mixture", **{"kernel diffusion valid": 0.7, "Gaussian valid": 0.55})
    strict = [replace(r, metric="valid strictly") for r in strict if r.metric == "valid"]
    assert told(plain + strict) == {
        "graph mixture: valid beyond the Gaussian's": ("0.250 +- 0.000", "at least 0.2", True),
        "graph mixture: valid strictly beyond the Gaussian's": ("0.150 +- 0.000", "at least 0.2", False),
    }


def test_the_mixture_is_judged_by_the_plain_rule_and_beside_it_by_the_strict_one():
    judge = structured.Judge(structured.SETTINGS["graph_mixture"], 0)
    planar = Planar(n=36).make(Rng(3)).train
    rings = planar.copy()
    for g in rings:  # a ring through all nodes: planar, but no triangulation, no tree and no two communities
        n = int(np.diagonal(g).sum())
        g[:] = 0
        i = np.arange(n)
        g[i, i] = g[i, (i + 1) % n] = g[(i + 1) % n, i] = 1
    one, other = judge(planar), judge(rings)
    assert (one["valid"], one["valid strictly"]) == (1.0, 1.0)
    assert other["valid"] == 1.0
    assert other["valid strictly"] < 0.1


def test_datasets_that_were_not_measured_have_no_verdict():
    assert set(told(made("trees"))) == {
        "trees: valid", "trees: mean MMD", "trees: mean MMD, independent start", "trees: novel",
    }  # fmt: skip
    assert not told([])
    assert not told(made("names"))


def test_the_closing_lines_hold_every_line_and_bar():
    text = alone.closing(made("communities"))
    assert all(line in text for line in LINES)
    assert text.count("met") == len(structured.BARS["communities"]) + 1  # the distance is judged twice


def test_an_unknown_set_is_refused_by_name():
    with pytest.raises(SystemExit, match="no set of graphs 'names'"):
        list(structured.rows(1, sets="names"))

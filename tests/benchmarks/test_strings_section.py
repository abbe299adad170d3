"""The section on strings: bars from its own rows, a missing figure meets none, and its lines are what they say."""

import numpy as np
import pytest

from benchmarks import _structured_strings as section
from benchmarks.table import Row
from rkdiff.core.parts import make
from rkdiff.kernels.strings import lengths
from rkdiff.spaces.strings import Strings

GOOD = {
    ("grammar", section.METHOD): {"recovered": 0.995, "valid": 0.97, "valid and new": 0.6, "ms a string": 5.0},
    ("grammar", section.ORACLE): {"recovered": 1.0},
    ("dna_motifs", section.METHOD): {"valid and new": 0.7},
}


def made(where=None, **changed):
    return [
        Row(name, line, s, k, changed.get(k.replace(" ", "_"), v) if (name, line) == where else v)
        for (name, line), f in GOOD.items()
        for k, v in f.items()
        for s in (0, 1)
    ]


def failed(rows):
    return [what for what, _, _, met in section.verdicts(rows) if not met]


def test_rows_within_all_bars_meet_all_of_them():
    assert len(list(section.verdicts(made()))) == 6
    assert failed(made()) == []


@pytest.mark.parametrize("where", GOOD)
def test_each_bad_figure_fails_a_bar_of_its_own(where):
    for metric in GOOD[where]:
        bad = 20.0 if metric == "ms a string" else 0.3
        assert len(failed(made(where, **{metric.replace(" ", "_"): bad}))) == 1


def test_a_figure_that_was_not_measured_is_said_and_not_met():
    whole = made()
    for gone in {(r.dataset, r.method, r.metric) for r in whole}:
        part = [r for r in whole if (r.dataset, r.method, r.metric) != gone]
        assert [v for _, v, _, met in section.verdicts(part) if not met] == ["not measured"]
        assert len(list(section.verdicts(part))) == 6


def test_rows_of_other_kinds_have_no_verdict():
    assert list(section.verdicts([Row("communities", section.METHOD, 0, "mean", 0.1)])) == []


def test_the_judged_line_is_the_default_space_from_independent_noise():
    source = make("data", "dna_motifs", n=30)
    p = section._prepared(source, "exact", Strings(), 0, "cpu")
    assert p.experiment.start == "iid"
    assert p.experiment.space == Strings()


def test_lines_of_names_are_strings_and_the_rule_of_training_names_is_kept():
    p = section._prepared(make("data", "city_names"), "exact", Strings(), 0, "cpu")
    judge = section.Judge(p.experiment.data, p)
    lines = section._lines(p, section.Drawn(p.problem.x[:20]), judge.fresh)
    ruled = lines[section.RULED]()
    assert p.space.automaton(ruled).all()
    figures = {name: value for name, value, _ in judge(ruled)}
    assert figures["valid"] == 1
    assert figures["length"] == lengths(ruled).mean()
    assert {n: v for n, v, _ in judge(judge.fresh)}["valid and new"] == 0  # fresh names are training names


def test_recovery_is_that_of_the_default_space_and_of_the_linear_one():
    p = section._prepared(make("data", "grammar", n=60), "exact", Strings(), 0, "cpu")
    found = {r.method: r.value for r in section._recovered(p, "grammar", 0, "cpu")}
    for line, space in (
        (section.METHOD, p.space),
        (section.ORACLE, Strings(kernel="linear", r=200).fit(p.data, p.rng.child("space"))),
    ):
        back = space.decode(space.encode(p.data.held_out), p.rng.child("oracle"))
        assert found[line] == np.mean([a.tobytes() == b.tobytes() for a, b in zip(back, p.data.held_out, strict=True)])

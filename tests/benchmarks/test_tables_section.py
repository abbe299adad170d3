"""The section on tables: its bars are computed from its own rows, and its lines are what they say."""

import numpy as np
import pytest

from benchmarks import _structured_tables as section
from benchmarks.table import Row
from rkdiff.metrics.tables import copied

HELD = {"marginals": 0.08, "associations": 0.1, "privacy": 1.0, "copied": 0.0, "novel": 1.0}
GOOD = {"marginals": 0.05, "associations": 0.06, "linear": 0.8, "boosting": 0.8, "privacy": 0.95, "novel": 1.0}
TAUGHT = {"linear": 0.82, "boosting": 0.84}


def made(**mine):
    good = {
        section.KERNEL: GOOD,
        section.FLOOR: HELD,
        section.COPIES: TAUGHT,
        section.COPULA: {"associations": 0.2},
    }
    figures = good | {section.KERNEL: GOOD | mine}
    return of("tips", figures) + of("penguins", good) + of("orders", good)


def of(name, figures):
    return [Row(name, m, s, k, v + 0.01 * s) for m, f in figures.items() for k, v in f.items() for s in (0, 1)]


def failed(rows):
    return [what for what, _, _, met in section.verdicts(rows) if not met]


def test_a_figure_that_was_not_measured_is_said_and_not_met():
    whole = made()
    assert len(list(section.verdicts(whole))) == 7 * len(section.SETS)
    for gone in {(r.dataset, r.method, r.metric) for r in whole}:
        part = [r for r in whole if (r.dataset, r.method, r.metric) != gone]
        assert len(list(section.verdicts(part))) == 7 * len(section.SETS)
        if gone[1] == section.KERNEL:
            assert ("not measured", False) in [(v, met) for _, v, _, met in section.verdicts(part)]


def test_rows_within_all_bars_meet_all_of_them():
    assert failed(made()) == []


@pytest.mark.parametrize(
    ("metric", "value", "what"),
    [
        ("marginals", 0.09, ["tips: marginals"]),
        ("associations", 0.15, ["tips: associations"]),
        ("associations", 0.3, ["tips: associations"] * 2),
        ("linear", 0.7, ["tips: learned from it (linear)"]),
        ("privacy", 0.8, ["tips: privacy"]),
        ("novel", 0.5, ["tips: novel"]),
    ],
)
def test_one_bad_figure_fails_its_own_bar_alone(metric, value, what):
    assert failed(made(**{metric: value})) == what


def test_rows_of_other_kinds_have_no_verdict():
    assert list(section.verdicts([Row("communities", section.KERNEL, 0, "mean", 0.1)])) == []


def test_the_judged_lines_start_from_independent_noise():
    assert section._prepared("tips", 0, "exact", "cpu").experiment.start == "iid"


def test_lines_without_learning_have_as_many_valid_rows_as_are_held_out():
    p = section._prepared("orders", 0, "exact", "cpu")
    lines = section._lines("orders", 0, "cpu", p)
    assert np.array_equal(lines[section.FLOOR](), p.data.held_out)
    for name in ("Gaussian in H", "copies decoded", section.COPIES, section.COPULA, "interpolation"):
        table = lines[name]()
        assert table.shape == p.data.held_out.shape
        assert p.space.valid(table).all()
        assert np.array_equal(table, lines[name]())
    assert copied(lines[section.COPIES](), p.data.train) == 1
    assert copied(lines["Gaussian in H"](), p.data.train) < 0.1

"""The benchmark of transports: its bars follow from its rows, and a step is timed and compared as it says."""

import numpy as np
import pytest

from benchmarks import _transport_step as step
from benchmarks import transport
from benchmarks._sections import Sections
from benchmarks.table import Row


def made(fresh, one, kept, faster):
    out = []
    for d in step.DIMENSIONS:
        for seed in (0, 1):
            put = lambda method, metric, value, d=d, seed=seed: out.append(Row(f"d = {d}", method, seed, metric, value))
            put(step.FRESH, "x its sorts", fresh)
            put(step.FRESH, "x one sort", one)
            put(step.KEPT, "x its sorts", kept)
            put(step.FRESH, "x faster than POT", faster)
    return out


@pytest.mark.parametrize(
    ("figures", "bars"),
    [
        ((1.2, 1.9, 1.5, 31.0), [True, True, True, True]),
        ((2.0, 2.1, 2.1, 29.0), [True, False, False, False]),
        ((2.1, 2.0, 2.0, 30.0), [False, True, True, True]),
    ],
)
def test_a_step_is_held_to_twice_its_sorts_and_a_thirtieth_of_the_gradient(figures, bars):
    assert [met for *_, met in step.verdicts(made(*figures))] == bars * len(step.DIMENSIONS)


def test_nothing_measured_meets_nothing():
    assert not any(met for *_, met in step.verdicts([]))
    assert transport.closing([]) == "no bar was measured"


def test_the_rows_of_a_small_step_are_ratios_of_its_times():
    rows = list(transport.rows(1, only="step", n="300", count="8", repeats="2", slow="1"))
    for d in step.DIMENSIONS:
        part = {(r.method, r.metric): r.value for r in rows if r.dataset == f"d = {d}"}
        one = part["np.sort of the projected particles", "ms"]
        assert part[step.FRESH, "x one sort"] == pytest.approx(part[step.FRESH, "ms"] / one)
        assert part[step.KEPT, "x its sorts"] == pytest.approx(part[step.KEPT, "ms"] / one)
        assert part[step.FRESH, "x faster than POT"] == pytest.approx(part[step.POT, "ms"] / part[step.FRESH, "ms"])
        assert part[step.FRESH, "x its sorts"] < part[step.FRESH, "x one sort"]
    tables = {r.method: r for r in rows if r.metric == "sliced distance"}
    assert 1 < tables["tables, unseen points"].shown < 4
    assert 0.5 < tables["particles"].shown < 4
    assert "times the sorts it needs" in transport.closing(rows)


def test_the_least_of_several_times_is_taken_in_turns():
    order = []
    found = step.least({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert order == ["a", "b"] * 3
    assert set(found) == {"a", "b"}
    assert np.isfinite(list(found.values())).all()


def test_a_section_without_a_file_is_not_offered():
    some = Sections("transport", ("step", "nowhere"))
    assert some.there == ("step",)
    with pytest.raises(SystemExit, match="no section 'nowhere'; choose among step"):
        list(some.rows(1, only="nowhere"))
    with pytest.raises(SystemExit, match="has the option 'speed'; they have count, data, n, repeats, slow"):
        list(some.rows(1, only="step", speed="3"))

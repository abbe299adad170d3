"""The section on clouds and pictures: bars that can fail, a missing figure meets none, and copies are told from new objects."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import _structured_clouds as section
from benchmarks.table import Row
from rkdiff.core.rng import Rng

GOOD = {"in H": 1.2, "to truth": 1.05, "from truth": 1.1, "plausible": 0.95, "new": 0.93}
BAD = {"in H": 2.0, "to truth": 1.2, "from truth": 1.5, "plausible": 0.5, "new": 0.1}


def made(name=None, **changed):
    out = []
    for data in section.SOURCES:
        mine = GOOD | changed if data == name else GOOD
        lines = {f"kernel diffusion, {section.DECODERS[data][0]}": mine, "Gaussian": {"to truth": 1.15}}
        out += [Row(data, line, s, k, v) for line, f in lines.items() for k, v in f.items() for s in (0, 1)]
    return out


def failed(rows):
    return [what for what, _, _, met in section.verdicts(rows) if not met]


def test_rows_within_all_bars_meet_all_of_them():
    assert len(list(section.verdicts(made()))) == 6 * len(section.SOURCES)
    assert failed(made()) == []


@pytest.mark.parametrize("metric", BAD)
def test_one_bad_figure_fails_its_own_bars_alone(metric):
    words = failed(made("digits", **{metric: BAD[metric]}))
    assert len(words) == (2 if metric == "to truth" else 1)
    assert all(w.startswith(f"digits: {metric}") for w in words)


def test_a_figure_that_was_not_measured_is_said_and_not_met():
    whole = made()
    for gone in {(r.dataset, r.method, r.metric) for r in whole}:
        part = [r for r in whole if (r.dataset, r.method, r.metric) != gone]
        assert len(list(section.verdicts(part))) == len(list(section.verdicts(whole)))
        assert failed(part)
        if gone[1] != "Gaussian":
            assert {v for _, v, _, met in section.verdicts(part) if not met} == {"not measured"}


def test_rows_of_other_kinds_have_no_verdict():
    assert list(section.verdicts([Row("communities", "kernel diffusion", 0, "mean", 0.1)])) == []


@pytest.mark.parametrize("name", section.SOURCES)
def test_copies_are_not_new_objects_of_another_kind_are_not_plausible_and_true_ones_are_both(name):
    source = replace(section.SOURCES[name], n=200)
    p = section._prepared(source, 0, "cpu")
    assert p.experiment.start == "iid"
    judge = section.Judge(p, source)
    of = lambda objects: {k: v for k, (v, _) in judge(objects).items()}
    true = of(p.data.held_out[:100])
    assert true["new"] >= 0.85
    assert true["plausible"] >= 0.85
    assert of(p.data.train[:100])["new"] == 0
    noise = Rng(0).numpy("noise").uniform(*np.quantile(p.data.train, [0.02, 0.98]), size=p.data.held_out[:60].shape)
    assert of(noise)["plausible"] < 0.5

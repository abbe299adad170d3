"""Whatever is typed or read, the answer is a result or one line: no traceback, no silence. Nothing is trained here."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rkdiff.stages
from rkdiff.__main__ import main
from rkdiff.core.parts import HOMES, PartError, choices, knobs
from rkdiff.core.records import Progress
from rkdiff.experiment import PARTS, Experiment, Run
from rkdiff.store import Store

NAMES = sorted(name for kind in HOMES for name in choices(kind))
ODD = ["", " ", "-1", "0", "1e400", "nan", "true", "[1]", "{}", "..", "\0", "a\nb", "=", "[" * 2000, "9" * 320, "9" * 5000]  # fmt: skip

scalars = (
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8) | st.sampled_from(NAMES)
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=8
)


def part(kind):
    """A part of this kind with a few entries: its own knobs, and words it does not have."""

    def written(name, cls):
        words = [*(k.name for k in knobs(cls)), "kind", "self", "cls", "other"]
        return st.dictionaries(st.sampled_from(words), anything, max_size=2).map(lambda rest: {"name": name, **rest})

    return st.one_of([written(name, cls) for name, cls in choices(kind).items()])


nearly = st.builds(
    lambda damage: {"data": {"name": "two_moons"}, "method": {"name": "exact"}, **damage},
    st.lists(
        st.one_of([st.tuples(st.just(kind), part(kind) | anything) for kind in PARTS])
        | st.tuples(st.sampled_from(["meaning", "other", *(k.name for k in knobs(Experiment))]), anything),
        max_size=2,
    ).map(dict),
)


@settings(max_examples=150)
@given(anything | nearly | nearly)
def test_any_json_is_an_experiment_or_refused_with_a_reason(value):
    try:
        experiment = Experiment.from_dict(value)
    except PartError as problem:
        reason = str(problem)
    else:
        reason = ""
        assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment
    assert reason == "" or 10 < len(reason) < 600


def tiny(experiment):
    """A run without content, as the store keeps it."""
    return Run(experiment, {"u": np.zeros(2)}, {"device_name": "none", "quality": {}})


def cheap_stream(experiment, device="auto"):
    yield Progress("training", 0, 1)
    if device != "auto":
        raise ValueError(f"there is no device {device!r}")
    yield tiny(experiment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an experiment, a list of two, files that are none, and two kept runs; training is free."""
    root = tmp_path_factory.mktemp("fuzz")
    two = [{"data": {"name": n}, "method": {"name": "exact"}} for n in ("rings", "spiral")]
    for name, content in {"one.json": two[0], "two.json": two, "none.json": [], "odd.json": [two[0], 3]}.items():
        (root / name).write_text(json.dumps(content))
    (root / "binary").write_bytes(bytes(range(255, 0, -1)))
    (root / "nested").write_text("[" * 2000 + "]" * 2000)
    (root / "folder").mkdir()
    store = Store(root / "kept")
    for value in two:
        store.save(tiny(Experiment.from_dict(value)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("RKDIFF_STORE", str(root / "kept"))
        patch.setattr(rkdiff.stages, "stream", cheap_stream)
        yield root


def answered(argv):
    """The exit code, once it is sure that the answer is a result or one line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as end:  # --help
            code = end.code
    said = [line for line in err.getvalue().split("\n") if line and not line.startswith("\rtraining")]
    assert code in (0, 2)
    assert len(said) == (code == 2), said
    assert all(line.startswith("rkdiff: ") and len(line) < 1000 for line in said)
    assert code == 2 or out.getvalue()
    return code


def argv_of(command, *usual):
    """Arguments that are nearly right: usual ones in any order and number, among others that are not."""
    word = (
        st.sampled_from([w for ws in usual for w in ws])
        | st.sampled_from(ODD)
        | st.text(st.characters(exclude_characters="/"), max_size=5)
    )
    right = st.sampled_from(usual).map(list)
    pair = right | right | right | st.lists(word, min_size=1, max_size=2)
    return st.builds(
        lambda start, pairs: [command, *start, *(w for p in pairs for w in p)],
        st.sampled_from([[], list(usual[0])]),
        st.lists(pair, max_size=4),
    )


@settings(max_examples=150)
@given(
    argv_of(
        "run", ["two_moons", "exact"], ["--seed", "3"], ["--seed=4"], ["--seed.x", "1"], ["--data.kind", "1"], ["--data.noise", "0.1"],
        ["--method.name", "3"], ["--schedule", "cosine"], ["--schedule.name", "x"], ["--sampler", "heun"], ["--from", "one.json"],
        ["--from", "two.json"], ["--from", "none.json"], ["--from", "odd.json"], ["--from", "binary"], ["--from", "nested"],
        ["--from", "folder"], ["--store", "elsewhere"], ["--device", "cpu"], ["--again"], ["--help"], ["--dev", "cpu"], ["--"],
    )
)  # fmt: skip
def test_any_arguments_of_run_end_in_a_run_or_one_line(folder, argv):
    answered(argv)


@given(
    argv_of(
        "export", ["0123456789abcdef"], ["0123"], ["../../etc"], ["--json", "out.json"], ["--npz", "out.npz"], ["--json", "folder"],
        ["--json", "missing/x"], ["--json", "one.json/x"], ["--direction", "both"], ["--direction", "up"],
        ["--store", "nowhere"], ["--htm", "x"],
    )
)  # fmt: skip
def test_any_arguments_of_export_end_in_files_or_one_line(folder, argv):
    answered(argv)


@given(argv_of("list", ["data"], ["runs"], ["colour"], ["--store", "nowhere"], ["--sto", "x"], ["--help"]))
def test_any_arguments_of_list_end_in_a_list_or_one_line(folder, argv):
    if not ("runs" in argv and "--store" in argv):  # a folder without runs is told by an empty list
        answered(argv)


@given(st.lists(st.sampled_from([*ODD, "--version", "-x", "lis", "run", "--he"]), max_size=3))
def test_no_command_or_an_unknown_one_costs_one_line(folder, argv):
    answered(argv)


def test_a_list_of_experiments_runs_each(folder, capsys):
    assert main(["run", "--from", "two.json", "--store", "fresh"]) == 0
    keys = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert len(keys) == 2
    assert sorted(s.key for s in Store("fresh").list()) == sorted(keys)


def test_one_bad_experiment_of_a_list_is_named_before_any_is_run(folder, capsys):
    assert main(["run", "--from", "odd.json", "--store", "untouched"]) == 2
    assert "experiment 2 of 2 in odd.json: an experiment is a JSON object; got int" in capsys.readouterr().err
    assert not (folder / "untouched").exists()


def test_an_error_stands_on_a_line_of_its_own_after_the_progress(folder, capsys):
    assert main(["run", "two_moons", "exact", "--device", "abacus", "--store", "none"]) == 2
    assert capsys.readouterr().err.split("\n")[1] == "rkdiff: there is no device 'abacus'"


def test_a_key_may_be_shortened_while_it_is_the_only_one(folder, capsys):
    keys = [s.key for s in Store().list()]
    key = keys[0]
    assert main(["export", key[:6], "--json", "short.json"]) == 0
    assert Experiment.from_dict(json.loads((folder / "short.json").read_text())).key == key
    assert main(["export", "0000", "--json", "x.json"]) == 2
    assert "no run 0000 in" in capsys.readouterr().err


def test_a_short_key_of_several_runs_is_refused_with_their_keys(tmp_path, capsys):
    store = Store(tmp_path)
    by_start = {}
    for seed in range(2000):
        e = Experiment.from_dict({"data": {"name": "rings"}, "method": {"name": "exact"}, "seed": seed})
        twin = by_start.setdefault(e.key[:4], e)
        if twin is not e:
            break
    for one in (e, twin):
        store.save(tiny(one))
    assert main(["export", e.key[:4], "--json", str(tmp_path / "x"), "--store", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert e.key in err
    assert twin.key in err
    assert "give more digits" in err


def test_a_failed_export_leaves_nothing_and_a_good_one_has_the_umasks_permissions(folder, capsys):
    key = Store().list()[0].key
    before = sorted(folder.iterdir())
    assert main(["export", key, "--json", "folder"]) == 2
    assert "cannot write folder: " in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before
    assert main(["export", key, "--json", "plain.json"]) == 0
    (folder / "reference").write_text("")
    assert (folder / "plain.json").stat().st_mode == (folder / "reference").stat().st_mode

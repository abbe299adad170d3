"""The command line does what the app does, and answers bad input with one line."""

import json

import pytest

from rkdiff.__main__ import main
from rkdiff.core.parts import knobs
from rkdiff.described import experiment_of, split
from rkdiff.experiment import Experiment

QUICK = ["--data.n", "60", "--particles", "20", "--steps", "3", "--repeats", "1"]


def test_list_shows_every_part_with_its_knobs(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for word in ("two_moons", "kernel_diffusion", "karras", "heun", "classifier_free", "noise ="):
        assert word in text


def test_run_keeps_and_export_writes(store_folder, tmp_path, capsys):
    assert main(["run", "two_moons", "exact", *QUICK, "--schedule", "cosine", "--method.smoothing", "0.2"]) == 0
    key = capsys.readouterr().out.split()[0]
    assert main(["run", "two_moons", "exact", *QUICK, "--schedule", "cosine", "--method.smoothing", "0.2"]) == 0
    assert "already kept" in capsys.readouterr().out
    files = [tmp_path / n for n in ("scene.html", "experiment.json", "arrays.npz")]
    assert main(["export", key, "--html", str(files[0]), "--json", str(files[1]), "--npz", str(files[2])]) == 0
    assert all(f.stat().st_size > 100 for f in files)
    assert json.loads(files[1].read_text())["schedule"]["name"] == "cosine"
    capsys.readouterr()
    assert main(["run", "--from", str(files[1])]) == 0
    assert key in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["run"], "say which data and which method"),
        (["run", "two_mons", "exact"], "did you mean 'two_moons'"),
        (["run", "two_moons", "exact", "--steps", "0"], "choose between"),
        (["run", "two_moons", "exact", "--steps"], "takes one value"),
        (["run", "two_moons", "exact", "--schedule.colour", "3"], "add --schedule NAME"),
        (["run", "two_moons", "exact", "--steps", "--seed", "3"], "'--steps' takes one value"),
        (["run", "two_moons", "exact", "--seed", "3", "--seed.x", "4"], "only data, method, space"),
        (["run", "two_moons", "exact", "--data.kind", "3"], "has no knob 'kind'"),
        (["run", "two_moons", "exact", "--seed", "9" * 320], "choose between 0"),
        (["run", "two_moons", "exact", "--seed", "9" * 5000], "choose a number between 0"),
        (["run", "two_moons", "exact", "rings"], "unrecognized arguments: rings"),
        (["run", "two_moons"], "say which data and which method"),
        (["run", "two_moons", "--from", "x.json"], "leave out 'two_moons'"),
        (["run", "--seed", "3", "--from", "x.json"], "leave out '--seed'"),
        (["run", "--from", "no such file"], "no such file"),
        (["run", "two_moons", "exact", "--dev", "cpu"], "no entry 'dev'"),
        (["list", "colour"], "choose from"),
        (["list", "data", "--sto", "x"], "unrecognized arguments"),
        (["list", "x" * 5000], "choose from"),
        (["run", "two_moons", "exact", "x" * 5000], "unrecognized arguments: xxx"),
        (["decoders"], "say which data"),
        (["decoders", "two_moons"], "nothing to decode"),
        (["decoders", "digits", "--count", "0"], "choose 1 or more"),
        (["decoders", "digits", "--count", "many"], "invalid int value"),
        (["decoders", "digits", "--space", "images", "--space.decoder", "magic"], "choose one of"),
        ([], "list | run | decoders | export"),
        (["run", "two_moons", "exact", "--nothing", "1"], "no entry 'nothing'"),
        (["export", "0123456789abcdef"], "say what to write"),
        (["export", "0123456789abcdef", "--json", "x.json"], "0123456789abcdef"),
        (["export", "../../etc", "--json", "x.json"], "etc"),
        (["export", "012", "--json", "x.json"], "the first 4 or more"),
    ],
)
def test_bad_input_costs_one_line(argv, message, store_folder, capsys):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()[1 if "preparing" in err else 0 :]) == 1
    assert len(err) < 400


def test_decoders_prints_a_table_with_every_decoder(capsys):
    assert main(["decoders", "digits", "exact", "--particles", "20", "--steps", "3", "--count", "3"]) == 0
    out = capsys.readouterr().out
    for word in ("fixed_point", "simplex", "nearest", "copies", "novel", "nearest training object"):
        assert word in out


def test_a_device_that_is_not_there_is_told_after_the_progress(store_folder, capsys):
    assert main(["run", "two_moons", "exact", "--device", "abacus", *QUICK]) == 2
    assert "choose one of auto" in capsys.readouterr().err.split("\n")[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{" * 50, "is not JSON"),
        (bytes(range(255, 0, -1)), "is not JSON"),
        (b"[" * 2000 + b"]" * 2000, "nested too deeply"),
        (b"9" * 5000, "is not JSON"),
        (b"[]", "empty list"),
        (b'{"data": null, "method": {"name": "exact"}}', "needs 'data'"),
        (b'{"data": {"name": "two_moons", "kind": 1}, "method": {"name": "exact"}}', "has no knob 'kind'"),
    ],
)
def test_a_file_that_holds_no_experiment_costs_one_line(content, message, tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    assert main(["run", "--from", str(bad)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert len(err) < 400


@pytest.mark.parametrize(
    "argv",
    [
        ["two_moons", "exact", "--seed", "3", *QUICK],
        ["--seed", "3", "two_moons", "exact", *QUICK],
        ["--seed=3", "two_moons", *QUICK, "exact"],
        [*QUICK, "--data", "two_moons", "--method", "exact", "--seed=3"],
    ],
)
def test_flags_may_stand_anywhere(argv):
    asked, flags = split(argv)
    wanted = {
        "data": {"name": "two_moons", "n": 60},
        "method": {"name": "exact"},
        "particles": 20,
        "steps": 3,
        "repeats": 1,
        "seed": 3,
    }
    assert experiment_of(*(asked or (None, None)), flags) == Experiment.from_dict(wanted)


def test_the_help_of_run_names_every_number_and_part_of_an_experiment(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["run", "--help"])
    text = capsys.readouterr().out
    for word in (
        "--seed 0",
        "--particles",
        "--schedule NAME",
        "--method.KNOB",
        "--from",
        *(f"--{k.name}" for k in knobs(Experiment)),
    ):
        assert word in text


def test_an_interrupt_ends_in_one_line_and_keeps_nothing(store_folder, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("rkdiff.stages.stream", interrupted)
    assert main(["run", "two_moons", "exact", *QUICK]) == 130
    assert "stopped; nothing" in capsys.readouterr().err
    assert not [f for f in store_folder.glob("*") if f.is_dir() and not f.name.startswith(".")]

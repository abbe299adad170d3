"""The command line does what the app does, and answers bad input with one line."""

import csv
import json
import re

import numpy as np
import pytest

from rkdiff.__main__ import _beside, main
from rkdiff.core.parts import Knob, knobs, make
from rkdiff.core.rng import Rng
from rkdiff.described import experiment_of, split
from rkdiff.experiment import Experiment, Run
from rkdiff.files import objects_csv

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
    again = capsys.readouterr().out
    assert "already kept" in again
    assert "sliced_wasserstein" in again
    files = [tmp_path / n for n in ("scene.html", "experiment.json", "arrays.npz")]
    assert main(["export", key, "--html", str(files[0]), "--json", str(files[1]), "--npz", str(files[2])]) == 0
    assert all(f.stat().st_size > 100 for f in files)
    assert json.loads(files[1].read_text())["schedule"]["name"] == "cosine"
    capsys.readouterr()
    assert main(["run", "--from", str(files[1])]) == 0
    assert key in capsys.readouterr().out


def test_decoded_objects_are_told_and_written(store_folder, tmp_path, capsys):
    quick = ["--particles", "12", "--steps", "3", "--repeats", "1", "--shown", "2", "--moments", "2", "--decoded", "5"]
    assert main(["run", "penguins", "gaussian", *quick, "--space.decoder", "nearest"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"decoded objects +valid [\d.]+, novel 0.00, unique [\d.]+ of 5", out)
    key, objects, figures = out.split()[0], tmp_path / "objects.csv", tmp_path / "figures.json"
    assert main(["export", key, "--csv", str(objects), "--figures", str(figures)]) == 0
    rows = list(csv.reader(objects.read_text().splitlines()))
    columns = make("data", "penguins").make(Rng(0).child("data")).meta["columns"]
    assert rows[0] == [c["name"] for c in columns]
    assert len(rows) == 6
    for row in rows[1:]:
        for cell, c in zip(row, columns, strict=True):
            assert cell in c["levels"] if c["type"] == "category" else float(cell) is not None
    told = json.loads(figures.read_text())
    assert told[0]["key"] == key
    assert {"value", "sd", "floor"} <= told[0]["quality"]["sliced_wasserstein"].keys()
    assert told[0]["objects"]["novel"] == 0.0


def test_plane_data_have_no_decoded_objects_to_write(store_folder, tmp_path, capsys):
    assert main(["run", "two_moons", "exact", *QUICK]) == 0
    key = capsys.readouterr().out.split()[0]
    assert main(["export", key, "--csv", str(tmp_path / "x.csv")]) == 2
    assert "no decoded objects" in capsys.readouterr().err


GRAPH = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], np.uint8)


@pytest.mark.parametrize(
    ("modality", "values", "meta", "text"),
    [
        ("strings", np.array([list(b"ab,\0"), list(b"\0\0\0\0")], np.uint8), {}, '"ab,"\n""\n'),
        ("curves", np.array([[1.0, 2.5]]), {"grid": [0.0, 3.0]}, "0,3\n1,2.5\n"),
        ("curves", np.array([[1.0, 2.5, 4.0]]), {"grid": [0.0, 3.0]}, "0,0.5,1\n1,2.5,4\n"),
        ("clouds", np.array([[[0.5, 1.0], [2.0, 3.0]]]), {}, "object,point,x,y\n0,0,0.5,1\n0,1,2,3\n"),
        ("graphs", GRAPH[None], {}, "object,node,node\n0,0,1\n0,2,\n"),
        ("images", np.array([[[0.0, 1.0]]]), {}, "row 0 column 0,row 0 column 1\n0,1\n"),
        ("tables", np.array([[2.0, 1.0]]), {"columns": [
            {"name": "n", "type": "integer"}, {"name": "c", "type": "category", "levels": ["no", "yes"]}]}, "n,c\n2,yes\n"),
    ],
)  # fmt: skip
def test_objects_of_every_kind_become_lines(modality, values, meta, text):
    described = {"data": {"name": "two_moons"}, "method": {"name": "exact"}}
    held = Run(Experiment.from_dict(described), {"samples": values}, {"modality": modality, "meta": meta})
    assert objects_csv(held) == text


@pytest.mark.parametrize(
    ("flag", "kind", "name"),
    [
        ("--space.r=5", "space", "images"),
        ("--schedule.rho=3", "schedule", "karras"),
        ("--guidance.strength=3", "guidance", "classifier_free"),
    ],
)
def test_a_knob_alone_means_the_part_that_fits(flag, kind, name):
    assert getattr(experiment_of("digits", "exact", split([flag])[1]), kind).name == name


def test_knobs_that_need_another_say_so():
    assert _beside(Knob("k", int, 1, 1, 2, (), None, False, False, "", "", (("decoder", ("beam",)),))) == " (with decoder beam)"
    assert _beside(Knob("k", int, 1, 1, 2, (), None, False, False, "", "")) == ""


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
        (["decoders", "two_moons"], "nothing to decode; choose data made of clouds, curves, graphs, images, strings, tables"),
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

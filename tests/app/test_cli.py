"""The command line does what the app does, and answers bad input with one line."""

import json

import pytest

from rkdiff.__main__ import main

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
        (["run", "two_moons", "exact", "--schedule.rho", "3"], "add --schedule NAME"),
        (["run", "two_moons", "exact", "--device", "abacus", *QUICK], "choose one of auto"),
        (["run", "two_moons", "exact", "--nothing", "1"], "no entry 'nothing'"),
        (["export", "0123456789abcdef"], "say what to write"),
        (["export", "0123456789abcdef", "--json", "x.json"], "0123456789abcdef"),
        (["export", "../../etc", "--json", "x.json"], "etc"),
    ],
)
def test_bad_input_costs_one_line(argv, message, store_folder, capsys):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_a_file_that_is_not_json_is_named(tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text("{" * 50)
    assert main(["run", "--from", str(bad)]) == 2
    assert "bad.json is not JSON" in capsys.readouterr().err

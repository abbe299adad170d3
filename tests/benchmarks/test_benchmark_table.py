import ast
import json
from pathlib import Path

import pytest

import benchmarks
from benchmarks import describe, names
from benchmarks.__main__ import main
from benchmarks.table import Row, read, render, write

ROWS = [
    Row("moons", "exact", 0, "SW2", 0.2, 0.1, 1.0, 2.0),
    Row("moons", "exact", 1, "SW2", 0.4, 0.1, 3.0, 2.0),
    Row("moons", "copies", 0, "SW2", 0.1, 0.1),
    Row("moons", "exact", 0, "spill", 150.0, None, 1.0, 2.0),
]


def cells(line):
    return [c.strip() for c in line.split("  ") if c.strip()]


def test_a_table_shows_figures_over_their_floor_with_the_spread_over_seeds():
    head, _, exact, copies = render(ROWS).splitlines()
    assert cells(head) == ["dataset", "method", "seeds", "SW2 / floor", "spill", "CPU s", "wall s", "device"]
    assert cells(exact) == ["moons", "exact", "2", "3.00 ± 1.41", "150", "2.00 ± 1.41", "2.00 ± 0.00", "cpu"]
    assert cells(copies) == ["moons", "copies", "1", "1.00", "-", "-", "-", "cpu"]


def test_columns_are_aligned():
    lines = render(ROWS).splitlines()
    ends = [line.index("cpu") for line in lines[2:]]
    assert set(ends) == {lines[0].index("device")}


def test_devices_do_not_mix():
    both = render([*ROWS, Row("moons", "exact", 0, "SW2", 0.9, 0.1, device="H100")]).splitlines()
    assert [cells(line)[-1] for line in both[2:]] == ["cpu", "cpu", "H100"]


def test_rows_come_back_from_json_as_they_were(tmp_path):
    write(ROWS, tmp_path / "rows.json")
    assert read(tmp_path / "rows.json") == ROWS
    asked = {"dataset", "method", "seed", "metric", "value", "floor", "cpu_seconds", "wall_seconds", "device"}
    assert set(json.loads((tmp_path / "rows.json").read_text())[0]) == asked


def test_an_empty_table_says_so():
    assert render([]) == "no rows"


@pytest.mark.parametrize("name", names())
def test_every_benchmark_has_a_line_of_description_and_rows(name):
    assert 20 < len(describe(name)) <= 140
    source = ast.parse(Path(benchmarks.__path__[0], f"{name}.py").read_text(encoding="utf-8"))
    functions = {f.name for f in source.body if isinstance(f, ast.FunctionDef)}
    named = {
        n.id
        for a in source.body
        if isinstance(a, ast.Assign)
        for t in a.targets
        for n in ast.walk(t)
        if isinstance(n, ast.Name)
    }
    assert "rows" in functions | named


def test_without_a_name_the_benchmarks_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(names())


@pytest.fixture
def fake(tmp_path, monkeypatch):
    (tmp_path / "fake.py").write_text(
        '"""Fake figures."""\n'
        "from benchmarks.table import Row\n"
        "SEEDS = 2\n"
        "def rows(seeds, device='cpu', bias='0'):\n"
        "    for seed in range(seeds):\n"
        "        yield Row('set', 'method', seed, 'metric', seed + float(bias), device=device)\n"
        "def closing(rows):\n"
        "    return f'{len(rows)} rows in all'\n"
    )
    monkeypatch.setattr(benchmarks, "__path__", [str(tmp_path)])


@pytest.mark.parametrize(("arguments", "values"), [([], [0.0, 1.0]), (["--seeds", "3", "--set", "bias=5"], [5.0, 6.0, 7.0])])
def test_a_benchmark_prints_its_table_and_keeps_its_rows(fake, tmp_path, capsys, arguments, values):
    assert main(["fake", "--json", str(tmp_path / "out.json"), *arguments]) == 0
    out = capsys.readouterr().out
    assert f"{len(values)} rows in all" in out
    assert "metric" in out
    assert [r.value for r in read(tmp_path / "out.json")] == values


def test_what_cannot_be_run_is_answered_with_what_can(fake):
    for arguments, answer in [
        (["nothing"], "no benchmark 'nothing'; choose one of fake"),
        (["fake", "--seeds", "0"], "--seeds is 0"),
        (["fake", "--set", "bias"], "KEY=VALUE"),
    ]:
        with pytest.raises(SystemExit, match=answer):
            main(arguments)

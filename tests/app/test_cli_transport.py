"""The transport laboratory in a terminal: what it prints, what it writes, and one line for what cannot be done."""

import json

import numpy as np
import pytest

from rkdiff.__main__ import main


def test_the_three_maps_end_at_one_law_and_only_one_is_symmetric(capsys, tmp_path):
    out = tmp_path / "maps.json"
    assert main(["transport", "maps", "--json", str(out)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    best, matched, again, sliced = json.loads(out.read_text())
    for m in (best, matched, again, sliced):
        assert m["error"] < 1e-6
        assert m["cost"] >= best["cost"] - 1e-9
    assert best["asymmetry"] < 1e-9
    assert best["cost"] == pytest.approx(0.3730046498, abs=1e-8)
    assert matched["cost"] == pytest.approx(again["cost"], abs=1e-6)  # rectifying makes it straight, not optimal
    assert matched["cost"] == pytest.approx(0.45885, abs=1e-5)
    assert matched["straightness"] > 0.9
    assert again["straightness"] < 1e-9
    assert sliced["cost"] == pytest.approx(0.37310, abs=1e-5)
    assert sliced["asymmetry"] == pytest.approx(0.0142, abs=1e-4)


def test_short_bridges_are_printed_as_published(capsys):
    assert main(["transport", "short-bridge", "--steps", "10,20", "--half-steps", "1,3,5"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [[float(v) for v in row.split()][2:] for row in rows] == [[0.8363, 0.3044, 0.1145], [0.3812, 0.0613, 0.0099]]


def test_a_plan_costs_more_than_the_best_matching_and_less_than_independence(capsys, tmp_path):
    out = tmp_path / "plan.json"
    assert (
        main(["transport", "plan", "two_moons", "--data.n", "200", "--eps", "0.1", "--points", "60", "--json", str(out)]) == 0
    )
    found = json.loads(out.read_text())
    assert found["converged"]
    assert found["optimal"] < found["cost"] < found["independent"]
    assert "converged" in capsys.readouterr().out


def test_a_plan_of_graphs_is_annealed_until_it_converges(capsys, tmp_path):
    out = tmp_path / "plan.json"
    assert main(["transport", "plan", "communities", "--points", "20", "--json", str(out)]) == 0
    assert json.loads(out.read_text())["converged"]
    assert "not converged" not in capsys.readouterr().out


def test_a_plan_that_does_not_converge_says_what_is_off(capsys, tmp_path):
    out = tmp_path / "plan.json"
    sharp = ["--eps", "1e-5", "--points", "200", "--json", str(out)]
    assert main(["transport", "plan", "two_moons", *sharp]) == 0
    assert not json.loads(out.read_text())["converged"]
    told = " ".join(capsys.readouterr().out.split())
    assert "not converged" in told
    assert "masses of the data's points are off by" in told
    assert "raise --eps" in told


def test_straightness_of_two_couplings(capsys, tmp_path):
    out = tmp_path / "table.json"
    flows = ["flow_matching:steps=20", "flow_matching:coupling=ot,steps=20,width=16"]
    few = ["--calls", "1,2", "--seeds", "1", "--particles", "60", "--data.n", "80", "--json", str(out)]
    assert main(["transport", "straightness", "two_moons", *flows, *few]) == 0
    told, record = capsys.readouterr().out, json.loads(out.read_text())
    assert "coupling ot" in told
    assert [m["budgets"][1]["calls"] for m in record["methods"]] == [2, 2]
    assert all(np.isfinite(m["figures"]["cost"]["mean"]) for m in record["methods"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["maps", "--data.n", "4"], "not a flag of this command"),
        (["short-bridge", "--gamma", "nan"], "gamma"),
        (["short-bridge", "--steps", "1,x"], "no whole number"),
        (["short-bridge", "--half-steps", "2"], "odd"),
        (["plan", "two_moons", "--eps", "0"], "eps is 0.0"),
        (["plan", "two_moons", "--points", "1"], "between 2 and"),
        (["plan", "no_moons"], "no data named"),
        (["straightness", "two_moons", "flow_matching:steps"], "knob=value"),
        (["straightness", "two_moons", "flow_matching:steps=0"], "choose between"),
        (["straightness", "two_moons", "no_method"], "no method named"),
        (["simplex", "noise", "two_moons", "trees", "--weights", "0,0,1"], "holds graphs"),
        (["simplex", "noise", "two_moons", "rings", "--weights", "0,0,2"], "path is"),
        (["simplex", "noise", "two_moons", "rings", "--weights", "a"], "no list of numbers"),
        (["simplex", "noise", "two_moons", "rings", "--weights", "0.5,0.5"], "2 shares; give 3"),
        (["report", "two_moons", "--method.entropy", "0.1"], "entropy"),
        (["push", "zz", "--cloud", "nothing.csv"], "nothing.csv"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(argv, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["transport", *argv]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert said in told[0]


def test_a_report_prints_both_kinds_of_starts_beside_their_own_floors(capsys, tmp_path):
    out = tmp_path / "report.json"
    quick = [w for k, v in _quick().items() for w in (f"--method.{k}", str(v))]
    assert main(["transport", "report", "two_moons", "--data.n", "60", *quick, "--json", str(out)]) == 0
    told, record = capsys.readouterr().out, json.loads(out.read_text())
    assert "evenly spread starts" in told.splitlines()[0]
    assert "independent starts" in told.splitlines()[0]
    rows = [[float(v) for v in line.split()] for line in told.splitlines() if line.split()[0].replace(".", "").isdigit()]
    assert len(rows) == len(record["figures"][0])
    for row, f in zip(rows, record["figures"][0], strict=True):
        assert row[1:7] == pytest.approx([*f["law"], f["floor"], f["independent"], f["independent_floor"]], abs=1e-4)


def test_a_drawn_cloud_goes_through_a_kept_flow(capsys, tmp_path):
    store, cloud, end = str(tmp_path / "runs"), tmp_path / "cloud.csv", tmp_path / "end.csv"
    small = ["--data.n", "60", "--particles", "20", "--steps", "3", "--repeats", "1", "--store", store]
    quick = [w for k, v in _quick().items() for w in (f"--method.{k}", str(v))]
    assert main(["run", "two_moons", "learned_sliced_flow", *small, *quick]) == 0
    key = capsys.readouterr().out.split()[0]
    cloud.write_text("x,y\n0.5,0.2\n-1,0.4\n")
    assert (
        main(["transport", "push", key, "--cloud", str(cloud), "--at", "0.5", "--calls", "2", "--store", store, "-o", str(end)])
        == 0
    )
    assert np.isfinite(np.loadtxt(end, delimiter=",")).all()
    cloud.write_text("0.5,0.2\n1\n")
    assert main(["transport", "push", key, "--cloud", str(cloud), "--store", store]) == 2
    assert "pairs of coordinates" in capsys.readouterr().err


def _quick():
    from rkdiff.core.parts import choices

    return choices("method")["learned_sliced_flow"].quick

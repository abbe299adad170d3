"""An experiment is plain JSON, fills what was left out, refuses misfits, and repeats itself to the byte."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from rkdiff import Experiment, Store, make, run, stream
from rkdiff.core.parts import PartError, choices, knobs
from rkdiff.core.records import Progress
from rkdiff.experiment import Run

SMALL = {"particles": 24, "steps": 4, "repeats": 2, "shown": 2, "moments": 3}


def small(data="two_moons", method="exact", **more):
    own = {k.name for k in knobs(choices("data")[data])} if data in choices("data") else set()
    source = {"name": data} | {
        k: v for k, v in {"n": 60, "max_nodes": 5}.items() if k in own and (k == "n" or data == "graph_atlas")
    }
    described = {"name": method, **choices("method")[method].quick} if method in choices("method") else {"name": method}
    return Experiment.from_dict({"data": source, "method": described, **SMALL, **more})


def test_json_there_and_back_is_the_same_experiment():
    e = small(guidance={"name": "classifier_free", "strength": 2.0}, seed=7)
    again = Experiment.from_dict(json.loads(json.dumps(e.to_dict())))
    assert again == e
    assert again.key == e.key
    assert hash(again) == hash(e)


def test_parts_left_out_are_filled_in_and_written_down():
    e = Experiment(make("data", "two_moons"), make("method", "sliced_wasserstein_flow"))
    assert e.to_dict()["sampler"]["name"] == "exponential_euler"
    assert e.to_dict()["space"]["name"] == "points"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampler": {"name": "exponential_euler"}}, "walks a transport"),
        ({"space": {"name": "graphs"}}, "cannot hold points"),
        ({"particles": 0}, "particles is 0; choose between 1 and"),
        ({"steps": 2.5}, "whole number"),
        ({"colour": 1}, "no entry 'colour'"),
        ({"meaning": 99}, "version 99"),
        ({"method": {"name": "magic"}}, "no method named 'magic'"),
        ({"method": 3}, "is written as"),
        ({"start": "somewhere"}, "'somewhere'; choose one of"),
    ],
)
def test_a_misfit_gets_one_clear_message(change, message):
    with pytest.raises(PartError, match=message):
        Experiment.from_dict({**small().to_dict(), **change})


@pytest.mark.parametrize(
    "more", [{"guidance": {"name": "classifier_free"}}, {"start": "forward"}, {"sampler": {"name": "heun"}}]
)  # fmt: skip
def test_a_transport_refuses_what_only_a_diffusion_can(more):
    with pytest.raises(PartError, match="transport"):
        small(method="sliced_wasserstein_flow", **more)


def test_guidance_without_labels_is_refused_before_sampling():
    with pytest.raises(PartError, match="label"):
        run(small("swiss_roll", guidance={"name": "classifier_free"}), "cpu")


#: Of each modality the dataset that is made and decoded soonest.
QUICK = ("two_moons", "graph_atlas", "gun_point", "dna_motifs", "digit_clouds", "penguins", "digits")


def pairs():
    """Every dataset with one method, and every method with one dataset of each modality."""
    data = choices("data")
    one_each = {data[name].modality: name for name in (*data, *QUICK) if name in data}
    return sorted({*((d, "kernel_diffusion") for d in data), *((d, m) for d in one_each.values() for m in choices("method"))})


@pytest.mark.parametrize(("data", "method"), pairs())
def test_every_method_runs_on_every_dataset(data, method):
    events = list(stream(small(data, method), "cpu"))
    last = events[-1]
    assert isinstance(last, Run)
    assert all(isinstance(e, Progress) for e in events[:-1])
    assert {e.stage for e in events[:-1]} >= {"preparing", "sampling", "measuring"}
    assert last.trajectory.x.shape[:2] == (len(last.arrays["u"]), 24)
    for name, values in last.arrays.items():
        assert values.dtype.kind in "fiub", name
        assert np.isfinite(values.astype(float)).all(), name
    assert last.picture().x.shape[2] == 2
    assert last.picture("forward.").x.shape[2] == 2
    for q in last.info["quality"].values():
        assert np.isfinite(q["value"])
        assert q["starts"] == 2
    json.dumps(last.info)


@pytest.mark.parametrize("method", choices("method"))
def test_same_seed_same_bytes(method, tmp_path):
    e = small(method=method)
    first, second = run(e, "cpu"), run(Experiment.from_dict(json.loads(json.dumps(e.to_dict()))), "cpu")
    store = Store(tmp_path)
    store.save(first)
    loaded = store.load(e.key)
    for other in (second, loaded):
        assert other.experiment == e
        assert set(other.arrays) == set(first.arrays)
        assert set(other.model) == set(first.model)
        for name, values in first.arrays.items():
            assert other.arrays[name].dtype == values.dtype
            assert other.arrays[name].tobytes() == values.tobytes(), name
        for name, values in first.model.items():
            assert other.model[name].tobytes() == values.tobytes(), name


def test_another_seed_gives_another_cloud():
    assert not np.array_equal(run(small(seed=0), "cpu").arrays["x"], run(small(seed=1), "cpu").arrays["x"])


def test_panels_begin_at_the_same_particles():
    clouds = [run(small(method=m), "cpu").picture().x[0] for m in choices("method")]
    for cloud in clouds[1:]:
        assert np.abs(cloud - clouds[0]).max() < 0.02


def test_the_forward_start_is_the_end_of_the_noising():
    r = run(small(start="forward"), "cpu")
    back, forth = r.picture(), r.picture("forward.")
    assert np.allclose(back.x[0], forth.x[0], atol=1e-3)


def test_the_way_back_begins_where_the_noising_ends():
    for method in choices("method"):
        r = run(small(method=method), "cpu")
        there, back = r.picture("forward."), r.picture("return.")
        assert np.allclose(there.x[0], back.x[0], atol=1e-3), method
        assert (there.labels == back.labels).all()


def test_starts_are_independent_also_when_they_are_noised_data():
    q = run(small(start="forward"), "cpu").info["quality"]["sliced_wasserstein"]
    assert q["sd"] > 0


def test_one_asked_class_is_measured_against_that_class():
    few = {"particles": 200, "steps": 10, "repeats": 1}
    asked = run(small(**few, guidance={"name": "classifier_free", "strength": 1.0, "target": 1}), "cpu").info["quality"]
    free = run(small(**few), "cpu").info["quality"]
    over = lambda q: q["sliced_wasserstein"]["value"] / q["sliced_wasserstein"]["floor"]
    assert over(asked) < 2 * max(1.0, over(free))


def test_bytes_do_not_depend_on_the_threads_of_the_shell():
    code = "import hashlib; from rkdiff import Experiment, make, run; "
    code += (
        "e = Experiment(make('data', 'digits', n=200), make('method', 'kernel_diffusion'), particles=40, steps=5, repeats=1); "
    )
    code += "r = run(e, 'cpu'); "
    code += "print(hashlib.sha256(b''.join(r.arrays[k].tobytes() for k in sorted(r.arrays))).hexdigest())"
    seen = set()
    for threads in ("1", "2"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        seen.add(subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout)
    assert len(seen) == 1

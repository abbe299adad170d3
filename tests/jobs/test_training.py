"""A real experiment through the whole path: page's dictionary, queue, worker, training, store."""

import os
import signal

import pytest

from rkdiff.core.parts import make
from rkdiff.experiment import Experiment
from rkdiff.stages import run
from rkdiff.store.arrays import pack


def small(seed=0):
    data, method = make("data", "two_moons", n=200), make("method", "sliced_wasserstein_flow")
    return Experiment(data, method, particles=200, steps=20, repeats=1, seed=seed)


def same_arrays(a, b):
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


@pytest.fixture(scope="module")
def first(warm):
    """The experiment of seed 0, done once by the warm worker: (status, run)."""
    status = warm.wait(warm.submit(small().to_dict(), "me"))
    assert status.state == "done", status.message
    return status, warm.store.load(status.key)


def test_a_run_of_the_worker_is_kept_under_its_experiment(first):
    status, kept = first
    assert status.key == small().key
    assert kept.experiment == small()
    assert kept.arrays["x"].shape[1:] == (200, 2)
    assert status.snapshot.shape == (200, 2)
    assert kept.info["device"] == "cpu"


def test_the_worker_and_this_process_make_the_same_bytes(first):
    here = run(small(), "cpu")
    assert same_arrays(here.arrays, first[1].arrays)
    assert same_arrays(here.model, first[1].model)


def test_a_plain_process_makes_the_same_bytes(first, plain):
    status = plain.wait(plain.submit(small().to_dict(), "me"))
    assert status.state == "done", status.message
    assert (plain.store.path(status.key) / "arrays.npz").read_bytes() == pack(first[1].arrays)


def test_what_is_kept_is_not_done_again(first, warm):
    status = warm.wait(warm.submit(small().to_dict(), "somebody else"), 30)
    assert (status.state, status.key, status.message) == ("done", first[0].key, "kept from before")
    assert status.pid is None


def test_a_training_that_is_killed_saves_nothing_and_can_be_done_again(warm, until):
    e = small(seed=1)
    job = warm.submit(e.to_dict(), "me")
    pid = until(lambda: warm.status(job).stage and warm.status(job).pid)
    os.kill(pid, signal.SIGKILL)
    assert "SIGKILL" in warm.wait(job).message
    assert not warm.store.has(e.key)
    assert warm.wait(warm.submit(e.to_dict(), "me")).state == "done"
    assert warm.store.has(e.key)


BAD = {
    "a knob out of bounds": ({"data": {"name": "two_moons", "noise": 9.0}}, "TwoMoons.noise is 9.0; choose between"),
    "an unknown part": ({"data": {"name": "two_mons"}}, "did you mean 'two_moons'"),
    "an unknown entry": ({"speed": 3}, "an experiment has no entry 'speed'"),
    "parts that do not fit": ({"sampler": {"name": "heun"}}, "sampler 'heun' walks a diffusion"),
    "nonsense": ({"data": 3}, "a data is written as"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_experiment_gives_one_readable_message_at_once(warm, case):
    change, said = BAD[case]
    status = warm.status(warm.submit({**small().to_dict(), **change}, "me"))
    assert status.state == "failed"
    assert said in status.message
    assert "\n" not in status.message

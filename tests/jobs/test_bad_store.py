"""A folder of runs that cannot be used is told in one line at once; no job waits for ever."""

import errno
import os
import sys

import pytest

from rkdiff.core.parts import make
from rkdiff.experiment import Experiment
from rkdiff.jobs import Jobs
from rkdiff.store import Store, UnwritableStore
from rkdiff.worker import limits


def small(seed=0):
    return Experiment(make("data", "two_moons", n=50), make("method", "exact"), particles=16, steps=3, seed=seed, repeats=1)


@pytest.mark.parametrize("root", ["/dev/null", "/dev/null/x"])
def test_a_store_that_is_no_folder_fails_every_job_at_once_and_points_to_no_log(root):
    jobs = Jobs(root, workers=1, device="cpu")
    try:
        for kind, payload in (("run", small().to_dict()), ("count", {})):
            s = jobs.wait(jobs.submit(payload, "me", kind=kind), 20)
            assert s.state == "failed"
            assert f"runs cannot be kept in {root}: it is not a folder" in s.message
            assert "log" not in s.message
    finally:
        jobs.close()


def test_a_folder_that_links_to_itself_is_no_obstacle(warm):
    e = small(seed=11)
    warm.store.root.mkdir(exist_ok=True)
    warm.store.path(e.key).symlink_to(warm.store.path(e.key))
    s = warm.wait(warm.submit(e.to_dict(), "me"))
    assert (s.state, s.key) == ("done", e.key)
    assert warm.store.has(e.key)


def test_a_run_with_a_flipped_byte_is_done_again_and_whole_afterwards(warm):
    e = small(seed=12)
    assert warm.wait(warm.submit(e.to_dict(), "me")).state == "done"
    file = warm.store.path(e.key) / "arrays.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    s = warm.wait(warm.submit(e.to_dict(), "me"))
    assert (s.state, s.message) == ("done", "")
    assert file.read_bytes() == whole
    assert warm.wait(warm.submit(e.to_dict(), "me")).message == "kept from before"


def test_whatever_goes_wrong_in_the_bookkeeping_fails_the_job_in_one_line(warm, monkeypatch):
    def has(key):
        raise RuntimeError("nobody\nexpected this")

    monkeypatch.setattr(warm.store, "has", has)
    s = warm.wait(warm.submit(small(seed=13).to_dict(), "me"), 20)
    assert s.state == "failed"
    assert "unexpected RuntimeError: nobody expected this" in s.message
    monkeypatch.undo()
    assert warm.wait(warm.submit({}, "me", kind="count")).state == "done"


@pytest.mark.parametrize("refused", [True, False])
def test_a_store_that_cannot_keep_ends_the_job_before_any_work(tmp_path, monkeypatch, refused):
    from rkdiff import stages
    from rkdiff.worker.kinds import KINDS, Job

    def fsync(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    def stream(experiment, device):
        raise RuntimeError("the work began")

    monkeypatch.setattr(stages, "stream", stream)
    if refused:
        monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UnwritableStore if refused else RuntimeError):
        KINDS["run"](small().to_dict(), Job("a", Store(tmp_path), "cpu", print))


def test_a_refusal_of_the_disk_is_explained_without_numbers_or_a_log_that_is_not_there():
    full = UnwritableStore("/runs", OSError(errno.EFBIG, "File too large"))
    assert limits.explained(full, 512, ".logs/a.log") == str(full)
    assert "large enough" in str(full)
    said = limits.explained(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), 512, "")
    assert said == "the job could not use /tmp/x: the disk is full"
    assert "details" not in limits.explained(KeyError("x"), 512, "")
    assert "(details in .logs/a.log)" in limits.explained(KeyError("x"), 512, ".logs/a.log")


def test_a_worker_that_breaks_off_at_the_start_points_to_the_log_it_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    jobs = Jobs(tmp_path, workers=1)
    try:
        assert ".logs/worker.log" in jobs.wait(jobs.submit({}, "me", kind="count"), 60).message
        assert (tmp_path / ".logs" / "worker.log").exists()
    finally:
        jobs.close()

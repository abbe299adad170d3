"""Work goes to a worker and comes back, or one line says why not; both backends answer alike."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rkdiff.jobs import Jobs

LONG = {"total": 4000, "pause": 0.01}
BOTH = pytest.mark.parametrize("backend", ["warm", "plain"])


@pytest.fixture
def jobs(request, backend):
    return request.getfixturevalue(backend)


def running(jobs, until, owner="me", slot=0, **more):
    """A long job that has reported progress."""
    job = jobs.submit({**LONG, **more}, owner, slot, kind="count")
    until(lambda: jobs.touch(owner) or jobs.status(job).done)
    return job


@BOTH
def test_a_job_reports_and_is_done(jobs, backend):
    s = jobs.wait(jobs.submit({"total": 5}, "me", kind="count"))
    assert (s.state, s.key, s.stage, s.done, s.total) == ("done", "counted5", "counting", 5, 5)
    assert s.history["loss"][-1] == (1.0, 0.2)
    np.testing.assert_allclose(s.snapshot, [[0, 1], [2, -3]], atol=1e-4)
    assert s.submitted <= s.started <= s.finished
    assert (
        jobs.device == {"device": "cpu", "name": "CPU", "backend": {"warm": "fork"}.get(backend, backend)}
        or jobs.device["name"]
    )


@BOTH
def test_stop_ends_the_process(jobs, backend, until, gone):
    job = running(jobs, until)
    pid = jobs.status(job).pid
    assert not gone(pid)
    jobs.cancel(job)
    until(lambda: gone(pid), 20)
    assert jobs.status(job).state == "cancelled"
    assert jobs.wait(jobs.submit({}, "me", kind="count")).state == "done"


@BOTH
def test_a_killed_job_is_told_and_the_next_one_works(jobs, backend, until):
    job = running(jobs, until)
    os.kill(jobs.status(job).pid, signal.SIGKILL)
    s = jobs.wait(job)
    assert s.state == "failed"
    assert "killed from outside (SIGKILL)" in s.message
    assert "nothing was saved" in s.message
    assert jobs.wait(jobs.submit({}, "me", kind="count")).state == "done"


MISDEEDS = {
    "part error": "TwoMoons.noise is 9.0; choose between 0.0 and 0.5",
    "surprise": "unexpected KeyError: 'nobody\\nexpected this' (details in .logs/job-",
    "memory": "needed more than the 512 MB it may use",
    "crash": "broke off (SIGABRT)",
    "silent exit": "broke off (status 0)",
}


@pytest.mark.parametrize(("backend", "how"), [("warm", how) for how in MISDEEDS] + [("plain", "surprise")])
def test_every_failure_is_one_line(jobs, backend, how):
    job = jobs.submit({"how": how}, "me", kind="misbehave")
    s = jobs.wait(job)
    assert s.state == "failed"
    assert MISDEEDS[how] in s.message
    assert "\n" not in s.message
    assert "Traceback" not in s.message
    if how == "surprise":
        assert "in misbehave" in (jobs.store.root / ".logs" / f"job-{job}.log").read_text()


def test_a_job_that_uses_up_its_processor_time_is_ended(tmp_path, fake_kinds, warm):
    warm._limits["cpu_seconds"] = 1.0
    try:
        s = warm.wait(warm.submit({"how": "processor"}, "me", kind="misbehave"))
    finally:
        warm._limits["cpu_seconds"] = 600.0
    assert "used up its 1 seconds of processor time" in s.message


def test_what_a_job_prints_never_disturbs_the_protocol(warm):
    assert warm.wait(warm.submit({"how": "noise on stdout"}, "me", kind="misbehave")).state == "done"
    assert "neither is this" in (warm.store.root / ".logs" / "worker.log").read_text()


def test_a_job_that_ignores_the_polite_signal_is_ended_all_the_same(warm, tmp_path, until, gone):
    mark = tmp_path / "pid"
    job = warm.submit({"how": "stubborn", "mark": str(mark)}, "me", kind="misbehave")
    pid = int(until(lambda: warm.touch("me") or (mark.exists() and mark.read_text())))
    warm.cancel(job)
    until(lambda: gone(pid), 20)


def test_what_a_job_has_started_ends_with_it(warm, tmp_path, until, gone):
    mark = tmp_path / "pids"
    job = warm.submit({"how": "child", "mark": str(mark)}, "me", kind="misbehave")
    pids = until(lambda: mark.exists() and mark.read_text()).split()
    warm.cancel(job)
    until(lambda: all(gone(p) for p in pids), 20)


def test_a_forked_job_finds_torch_imported_by_a_parent_of_one_thread_that_left_the_gpu_asleep(warm):
    s = warm.wait(warm.submit({}, "me", kind="inside"))
    assert s.values == {"threads_of_the_parent": 1.0, "torch": 1.0, "cuda_awake": 0.0}


def test_further_jobs_wait_in_order_and_see_their_place(plain, until):
    first = running(plain, until, owner="a")
    second, third = plain.submit({}, "b", kind="count"), plain.submit({"total": 2}, "c", kind="count")
    until(lambda: plain.status(third).position == 2)
    assert plain.status(second).position == 1
    assert plain.counts == {"running": 1, "queued": 2, "workers": 1}
    plain.cancel(first)
    assert plain.wait(second).finished <= plain.wait(third).finished


def test_forty_pollers_and_a_stop_do_not_wait_for_each_other(warm, until, gone):
    """Reading a status takes no lock: thousands of looks while lines arrive, and Stop still works."""
    job = running(warm, until)
    pid, slowest = warm.status(job).pid, 0.0
    for _ in range(4000):
        began = time.perf_counter()
        warm.status(job)
        warm.of("me")
        slowest = max(slowest, time.perf_counter() - began)
    warm.cancel(job)
    until(lambda: gone(pid), 20)
    assert slowest < 1.0


def test_a_page_that_was_closed_leaves_no_job_behind(plain, until, gone):
    job = running(plain, until, owner="visitor")
    pid = plain.status(job).pid
    until(lambda: not plain.status(job).live, 30)
    assert "its page was closed" in plain.status(job).message
    until(lambda: gone(pid), 20)


def test_a_page_that_is_looked_at_keeps_its_job(plain, until):
    job = running(plain, until, owner="reader")
    end = time.monotonic() + 4.5
    while time.monotonic() < end:
        plain.touch("reader")
        time.sleep(0.1)
    assert plain.status(job).state == "running"
    plain.cancel(job)


@BOTH
def test_a_dead_worker_is_replaced_and_the_queue_goes_on(jobs, backend, until, gone):
    ran = [running(jobs, until, slot=i, total=4000 + i) for i in range(jobs.workers)]
    waits = jobs.submit({"total": 7}, "other", kind="count")
    pids = [jobs.status(job).pid for job in ran]
    jobs._manager._link.process.kill()
    for job in ran:
        s = jobs.wait(job)
        assert (s.state, s.message) == ("failed", "the worker process died; nothing was saved; run again")
    until(lambda: all(gone(p) for p in pids), 20)
    assert jobs.wait(waits).key == "counted7"


def test_a_worker_that_has_fallen_silent_is_replaced(plain, until, gone, monkeypatch):
    job = running(plain, until)
    pid, worker = plain.status(job).pid, plain._manager._link.process.pid
    monkeypatch.setattr("rkdiff.jobs.manager._SILENCE", 6.0)
    os.kill(worker, signal.SIGSTOP)
    assert "the worker process died" in plain.wait(job).message
    until(lambda: gone(worker) and gone(pid), 20)
    assert plain.wait(plain.submit({}, "me", kind="count")).state == "done"


def test_a_worker_that_cannot_start_is_given_up_with_one_message(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        broken = Jobs(tmp_path, workers=1)
        try:
            for _ in range(2):
                s = broken.wait(broken.submit({}, "me", kind="count"), 60)
                assert s.state == "failed"
                assert "cannot be started" in s.message
        finally:
            broken.close()


APP = """
import sys, time
from rkdiff.jobs import Jobs
jobs = Jobs({root!r}, workers=1, backend={backend!r}, modules=("fake_kinds",))
job = jobs.submit({{"total": 4000, "pause": 0.01}}, "me", kind="count")
while not jobs.status(job).done:
    time.sleep(0.02)
print(jobs._manager._link.process.pid, jobs.status(job).pid, flush=True)
{then}
"""


@pytest.mark.parametrize(("backend", "then"), [("fork", "time.sleep(60)"), ("plain", "sys.exit()")])
def test_nothing_outlives_the_app(tmp_path, fake_kinds, backend, then, until, gone):
    code = APP.format(root=str(tmp_path), backend=backend, then=then)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as app:
        pids = app.stdout.readline().split()
        assert len(pids) == 2
        if "sleep" in then:
            app.kill()
    until(lambda: all(gone(p) for p in pids), 20)


def test_after_closing_nothing_runs_and_nothing_is_taken(tmp_path, fake_kinds, until, gone):
    jobs = Jobs(tmp_path, workers=1, backend="plain", modules=fake_kinds)
    job, waits = running(jobs, until), jobs.submit({}, "other", kind="count")
    pid = jobs.status(job).pid
    jobs.close()
    until(lambda: gone(pid), 20)
    assert {jobs.status(j).state for j in (job, waits)} == {"failed"}
    with pytest.raises(RuntimeError, match="closed"):
        jobs.submit({}, "me", kind="count")
    jobs.close()


def test_a_kind_that_does_not_exist_is_told(warm):
    s = warm.wait(warm.submit({}, "me", kind="dance"))
    assert "no job kind 'dance'" in s.message
    assert "run" in s.message


def test_asking_for_an_unknown_job_or_backend_is_answered(warm, tmp_path):
    assert warm.status("nobody") is None
    with pytest.raises(LookupError, match="nobody"):
        warm.wait("nobody")
    warm.cancel("nobody")
    with pytest.raises(ValueError, match="choose one of auto, fork, plain"):
        Jobs(tmp_path, backend="steam")


def test_the_app_s_process_stays_free_of_heavy_libraries(tmp_path):
    code = (
        "import sys, rkdiff.jobs; rkdiff.jobs.Jobs; print({'torch', 'sklearn', 'scipy', 'ot', 'streamlit'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout
    assert out.strip() == "set()"

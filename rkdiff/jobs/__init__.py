"""Where work goes: a queue in front of the worker, shared by every session of one server.

    jobs = Jobs("runs")
    job = jobs.submit(experiment.to_dict(), owner=session, slot="left")
    jobs.status(job)        # never waits: the latest frozen record
    jobs.cancel(job)

One thread owns the bookkeeping and takes everything from one inbox: what people ask for and what the worker says. Whoever asks only puts a
note there, and whoever looks reads a finished record, so forty polling sessions and the worker's lines never wait for each other. Nothing
here imports torch, scikit-learn, SciPy or POT: that is the worker's business.
"""

from __future__ import annotations

import atexit
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rkdiff.core.parts import digest
from rkdiff.jobs.board import SLOTS
from rkdiff.jobs.manager import Manager
from rkdiff.jobs.status import JobStatus
from rkdiff.store import Store

__all__ = ["SLOTS", "JobStatus", "Jobs"]

BACKENDS = ("auto", "fork", "plain")


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Jobs:
    """Runs work in the warm worker: queue, progress, cancel, limits. Make one for each server, and `close` it.

    Args:
        store_root: where runs are kept (default: the environment's RKDIFF_STORE, else ./runs).
        workers: how many jobs run at once (default: one core is left to the app).
        backend: "fork" | "plain" | "auto" (default: the environment's RKDIFF_BACKEND, else the one that suits the system).
        device: where jobs compute: "auto" | "cpu" | "cuda" | "mps".
        cpu_seconds, memory_mb: what a job may use (environment: RKDIFF_CPU_SECONDS, RKDIFF_MEMORY_MB).
        orphan_seconds: a job whose owner was not heard of (`touch`) for so long is stopped.
        modules: modules with further job kinds, for the worker to import.
    """

    def __init__(
        self,
        store_root: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        *,
        backend: str | None = None,
        device: str = "auto",
        cpu_seconds: float | None = None,
        memory_mb: int | None = None,
        orphan_seconds: float = 90.0,
        modules: tuple[str, ...] = (),
    ) -> None:
        self.store = Store(store_root)
        self.workers = workers or max(1, cores() - 1)
        self._limits = {
            "device": device,
            "cpu_seconds": cpu_seconds or float(os.environ.get("RKDIFF_CPU_SECONDS", "600")),
            "memory_mb": memory_mb or int(os.environ.get("RKDIFF_MEMORY_MB", "2048")),
        }
        backend = backend or os.environ.get("RKDIFF_BACKEND", "auto")
        if backend not in BACKENDS:
            raise ValueError(f"backend is {backend!r}; choose one of {', '.join(BACKENDS)}")
        self._manager = Manager(self.store, self.workers, backend, modules, orphan_seconds)
        self._manager.start()
        atexit.register(self.close)

    @property
    def device(self) -> Mapping[str, str] | None:
        """{"device": "cuda", "name": "NVIDIA ...", "backend": "fork"} once the worker is ready; None while it warms up."""
        return self._manager.device

    @property
    def _statuses(self) -> dict[str, JobStatus]:
        return self._manager.board.statuses

    def submit(self, payload: Mapping[str, Any], owner: str, slot: str | int = 0, *, kind: str = "run") -> str:
        """Ask for work and get the id of the job, at once. A newer job in the same slot replaces the owner's older one.

        A run that the store holds already is done at once. A payload that is no experiment gives a failed job whose message says why.
        """
        job, now = uuid.uuid4().hex[:12], time.time()
        status = JobStatus(job, str(owner), str(slot), submitted=now)
        if not self._manager.is_alive():
            raise RuntimeError("these jobs are closed; make new ones with Jobs(...)")
        self.touch(owner)
        try:
            payload, key = self._normal(payload, kind)
        except (ValueError, TypeError, RecursionError) as error:
            said = " ".join(str(error).split())[:400]
            self._statuses[job] = replace(status, state="failed", message=said, finished=now)
            return job
        self._statuses[job] = status
        self._manager.inbox.put(("submit", job, key, {"kind": kind, "payload": payload, **self._limits}))
        return job

    def status(self, job: str) -> JobStatus | None:
        """The latest record of a job, without waiting; None for one that is not known (any more)."""
        return self._statuses.get(job)

    def of(self, owner: str) -> tuple[JobStatus, ...]:
        """The jobs of an owner, oldest first."""
        return tuple(s for s in list(self._statuses.values()) if s.owner == owner)

    def cancel(self, job: str) -> None:
        """Stop a job, waiting or running."""
        self._manager.inbox.put(("cancel", job))

    def cancel_owner(self, owner: str) -> None:
        """Stop every job of an owner."""
        self._manager.inbox.put(("cancel_owner", str(owner)))

    def touch(self, owner: str) -> None:
        """Say that an owner is still there. Call it whenever a page of theirs looks at its jobs."""
        self._manager.touched[str(owner)] = time.monotonic()

    def wait(self, job: str, seconds: float = 600.0) -> JobStatus:
        """Wait until a job has ended and return its record (for scripts and tests; pages look at `status`).

        Raises:
            TimeoutError: it has not ended in that time.
            LookupError: there is no such job.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.status(job)
            if status is None:
                raise LookupError(f"there is no job {job!r}; it may have ended long ago")
            if not status.live:
                return status
            self.touch(status.owner)
            time.sleep(0.02)
        raise TimeoutError(f"job {job} has not ended in {seconds:g} s; it goes on, or stop it with cancel")

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks run and wait, and how many can run at once: what a queue badge shows."""
        return {"running": len(self._manager.board.running), "queued": len(self._manager.board.queue), "workers": self.workers}

    def close(self) -> None:
        """Stop everything and let the worker leave. What is submitted afterwards is refused."""
        atexit.unregister(self.close)
        self._manager.inbox.put(("close",))
        self._manager.join(10)

    def _normal(self, payload: Mapping[str, Any], kind: str) -> tuple[dict[str, Any], str]:
        """The payload as plain JSON and the key that equal wishes share."""
        if kind != "run":
            return dict(payload), digest({"kind": kind, "payload": payload})
        from rkdiff.experiment import Experiment

        experiment = Experiment.from_dict(payload)
        return experiment.to_dict(), experiment.key

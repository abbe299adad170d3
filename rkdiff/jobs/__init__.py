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
import queue
import threading
import time
import traceback
import uuid
from collections.abc import Mapping
from typing import Any

from rkdiff.core.parts import PartError, digest
from rkdiff.jobs.board import SLOTS, Board
from rkdiff.jobs.link import Link
from rkdiff.jobs.status import JobStatus
from rkdiff.store import Store

__all__ = ["SLOTS", "JobStatus", "Jobs"]

_TICK = 0.5
_SILENCE, _WARMUP = 60.0, 300.0
_LOST = "the worker process died; nothing was saved; run again"
_BROKEN = "the worker process cannot be started (see .logs/worker.log in the folder of runs); run again to try once more"


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
        #: {"device": "cuda", "name": "NVIDIA ...", "backend": "fork"} once the worker is ready; None while it warms up.
        self.device: Mapping[str, str] | None = None
        self._limits = {
            "device": device,
            "cpu_seconds": cpu_seconds or float(os.environ.get("RKDIFF_CPU_SECONDS", "600")),
            "memory_mb": memory_mb or int(os.environ.get("RKDIFF_MEMORY_MB", "2048")),
        }
        self._how = (self.store.root, backend or os.environ.get("RKDIFF_BACKEND", "auto"), modules)
        self._orphan_seconds = orphan_seconds
        self._touched: dict[str, float] = {}
        self._board = Board(self.workers)
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._link: Link | None = None
        self._failures, self._heard, self._began = 0, 0.0, 0.0
        self._closed = threading.Event()
        self._manager = threading.Thread(target=self._manage, name="rkdiff-jobs", daemon=True)
        self._manager.start()
        atexit.register(self.close)

    def submit(self, payload: Mapping[str, Any], owner: str, slot: str | int = 0, *, kind: str = "run") -> str:
        """Ask for work and get the id of the job, at once. A newer job in the same slot replaces the owner's older one.

        A run that the store holds already is done at once. A payload that is no experiment gives a failed job whose message says why.
        """
        job, now = uuid.uuid4().hex[:12], time.time()
        status = JobStatus(job, str(owner), str(slot), submitted=now)
        self.touch(owner)
        try:
            payload, key = self._normal(payload, kind)
        except PartError as error:
            self._board.statuses[job] = JobStatus(
                job, status.owner, status.slot, "failed", message=str(error), submitted=now, finished=now
            )
            return job
        self._board.statuses[job] = status
        if self._closed.is_set():
            raise RuntimeError("these jobs are closed; make new ones with Jobs(...)")
        self._inbox.put(("submit", (job, key, {"kind": kind, "payload": payload, **self._limits})))
        return job

    def status(self, job: str) -> JobStatus | None:
        """The latest record of a job, without waiting; None for one that is not known (any more)."""
        return self._board.statuses.get(job)

    def of(self, owner: str) -> tuple[JobStatus, ...]:
        """The jobs of an owner, oldest first."""
        return tuple(s for s in list(self._board.statuses.values()) if s.owner == owner)

    def cancel(self, job: str) -> None:
        """Stop a job, waiting or running."""
        self._inbox.put(("cancel", job))

    def cancel_owner(self, owner: str) -> None:
        """Stop every job of an owner."""
        self._inbox.put(("cancel_owner", str(owner)))

    def touch(self, owner: str) -> None:
        """Say that an owner is still there. Call it whenever a page of theirs looks at its jobs."""
        self._touched[str(owner)] = time.monotonic()

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
        return {"running": len(self._board.running), "queued": len(self._board.queue), "workers": self.workers}

    def close(self) -> None:
        """Stop everything and let the worker leave."""
        atexit.unregister(self.close)
        if not self._closed.is_set():
            self._closed.set()
            self._inbox.put(("close", None))
        self._manager.join(10)

    def _normal(self, payload: Mapping[str, Any], kind: str) -> tuple[dict[str, Any], str]:
        """The payload as plain JSON and the key that equal wishes share."""
        if kind != "run":
            return dict(payload), digest({"kind": kind, "payload": payload})
        from rkdiff.experiment import Experiment

        experiment = Experiment.from_dict(payload)
        return experiment.to_dict(), experiment.key

    # --- from here on: the manager's thread only ---

    def _manage(self) -> None:
        self._start()
        while not (self._closed.is_set() and self._inbox.empty()):
            try:
                self._step()
            except Exception:  # noqa: BLE001 - one bad message must not end the service to everyone
                traceback.print_exc()
        if self._link is not None:
            self._link.close()
        self._board.lost("the app was closed", time.time())
        self._board.refuse("the app was closed", time.time())

    def _step(self) -> None:
        try:
            what, value = self._inbox.get(timeout=_TICK)
        except queue.Empty:
            what, value = "tick", None
        now = time.time()
        if what == "submit":
            job, key, spec = value
            self._submitted(job, key, spec, now)
        elif what == "cancel":
            self._board.cancel(value, now)
        elif what == "cancel_owner":
            self._board.cancel_owner(value, now)
        elif what == "line" and value[0] is self._link:
            self._heard = time.monotonic()
            self._line(value[1], now)
        self._watch(now)
        orders, self._board.orders = self._board.orders, []
        for order in orders:
            if self._link is not None:
                self._link.send(order)

    def _submitted(self, job: str, key: str, spec: dict[str, Any], now: float) -> None:
        if self._link is None and not self._closed.is_set():
            self._failures = 0
            self._start()
        kept = spec["kind"] == "run" and self.store.has(key)
        self._board.submit(job, key, spec, now, kept=kept)

    def _line(self, message: dict[str, Any] | None, now: float) -> None:
        if message is None:
            self._died(now)
            return
        if message.get("event") == "ready":
            self.device = {k: str(message[k]) for k in ("device", "name", "backend")}
            self._failures = 0
        if message.get("event") != "beat":
            self._board.event(message, now)

    def _start(self) -> None:
        self._began = self._heard = time.monotonic()
        try:
            self._link = Link(*self._how, lambda link, message: self._inbox.put(("line", (link, message))))
        except OSError:
            traceback.print_exc()
            self._link = None
            self._board.refuse(_BROKEN, time.time())

    def _died(self, now: float) -> None:
        """The worker is gone: say so, start another; give up when it cannot even start."""
        self._link, self.device = None, None
        self._failures += 1
        self._board.lost(_LOST, now)
        if self._closed.is_set():
            return
        if self._failures < 3:
            self._start()
        else:
            self._board.refuse(_BROKEN, now)

    def _watch(self, now: float) -> None:
        """End a worker that has fallen silent and the jobs of owners who have left."""
        silence = _SILENCE if self._board.ready else _WARMUP
        if self._link is not None and time.monotonic() - self._heard > silence:
            self._link.kill()
        gone = time.monotonic() - self._orphan_seconds
        for owner in self._board.owners():
            if self._touched.get(owner, 0.0) < gone:
                self._board.cancel_owner(owner, now, "stopped, because its page was closed")
        for owner in [o for o, seen in list(self._touched.items()) if seen < gone]:
            self._touched.pop(owner, None)

"""The one thread that owns the bookkeeping: it takes everything from one inbox and keeps a worker alive.

What people ask for and what the worker says arrive as notes in the same inbox, so nothing here needs a lock. When a worker dies, what
ran on it has failed and another takes its place; one that falls silent is ended first; one that cannot even start is given up until
somebody asks for work again.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any

from rkdiff.jobs.board import Board
from rkdiff.jobs.link import Link
from rkdiff.store import Store, UnwritableStore

_TICK = 0.5
_SILENCE, _WARMUP = 60.0, 300.0
_TRIES = 3
LOST = "the worker process died; nothing was saved; run again"
UNSTARTED = "the worker process cannot be started"
BROKEN = f"{UNSTARTED} (see .logs/worker.log in the folder of runs); run again to try once more"
CLOSED = "the app was closed before this was done; run again"


class Manager(threading.Thread):
    """Board, worker and inbox. Others put notes into `inbox` and read `board.statuses`, `device` and nothing else.

    Notes: ("submit", job, key, spec), ("cancel", job), ("cancel_owner", owner), ("line", link, message), ("close",).
    """

    def __init__(self, store: Store, workers: int, backend: str, modules: tuple[str, ...], orphan_seconds: float) -> None:
        super().__init__(name="rkdiff-jobs", daemon=True)
        self.board = Board(workers)
        self.inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.touched: dict[str, float] = {}
        self.device: Mapping[str, str] | None = None
        self._store, self._how = store, (store.root, backend, modules)
        self._orphan_seconds = orphan_seconds
        self._link: Link | None = None
        self._broken = BROKEN
        self._failures, self._heard, self._open = 0, 0.0, True

    def run(self) -> None:
        """Serve until told to close."""
        self._start()
        while self._open:
            try:
                self._step()
            except Exception:  # noqa: BLE001 - one bad note must not end the service to everyone
                traceback.print_exc()
        if self._link is not None:
            self._link.close()
        self.device = None
        self.board.close(CLOSED, time.time())

    def _step(self) -> None:
        try:
            what, *note = self.inbox.get(timeout=_TICK)
        except queue.Empty:
            what, note = "tick", []
        now = time.time()
        if what == "submit":
            self._submitted(note[0], note[1], note[2], now)
        elif what == "cancel":
            self.board.cancel(note[0], now)
        elif what == "cancel_owner":
            self.board.cancel_owner(note[0], now)
        elif what == "line" and note[0] is self._link:
            self._heard = time.monotonic()
            self._line(note[1], now)
        elif what == "close":
            self._open = False
        self._watch(now)
        orders, self.board.orders = self.board.orders, []
        for order in orders:
            if self._link is not None:
                self._link.send(order)

    def _submitted(self, job: str, key: str, spec: dict[str, Any], now: float) -> None:
        try:
            if self._link is None:
                self._failures = 0
                self._start()
            self.board.submit(job, key, spec, now, kept=spec["kind"] == "run" and self._store.has(key))
        except Exception as error:  # noqa: BLE001 - whatever it was, the job must not wait for ever
            traceback.print_exc()
            said = " ".join(str(error).split())[:400] or "no message"
            self.board.fail(job, f"the job could not be queued: unexpected {type(error).__name__}: {said}; run again", now)
        if self._link is None:
            self.board.refuse(self._broken, now)

    def _line(self, message: dict[str, Any] | None, now: float) -> None:
        if message is None:
            self._died(now)
            return
        if message.get("event") == "ready":
            self.device = {k: str(message[k]) for k in ("device", "name", "backend")}
            self._failures = 0
        if message.get("event") != "beat":
            self.board.event(message, now)

    def _start(self) -> None:
        """Start a worker; where that fails, `_link` is None and `_broken` says why."""
        self._heard, self._broken = time.monotonic(), BROKEN
        try:
            self._store.check_writable()  # the worker's log lives there too
            self._link = Link(*self._how, lambda link, message: self.inbox.put(("line", link, message)))
        except OSError as error:
            self._link = None
            self._broken = str(error) if isinstance(error, UnwritableStore) else f"{UNSTARTED}: {error.strerror}; run again"

    def _died(self, now: float) -> None:
        """The worker is gone: say so and start another, unless it cannot even start."""
        if self._link is not None:
            self._link.close(0.0)
        self._link, self.device = None, None
        self._failures += 1
        self.board.lost(LOST, now)
        if self._failures < _TRIES:
            self._start()
        if self._link is None:
            self.board.refuse(self._broken, now)

    def _watch(self, now: float) -> None:
        """End a worker that has fallen silent, and the jobs of owners who have left."""
        silence = _SILENCE if self.board.ready else _WARMUP
        if self._link is not None and time.monotonic() - self._heard > silence:
            self._link.kill()
        gone = time.monotonic() - self._orphan_seconds
        for owner in self.board.owners():
            if self.touched.get(owner, 0.0) < gone:
                self.board.cancel_owner(owner, now, "stopped, because its page was closed")
        for owner in [o for o, seen in list(self.touched.items()) if seen < gone]:
            self.touched.pop(owner, None)

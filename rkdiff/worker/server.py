"""The worker's main loop, the same for both backends: commands in, jobs started and ended, lines out.

A backend fills `spawn`, `wait`, `exit_code` and `signal`. The loop never blocks on a job: it waits for lines, looks after the dead, ends
those that were cancelled (politely, then not), and beats so that the app knows it is alive.
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from rkdiff.worker.job import sender
from rkdiff.worker.limits import death

BEAT_SECONDS = 2.0
GRACE_SECONDS = 1.5


@dataclass
class Child:
    """A job that runs."""

    spec: dict[str, Any]
    final: dict[str, Any] | None = None
    cancelled: float | None = None
    buffer: bytes = field(default=b"", repr=False)


C = TypeVar("C", bound=Child)


class Closed(Exception):
    """Standard input closed: the app is gone."""


class Server(ABC, Generic[C]):
    """Takes jobs until standard input closes."""

    backend = ""

    def __init__(self, store: Path, out: int, device: dict[str, str], modules: tuple[str, ...] = ()) -> None:
        self.store, self.device, self.modules = store, device, modules
        self.live: dict[str, C] = {}
        self._send = sender(out)
        self._beaten = 0.0

    @abstractmethod
    def spawn(self, spec: dict[str, Any]) -> tuple[C, int]:
        """Start a job; returns what is known of it and its process id."""

    @abstractmethod
    def wait(self, seconds: float) -> Iterator[tuple[str | None, bytes]]:
        """Lines that came within a time: (job, line), or (None, line) for a command. Raises `Closed` at the end of the input."""

    @abstractmethod
    def exit_code(self, child: C) -> int | None:
        """How the job ended, once it has and its lines are read; else None."""

    @abstractmethod
    def signal(self, child: C, hard: bool) -> None:
        """Ask the job to end, or make it."""

    def serve(self) -> None:
        """Work until the app is gone, then take every job along."""
        try:
            self._send({"event": "ready", "backend": self.backend, **self.device})
            while True:
                for job, line in self.wait(0.05 if self.live else 1.0):
                    self._command(line) if job is None else self._heard(job, line)
                self._look_after()
                self._beat()
        except (Closed, BrokenPipeError):
            pass
        finally:
            for child in self.live.values():
                self.signal(child, hard=True)

    def _command(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            op, job = message["op"], str(message["id"])
        except (ValueError, KeyError, TypeError):
            print(f"not a command: {line[:200]!r}", file=sys.stderr)  # noqa: T201 - the worker's log
            return
        if op == "cancel" and job in self.live:
            self.live[job].cancelled = time.monotonic()
            self.signal(self.live[job], hard=False)
        elif op == "start" and job not in self.live:
            try:
                self.live[job], pid = self.spawn(message)
            except OSError as error:
                self._send(
                    {"event": "failed", "id": job, "message": f"the job could not be started: {error.strerror}; try again"}
                )
            else:
                self._send({"event": "started", "id": job, "pid": pid})

    def _heard(self, job: str, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return  # cut off by a sudden death
        if message.get("event") in {"done", "failed"}:
            self.live[job].final = message
        else:
            self._send({**message, "id": job})

    def _look_after(self) -> None:
        for job, child in list(self.live.items()):
            if child.cancelled is not None and time.monotonic() - child.cancelled > GRACE_SECONDS:
                self.signal(child, hard=True)
            code = self.exit_code(child)
            if code is not None:
                del self.live[job]
                self._send({**self._end(child, code), "id": job})

    def _end(self, child: C, code: int) -> dict[str, Any]:
        if child.final is not None and (child.cancelled is None or child.final["event"] == "done"):
            return child.final
        if child.cancelled is not None:
            return {"event": "cancelled"}
        return {"event": "killed", "message": death(code, child.spec.get("cpu_seconds", 600))}

    def _beat(self) -> None:
        if time.monotonic() - self._beaten > BEAT_SECONDS:
            self._beaten = time.monotonic()
            self._send({"event": "beat"})

"""Inside the process of one job: limits, the work, its reports and its one end.

A job ends with exactly one line, "done" or "failed"; ends that a process cannot tell of itself (killed, cancelled) are told by the worker,
which sees it die. The traceback of a failure goes to a file in the store's hidden folder of logs, never to the screen.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rkdiff.core.parts import PartError
from rkdiff.store import Store
from rkdiff.worker import limits
from rkdiff.worker.kinds import KINDS, Job
from rkdiff.worker.report import Reporter

#: Logs of failed jobs that are kept.
_LOGS = 50


def log_folder(store: Path) -> Path:
    """Where the worker and its jobs write what is not for the screen."""
    folder = store / ".logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def do(spec: Mapping[str, Any], store: Path, send: Callable[[dict[str, Any]], None], on_gpu: bool = False) -> None:
    """Do one job in this process and send how it went."""
    memory = None if on_gpu else spec.get("memory_mb")
    try:
        limits.apply(spec.get("cpu_seconds", 600), memory)
        name, payload = spec.get("kind"), spec.get("payload")
        if name not in KINDS:
            raise PartError(f"there is no job kind {name!r}; choose one of {', '.join(KINDS)}")
        job = Job(str(spec["id"]), Store(store), spec.get("device", "auto"), Reporter(send))
        send({"event": "done", **KINDS[name](payload if isinstance(payload, Mapping) else {}, job)})
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more
    except BaseException as error:  # noqa: BLE001 - whatever went wrong is told, once, in one line
        send({"event": "failed", "message": limits.explained(error, memory, _logged(error, store, str(spec.get("id"))))})


def _logged(error: BaseException, store: Path, name: str) -> str:
    """Write the traceback where a maintainer finds it; returns the file's name within the store, "" if it could not be written."""
    safe = "".join(c for c in name if c.isalnum() or c in "-_")[:40] or "job"
    try:
        folder = log_folder(store)
        old = sorted(folder.glob("job-*.log"), key=lambda f: f.stat().st_mtime)
        for file in old[: max(0, len(old) - _LOGS + 1)]:
            file.unlink(missing_ok=True)
        (folder / f"job-{safe}.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, MemoryError):
        return ""
    return f".logs/job-{safe}.log"


def sender(fd: int) -> Callable[[dict[str, Any]], None]:
    """A function that writes one JSON line a call, whole, to a file descriptor."""

    def send(message: dict[str, Any]) -> None:
        data = memoryview((json.dumps(message) + "\n").encode())
        while data:
            data = data[os.write(fd, data) :]

    return send


def private_output() -> int:
    """Keep standard output for the protocol: returns its descriptor, and sends every later `print` to standard error."""
    sys.stdout.flush()
    fd = os.dup(1)
    os.dup2(2, 1)
    return fd


def main(store: Path) -> None:
    """The whole life of a plain job process: one specification on standard input, lines on standard output."""
    send = sender(private_output())
    spec = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    do(spec, store, send, on_gpu=spec.get("device", "auto") != "cpu" and _has_gpu())
    os._exit(0)


def _has_gpu() -> bool:
    from rkdiff.core.tensors import pick_device

    return pick_device() != "cpu"


def _leave_with_parent() -> None:
    """Standard input stays open as long as the worker lives; when it closes, so do we."""
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)

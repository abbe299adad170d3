"""The plain backend: one ordinary process a job, for systems where a warm process cannot be forked (macOS, Windows).

Slower to start, because every job imports its libraries anew, and otherwise the same to everyone outside. Pipes cannot be waited for
together on every system, so a thread reads each of them; the threads only hand lines over. A job holds on to its standard input and
leaves when that closes, so it never outlives the worker.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from rkdiff.worker.server import Child, Closed, Server


def ask_device(seconds: float = 120.0) -> dict[str, str]:
    """The device jobs will get by default and its name, asked of a process of its own; the CPU if it does not answer."""
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "rkdiff.worker", "--probe"], stdout=subprocess.PIPE, timeout=seconds, check=True
        )
        return dict(json.loads(asked.stdout))
    except (subprocess.SubprocessError, OSError, ValueError):
        return {"device": "cpu", "name": "CPU"}


@dataclass
class Spawned(Child):
    """A job that is a process of its own."""

    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None


class PlainServer(Server[Spawned]):
    """One plain process a job."""

    backend = "plain"

    def serve(self) -> None:
        self._lines: queue.SimpleQueue[tuple[str | None, bytes | None]] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(None, sys.stdin.buffer), daemon=True).start()
        super().serve()

    def _read(self, job: str | None, pipe: IO[bytes]) -> None:
        for line in pipe:
            self._lines.put((job, line))
        if job is None:
            self._lines.put((None, None))

    def spawn(self, spec: dict[str, Any]) -> tuple[Spawned, int]:
        command = [sys.executable, "-m", "rkdiff.worker", "--job", "--store", str(self.store)]
        command += [part for module in self.modules for part in ("--import", module)]
        group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **group)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((json.dumps(spec) + "\n").encode())
        process.stdin.flush()
        reader = threading.Thread(target=self._read, args=(str(spec["id"]), process.stdout), daemon=True)
        reader.start()
        return Spawned(spec, process=process, reader=reader), process.pid

    def wait(self, seconds: float) -> Iterator[tuple[str | None, bytes]]:
        try:
            job, line = self._lines.get(timeout=seconds)
            while True:
                if line is None:
                    raise Closed
                if job is None or job in self.live:
                    yield job, line
                job, line = self._lines.get_nowait()
        except queue.Empty:
            return

    def exit_code(self, child: Spawned) -> int | None:
        assert child.process is not None
        assert child.reader is not None
        code = child.process.poll()
        if code is None or child.reader.is_alive() or not self._lines.empty():
            return None
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def signal(self, child: Spawned, hard: bool) -> None:
        assert child.process is not None
        if sys.platform == "win32":
            child.process.kill()
        elif child.process.returncode is None:
            os.kill(child.process.pid, 9 if hard else 15)

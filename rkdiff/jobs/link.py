"""The wire to one worker process: start it, send it orders, hand its lines over, end it.

A thread reads the worker's output and does nothing but put each line into an inbox that never blocks, so the worker never waits for a
reader and nobody ever waits for that thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import rkdiff

_LOG_BYTES = 1_000_000

#: The worker's environment: no library starts a thread of its own. A process that forks must have only one, small matrices run faster on
#: one, and results do not depend on how many cores there are.
SINGLE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class Link:
    """A worker that has been started."""

    def __init__(
        self, store: Path, backend: str, modules: tuple[str, ...], deliver: Callable[[Link, dict[str, Any] | None], None]
    ) -> None:
        command = [sys.executable, "-m", "rkdiff.worker", "--store", str(store), "--backend", backend]
        command += [part for module in modules for part in ("--import", module)]
        home = str(Path(rkdiff.__file__).parent.parent)
        path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
        with _log(store) as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **SINGLE, "PYTHONPATH": path},
                **_apart(),
            )
        self._deliver = deliver
        self._reader = threading.Thread(target=self._read, name="rkdiff-worker-lines", daemon=True)
        self._reader.start()

    def send(self, order: Mapping[str, Any]) -> None:
        """Send one order; to a worker that is gone it is sent in vain, and the reader will say so."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write((json.dumps(order) + "\n").encode())
            self.process.stdin.flush()

    def kill(self) -> None:
        """End the worker at once; its jobs end with it."""
        with contextlib.suppress(OSError):
            self.process.kill()

    def close(self, seconds: float = 3.0) -> None:
        """Let the worker leave, which takes its jobs along; make it leave if it does not."""
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        self._reader.join(seconds)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):
                    self._deliver(self, json.loads(line))
        self.process.wait()
        self._deliver(self, None)


def _apart() -> dict[str, Any]:
    """Options that keep an interrupt at the app's terminal from reaching the worker, which leaves when its input closes."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _log(store: Path) -> Any:
    """The worker's log in the store's hidden folder, started anew when it has grown long."""
    folder = store / ".logs"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "worker.log"
    long = file.exists() and file.stat().st_size > _LOG_BYTES
    return file.open("wb" if long else "ab")

"""The warm backend: import everything once, run no operation, fork a job at a time.

Fork copies only the calling thread, so the parent must have no other: OpenMP and CUDA start theirs at the first operation, which is
therefore never executed here; OpenBLAS is told to have none. Whether there is a GPU is asked in a short-lived child, because the driver
does not survive a fork either.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rkdiff.worker.job import do, sender
from rkdiff.worker.server import Child, Closed, Server

_HEAVY = ("sklearn.datasets", "sklearn.neighbors", "scipy.stats", "scipy.optimize", "scipy.spatial", "networkx")
_PR_SET_PDEATHSIG = 1


def preload(modules: tuple[str, ...] = ()) -> None:
    """Import what jobs need; a module that fails to import is logged, and the job that needs it will say so."""
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # look for a GPU without waking its driver
    from rkdiff.core.parts import HOMES, choices
    from rkdiff.core.tensors import torch

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])  # pulls in what torch imports late
    for name in (*_HEAVY, "rkdiff.stages", "rkdiff.metrics.quality", *modules):
        _tried(importlib.import_module, name)
    for kind in HOMES:
        _tried(choices, kind)
    gc.collect()
    gc.freeze()


def _tried(what: Any, name: str) -> None:
    try:
        what(name)
    except Exception:  # noqa: BLE001 - one bad module must not keep the worker from serving the others
        traceback.print_exc()


def ask_device(seconds: float = 60.0) -> dict[str, str]:
    """The device jobs will get by default and its name, found out in a child; the CPU if the child does not answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            from rkdiff.core.tensors import device_name, pick_device

            device = pick_device()
            sender(write)({"device": device, "name": device_name(device)})
        finally:
            os._exit(0)
    os.close(write)
    try:
        answer = os.read(read, 4096) if select.select([read], [], [], seconds)[0] else b""
        return dict(json.loads(answer))
    except ValueError:
        return {"device": "cpu", "name": "CPU"}
    finally:
        os.close(read)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@dataclass
class Forked(Child):
    """A forked job: its process and the pipe it speaks through."""

    pid: int = 0
    fd: int = -1


class ForkServer(Server[Forked]):
    """One warm process, one fork a job."""

    backend = "fork"
    _input = b""

    def spawn(self, spec: dict[str, Any]) -> tuple[Forked, int]:
        read, write = os.pipe()
        parent = os.getpid()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self._be_the_job(spec, parent, read, write)
            finally:
                os._exit(1)
        os.close(write)
        return Forked(spec, pid=pid, fd=read), pid

    def _be_the_job(self, spec: dict[str, Any], parent: int, read: int, write: int) -> None:
        os.setpgid(0, 0)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        for fd in (null, read, *(c.fd for c in self.live.values() if c.fd >= 0)):
            os.close(fd)
        on_gpu = self.device["device"] != "cpu" and spec.get("device", "auto") != "cpu"
        do(spec, self.store, sender(write), on_gpu)
        os._exit(0)

    def wait(self, seconds: float) -> Iterator[tuple[str | None, bytes]]:
        by_fd = {c.fd: job for job, c in self.live.items() if c.fd >= 0}
        for fd in select.select([0, *by_fd], [], [], seconds)[0]:
            data = os.read(fd, 1 << 16)
            if fd == 0:
                if not data:
                    raise Closed
                *lines, self._input = (self._input + data).split(b"\n")
                yield from ((None, line) for line in lines)
                continue
            child = self.live[by_fd[fd]]
            if not data:
                os.close(fd)
                child.fd = -1
            *lines, child.buffer = (child.buffer + data).split(b"\n")
            yield from ((by_fd[fd], line) for line in lines)

    def exit_code(self, child: Forked) -> int | None:
        if child.fd >= 0:
            ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            if not ended or select.select([child.fd], [], [], 0)[0]:
                return None
            os.close(child.fd)  # a process that the job left behind still holds the other end
            child.fd = -1
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def signal(self, child: Forked, hard: bool) -> None:
        for kill, target in ((os.killpg, child.pid), (os.kill, child.pid)):
            try:
                kill(target, signal.SIGKILL if hard else signal.SIGTERM)
            except ProcessLookupError:
                continue  # the group does not exist before the child has made it
            return

"""What a job may use, and how its end is told: processor seconds, memory, priority, and one clear line for every way to die.

Memory is limited by RLIMIT_DATA on top of what the libraries hold already, so that an allocation fails inside the job, with a message, long
before the machine runs out. A job on a GPU has no such limit: its driver maps far more than it uses.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from rkdiff.core.parts import PartError
from rkdiff.store.refusal import REASONS, UnwritableStore, reason


def apply(cpu_seconds: float, memory_mb: int | None, nice: int = 5) -> None:
    """Limit this process. `memory_mb` None: no limit on memory. Does what the system knows (nothing on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    os.nice(nice)
    seconds = max(1, round(cpu_seconds))
    _lower(resource.RLIMIT_CPU, seconds, seconds + 5)
    _lower(resource.RLIMIT_CORE, 0, 0)
    if memory_mb is not None and sys.platform == "linux":
        limit = _data_bytes() + memory_mb * 2**20
        _lower(resource.RLIMIT_DATA, limit, limit)


def _lower(which: int, soft: int, hard: int) -> None:
    """Set a limit, without ever asking for more than this process may have."""
    import resource

    most = resource.getrlimit(which)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))


def _data_bytes() -> int:
    """What the kernel counts as this process's data so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out (Python's, NumPy's, torch's on CPU or GPU)."""
    text = str(error).lower()
    signs = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory", "std::bad_alloc")
    return isinstance(error, MemoryError) or any(s in text for s in signs)


def explained(error: BaseException, memory_mb: int | None, log: str) -> str:
    """One line about an exception, for a person; `log` is where the traceback was written, if it could be."""
    if out_of_memory(error):
        allowed = f"the {memory_mb} MB it may use" if memory_mb is not None else "the memory that was free"
        return f"the job needed more than {allowed}; nothing was saved: take fewer particles, data points or steps"
    said = " ".join(str(error).split())[:400]
    if isinstance(error, (PartError, UnwritableStore)):
        return said
    if isinstance(error, OSError) and error.errno in REASONS:
        return f"the job could not use {error.filename or 'a file'}: {reason(error)}"
    details = f" (details in {log})" if log else ""
    if isinstance(error, ValueError) and said:
        return f"{said}{details}"
    return f"the job stopped on an unexpected {type(error).__name__}: {said or 'no message'}{details}"


def death(code: int, cpu_seconds: float) -> str:
    """One line about a process that ended on its own: `code` is its exit status, negative for a signal."""
    name = signal.Signals(-code).name if code < 0 and -code in set(signal.Signals) else f"status {code}"
    if name == "SIGXCPU":
        return (
            f"the job used up its {cpu_seconds:g} seconds of processor time; nothing was saved: take fewer particles or steps"
        )
    if name == "SIGKILL":
        return "the job was killed from outside (SIGKILL), most often for want of memory; nothing was saved: run it again"
    if name == "SIGTERM":
        return "the job was ended from outside (SIGTERM); nothing was saved: run it again"
    return f"the job's process broke off ({name}); nothing was saved: run it again"

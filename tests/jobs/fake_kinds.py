"""Small job kinds for the tests, imported by the worker: what real jobs do, without torch."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from rkdiff.core.parts import PartError
from rkdiff.core.records import Progress
from rkdiff.worker.kinds import kind


@kind("count")
def count(payload, job):
    """Counts to `total`, `pause` seconds a step, and leaves its process id in the file `mark`."""
    if "mark" in payload:
        Path(payload["mark"]).write_text(str(os.getpid()))
    total, cloud = payload.get("total", 3), np.array([[0.0, 1.0], [2.0, -3.0]])
    for i in range(total):
        job.report(Progress("counting", i + 1, total, {"loss": 1.0 / (i + 1)}, cloud))
        time.sleep(payload.get("pause", 0.0))
    return {"key": f"counted{total}"}


@kind("misbehave")
def misbehave(payload, job):
    """Ends in the way `how` names."""
    job.report(Progress("misbehaving", 0, 1))
    how = payload["how"]
    if how == "part error":
        raise PartError("TwoMoons.noise is 9.0; choose between 0.0 and 0.5")
    if how == "surprise":
        raise KeyError("nobody\nexpected this")
    if how == "memory":
        np.ones(2**30)  # 8 GB
    if how == "processor":
        while True:
            pass
    if how == "noise on stdout":
        print("this is no line of the protocol", flush=True)
        os.write(1, b"neither is this\n")
    if how == "crash":
        os.abort()
    if how == "silent exit":
        os._exit(0)
    if how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(payload["mark"]).write_text(str(os.getpid()))
        time.sleep(60)
    if how == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(payload["mark"]).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(60)
    return {"key": "fine"}


@kind("inside")
def inside(payload, job):
    """What the process of a job sees of itself."""
    torch = sys.modules.get("torch")
    seen = {
        "threads_of_the_parent": len(list(Path(f"/proc/{os.getppid()}/task").iterdir())),
        "torch": torch is not None,
        "cuda_awake": bool(torch and torch.cuda.is_initialized()),
    }
    job.report(Progress("looking", 1, 1, seen))
    return {"key": "inside"}

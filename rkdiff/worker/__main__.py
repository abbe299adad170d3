"""`python -m rkdiff.worker`: start the worker (or, for its own use, one plain job with --job, or --probe the device)."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from rkdiff.jobs.link import SINGLE


def main() -> None:
    """Read the options and become what they ask for."""
    p = argparse.ArgumentParser(prog="python -m rkdiff.worker", description="takes jobs as JSON lines and reports on them")
    p.add_argument("--store", default=None, help="folder of the kept runs (default: RKDIFF_STORE, else ./runs)")
    p.add_argument(
        "--backend", default="auto", choices=("auto", "fork", "plain"), help="fork a warm process, or start one a job"
    )
    p.add_argument(
        "--import", dest="modules", action="append", default=[], metavar="MODULE", help="module with further job kinds"
    )
    p.add_argument("--job", action="store_true", help="do one job read from standard input")
    p.add_argument("--probe", action="store_true", help="print the device and leave")
    options = p.parse_args()
    if sys.platform != "win32" and not SINGLE.items() <= os.environ.items():
        os.environ |= SINGLE  # the libraries read this when they are loaded, which has happened: begin again
        os.execv(sys.executable, [sys.executable, "-m", "rkdiff.worker", *sys.argv[1:]])
    _become(options)


def _become(options: argparse.Namespace) -> None:
    from rkdiff.store import Store
    from rkdiff.worker.job import main as do_one_job
    from rkdiff.worker.job import private_output, sender

    store, modules = Store(options.store).root, tuple(options.modules)
    if options.probe:
        from rkdiff.core.tensors import device_name, pick_device

        sender(private_output())({"device": pick_device(), "name": device_name(pick_device())})
    elif options.job:
        for module in modules:
            importlib.import_module(module)
        do_one_job(Path(store))
    elif options.backend == "fork" or (options.backend == "auto" and sys.platform == "linux"):
        from rkdiff.worker import fork

        out = private_output()
        fork.preload(modules)
        fork.ForkServer(Path(store), out, fork.ask_device(), modules).serve()
    else:
        from rkdiff.worker import plain

        out = private_output()
        plain.PlainServer(Path(store), out, plain.ask_device(), modules).serve()


if __name__ == "__main__":
    main()

"""Start-up: seconds from `streamlit run` to a moving scene, the server's CPU seconds, and a second visit to the warm server, and a Stop.

"first paint" counts from the start of the process to the third drawn frame of the shipped scene in a real Chromium that is already open;
"warm visit" is a fresh browser context on the running server. CPU seconds are those of the server's process alone, read when the first
scene moves. A bare Streamlit page (one title) is measured in the same run as the peer.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.table import Row

SEEDS = 3
ROOT = Path(__file__).resolve().parents[1]
ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip
MOVING = "() => window.__rk && [...window.__rk].some(p => p.draws >= 3)"
PEER = 'import streamlit as st\nst.title("bare")\n'


def rows(seeds: int, device: str = "cpu") -> Iterator[Row]:
    """One start for each seed (the seeds only count repetitions)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder:
        peer = Path(folder) / "peer.py"
        peer.write_text(PEER)
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        for seed in range(seeds):
            for name, script, ready in (
                ("rkdiff", ROOT / "app.py", MOVING),
                ("bare page", peer, "() => document.querySelector('h1')"),
            ):
                yield from _start(browser, name, script, ready, seed, folder)
        browser.close()


def _start(browser: Any, name: str, script: Path, ready: str, seed: int, folder: str) -> Iterator[Row]:
    began = time.perf_counter()
    with _server(script, folder) as (process, url):
        _visit(browser, url, ready)
        first = time.perf_counter() - began
        cpu = _cpu_seconds(process.pid)
        time.sleep(6)  # the worker warms up meanwhile; a warm visit comes after it
        warm = [_visit(browser, url, ready) for _ in range(3)]
        stopped = _stop(browser, url) if name == "rkdiff" else None
    figures = [("first paint (s)", first), ("server CPU (s)", cpu), ("warm visit (s)", sorted(warm)[1]), ("Stop (s)", stopped)]
    for metric, value in figures:
        if value is not None:
            yield Row("start-up", name, seed, metric, value)


def _stop(browser: Any, url: str) -> float:
    """Seconds from a click on Stop, in the middle of a training, to a page that can train again."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url + "/?method0=Network%20diffusion&panels=1")
    page.wait_for_function(MOVING, timeout=60_000)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("() => /training [1-9]\\d*\\//.test(document.body.innerText)", timeout=60_000)
    began = time.perf_counter()
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".st-key-train button:enabled", timeout=60_000)
    spent = time.perf_counter() - began
    page.context.close()
    return spent


def _visit(browser: Any, url: str, ready: str) -> float:
    began = time.perf_counter()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_function(ready, timeout=60_000)
    spent = time.perf_counter() - began
    context.close()
    return spent


@contextmanager
def _server(script: Path, folder: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless", "true"]
    env = {**os.environ, "RKDIFF_STORE": str(Path(folder) / "runs")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with urllib.request.urlopen(url + "/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.02)
        yield process, url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""Real Chromium for every test beneath: found, guarded, offline.

Fixtures: `open_scene` plays a scene from a stand-alone file; `app_url` is the app on a port of its own with a store of its own and `app`
a page on it; `serve` starts any Streamlit script. Whatever a page says on the console, throws, or asks of another host fails its test.
The browser is `RKDIFF_CHROMIUM` or a Chromium on the PATH; without one these tests are skipped, except where `CI` is set.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rkdiff.player import standalone

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: What a page may say without being wrong.
HARMLESS = ("Download the React DevTools",)
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def base_url() -> None:
    """Every test names its address itself."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = os.environ.get("RKDIFF_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        say = "no Chromium on the PATH: install one (apt-get install chromium) or name it in RKDIFF_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(say)
    return {**browser_type_launch_args, "executable_path": found, "headless": True, "args": list(ARGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}, "reduced_motion": "no-preference"}


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where tests leave their screenshots."""
    folder = ROOT / "test-output" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Watch:
    """Everything a page says, throws or asks for elsewhere; `home` is the only place it may ask."""

    def __init__(self, page: Page, home: str) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.home = home
        page.on("pageerror", lambda e: self.said.append(f"threw: {e}"))
        page.on("console", self._console)
        page.on("request", lambda r: self._ask(r.url))
        page.on("websocket", lambda s: self._ask(s.url.replace("ws://", "http://").replace("wss://", "https://")))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(h in message.text for h in HARMLESS):
            self.said.append(f"{message.type}: {message.text}")

    def _ask(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.asked.append(url)

    def check(self) -> None:
        """Fail where the page said or asked for anything."""
        assert not self.said, self.said
        assert not self.asked, f"asked another host: {self.asked}"


@pytest.fixture
def open_scene(browser: Any, browser_context_args: dict[str, Any], tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """`open_scene(scene, viewport=..., **context)` -> a page that plays it, from a file of its own; keyword `pack` goes to packing."""
    contexts, watches = [], []

    def go(scene: Any, viewport: tuple[int, int] = (1440, 900), pack: dict[str, Any] | None = None, **context: Any) -> Page:
        file = tmp_path / f"scene{len(contexts)}.html"
        file.write_text(standalone(scene, "A caption.", **(pack or {})), encoding="utf-8")
        size = {"width": viewport[0], "height": viewport[1]}
        contexts.append(browser.new_context(**{**browser_context_args, "viewport": size, **context}))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        watches.append(Watch(page, file.as_uri()))
        page.goto(file.as_uri())
        page.wait_for_function("() => window.__rk?.[0]?.draws > 0")
        return page

    yield go
    for context in contexts:
        context.close()
    for watch in watches:
        watch.check()


@contextmanager
def streamlit(script: Path, folder: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """A Streamlit server on a free port; its process group ends with the block."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = folder / "streamlit.log"
    own = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false", "PYTHONUNBUFFERED": "1", "RKDIFF_STORE": str(folder / "runs")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    options = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    flags = [f for k, v in options.items() for f in (f"--server.{k}", str(v))]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), *flags],
            cwd=ROOT, env={**os.environ, **own, "PYTHONPATH": path, **(env or {})}, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            _healthy(process, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(process)


def _healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 90
    while True:
        if process.poll() is not None:
            pytest.fail("the server ended:\n" + log.read_text()[-2000:])
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            pytest.fail("the server does not answer:\n" + log.read_text()[-2000:])
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def app_url(browser_type_launch_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, running with a store of its own."""
    with streamlit(ROOT / "app.py", tmp_path_factory.mktemp("app")) as url:
        yield url


@pytest.fixture(scope="session")
def serve(
    browser_type_launch_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path], str]]:
    """`serve(script)` -> the address of a Streamlit script; a script is started once."""
    running: dict[Path, str] = {}
    with ExitStack() as stack:

        def start(script: Path) -> str:
            if script not in running:
                running[script] = stack.enter_context(streamlit(script, tmp_path_factory.mktemp(script.stem)))
            return running[script]

        yield start


def idle(page: Page, timeout: float = 60_000) -> None:
    """Wait until Streamlit is connected, the script has finished, and it stays finished for a quarter of a second."""
    state = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
    page.wait_for_selector(state, timeout=timeout)
    page.wait_for_function(
        """() => {
          const app = document.querySelector('[data-testid=stApp]');
          const done = app?.dataset.testScriptState === 'notRunning' && !document.querySelector('[data-stale=true]');
          const now = performance.now();
          if (!done) { window.__idle = now; return false; }
          window.__idle ??= now;
          return now - window.__idle > 250;
        }""",
        timeout=timeout,
    )
    page.evaluate("() => { delete window.__idle }")


@pytest.fixture
def visit(page: Page) -> Iterator[Callable[..., Page]]:
    """`visit(url)` -> a settled, guarded page on a Streamlit server; `wait=False` returns as soon as it is asked for."""
    watches: list[Watch] = []

    def go(url: str, wait: bool = True) -> Page:
        if not watches:
            page.set_default_timeout(30_000)
            watches.append(Watch(page, "/".join(url.split("/")[:3])))
        page.goto(url)
        if wait:
            page.wait_for_selector('[data-testid="stAppViewContainer"]')
            idle(page)
        return page

    yield go
    for watch in watches:
        watch.check()
    assert page.get_by_test_id("stException").count() == 0


@pytest.fixture
def app(visit: Callable[..., Page], app_url: str) -> Page:
    """The app's first page, settled."""
    return visit(app_url)

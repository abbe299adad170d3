import os
import time
from pathlib import Path

import pytest

from rkdiff.jobs import Jobs


@pytest.fixture(scope="session")
def fake_kinds():
    """Lets workers import the job kinds of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        yield ("fake_kinds",)


@pytest.fixture(scope="session")
def warm(tmp_path_factory, fake_kinds):
    """One queue with a warm worker and two places, for all tests that leave it as they found it."""
    jobs = Jobs(tmp_path_factory.mktemp("runs"), workers=2, backend="fork", device="cpu", memory_mb=512, modules=fake_kinds)
    yield jobs
    jobs.close()


@pytest.fixture(scope="session")
def plain(tmp_path_factory, fake_kinds):
    """The same with a process a job, a single place, and owners who are soon missed."""
    root = tmp_path_factory.mktemp("plain")
    jobs = Jobs(root, workers=1, backend="plain", device="cpu", orphan_seconds=3.0, memory_mb=512, modules=fake_kinds)
    yield jobs
    jobs.close()


@pytest.fixture
def until():
    def wait(condition, seconds=90.0):
        """The first true value of a condition; fails when there is none in a very generous time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"still not so after {seconds} s")

    return wait


@pytest.fixture
def gone():
    def is_gone(pid):
        """Whether a process has ended (a zombie whose parent has not looked yet has)."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    return is_gone

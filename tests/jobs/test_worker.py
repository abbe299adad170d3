"""The worker by itself: lines in, lines out."""

import json
import subprocess
import sys

import pytest


class Raw:
    """A worker one writes lines to and reads lines from."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rkdiff.worker", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def say(self, line):
        self.process.stdin.write(line.encode() if isinstance(line, str) else (json.dumps(line) + "\n").encode())
        self.process.stdin.flush()

    def hear(self, *events):
        """The next line whose event is one of these."""
        for line in self.process.stdout:
            message = json.loads(line)
            if message["event"] in events:
                return message
        raise AssertionError("the worker fell silent")


@pytest.fixture
def worker(tmp_path, fake_kinds):
    raw = Raw("--store", str(tmp_path), "--backend", "plain", "--import", *fake_kinds)
    yield raw
    raw.process.kill()
    raw.process.communicate()


def test_a_worker_says_what_it_is_beats_and_takes_no_nonsense(worker):
    ready = worker.hear("ready")
    assert ready["backend"] == "plain"
    assert {"device", "name"} <= ready.keys()
    assert worker.hear("beat")
    for line in (
        "not json\n",
        "[1]\n",
        '{"op": "start"}\n',
        '{"op": "cancel", "id": "nobody"}\n',
        '{"op": "sing", "id": "x"}\n',
    ):
        worker.say(line)
    worker.say({"op": "start", "id": "a", "kind": "count", "payload": {"total": 2}, "device": "cpu"})
    assert worker.hear("started")["id"] == "a"
    assert worker.hear("progress")["stage"] == "counting"
    assert worker.hear("done", "failed", "killed") == {"event": "done", "id": "a", "key": "counted2"}


def test_one_job_has_one_end_and_a_cancelled_one_is_called_so(worker):
    worker.say({"op": "start", "id": "a", "kind": "count", "payload": {"total": 999, "pause": 1}, "device": "cpu"})
    worker.say({"op": "start", "id": "a", "kind": "count", "payload": {}})
    worker.hear("progress")
    worker.say({"op": "cancel", "id": "a"})
    assert worker.hear("done", "failed", "killed", "cancelled", "started") == {"event": "cancelled", "id": "a"}


def test_a_worker_leaves_when_its_input_closes(worker):
    worker.hear("ready")
    worker.process.stdin.close()
    worker.process.stdin = None
    assert worker.process.wait(30) == 0

"""What ends a process, or a thread of it, is told by a line of the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from processes import READ_SETTINGS, ROOT

NUMBER = "9000000001"
SET_UP = f"""{READ_SETTINGS}
import threading
from worker.process.crashes import tell_crashes
from worker.logs import set_up_logs
set_up_logs(settings)
tell_crashes()
def crash():
    raise ValueError("the-api-key called +91{NUMBER}")
"""
SETTINGS = {
    "EXOTEL_ACCOUNT_SID": "acme1m",
    "EXOTEL_API_KEY": "the-api-key",
    "EXOTEL_API_TOKEN": "the-api-token",
    "CALLBACK_TOKEN": "test-callback-token-0001",
    "LOG_FORMAT": "json",
}


def run(end):
    return subprocess.run(
        [sys.executable, "-c", SET_UP + end],
        env={**os.environ, "PYTHONPATH": str(ROOT), **SETTINGS},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("end", "event", "code"),
    [
        ("crash()", "process.crashed", 1),
        ("one = threading.Thread(target=crash, name='reader'); one.start(); one.join()", "thread.crashed", 0),
    ],
)
def test_a_crash_is_told_with_its_traceback_and_without_numbers_and_secrets(end, event, code):
    """Python printed it itself, and what an exception says may hold anything."""
    found = run(end)
    (line,) = [json.loads(line) for line in found.stderr.splitlines()]
    assert (line["event"], line["level"], found.returncode) == (event, "critical", code)
    assert "ValueError: *** called …0001" in line["exception"]
    assert "in crash" in line["exception"]
    assert NUMBER not in found.stderr


@pytest.mark.parametrize("end", ["sys.exit(3)", "one = threading.Thread(target=sys.exit); one.start(); one.join()"])
def test_to_end_is_no_crash(end):
    assert run(end).stderr == ""

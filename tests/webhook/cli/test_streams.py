"""Where the output goes: a full disk, streams that are closed, terminals without colours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import ENVIRON, open_ledger
from terminal import seen_on_a_terminal

COMMANDS = [["calls", "list"], ["status", "--json"], ["check"], ["--help"], ["completion", "bash"]]
PROGRAM = [sys.executable, "-m", "webhook.cli"]


def environ(redis_url, **more):
    """The environment of a `legwork` that asks nobody beyond this host."""
    return {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "EXOTEL_BASE_URL": "http://127.0.0.1:1", **more}


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("given", COMMANDS)
def test_where_there_is_no_room_for_the_output_that_is_said(redis_url, given, unbuffered):
    """`legwork calls list > /dev/full` ended in a traceback, as if it were a bug of ours."""
    variables = environ(redis_url, PYTHONUNBUFFERED=unbuffered)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *given], env=variables, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    (line,) = done.stderr.splitlines()
    problem = json.loads(line)["problems"][0] if "--json" in given else line
    assert done.returncode == 1
    assert problem.startswith("cannot write: No space left on device; ")


@pytest.mark.parametrize(
    "given", [["calls", "list"], ["status", "--json"], ["dead", "retry", "--all", "--yes"], ["--help"]]
)
def test_without_streams_it_does_its_work_and_says_nothing(redis_url, given):
    """Started with `<&- >&-`, as some supervisors do, every command ended in a traceback before it began."""
    open_ledger(redis_url).register_worker("host:1", 8)
    closed = ["sh", "-c", '"$@" <&- >&-', "sh", *PROGRAM, *given]
    done = subprocess.run(closed, env=environ(redis_url), stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_that_nobody_can_read_has_its_exit_code(redis_url):
    closed = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *PROGRAM, "nonsense"]
    assert subprocess.run(closed, env=environ(redis_url), check=False).returncode == 2


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("command", ["status", "check"])
def test_whoever_wants_no_colours_gets_none(redis_url, command, variables):
    """`legwork check` had its verdicts in colours whatever NO_COLOR said, unlike all other commands."""
    coloured, _ = on_a_terminal(redis_url, command, TERM="xterm")
    plain, _ = on_a_terminal(redis_url, command, **{"TERM": "xterm", **variables})
    assert re.search(r"\x1b\[3\dm", coloured)
    assert not re.search(r"\x1b\[3\dm", plain)


def test_the_last_line_of_the_status_is_one_line_however_narrow_the_terminal(redis_url):
    """It was written in two parts, and the second wrapped as if it began at the left margin."""
    shown, _ = on_a_terminal(redis_url, "status", TERM="dumb", COLUMNS="80")
    assert re.search(r"0 worker\(s\) with 0 threads; ledger since .* in this Redis before\r\n$", shown)


def on_a_terminal(redis_url, *given, **variables):
    """What a command shows on a terminal, and its exit code."""
    return seen_on_a_terminal(
        lambda terminal: subprocess.Popen(
            [*PROGRAM, *given], env=environ(redis_url, **variables), stdin=terminal, stdout=terminal, stderr=terminal
        )
    )

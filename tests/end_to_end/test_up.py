"""`legwork up`, which is what `make run` runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests
from end_to_end.stage import BIN, Program, free_port, listens, wait_until

# The contract says 15; a crowded machine that tests run on gets more.
RECORDS_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 30


class Up(Program):
    """A running `legwork up`."""

    def __init__(self, directory, *options, name="up", **environ):
        self.directory = directory
        self.port = free_port()
        self.environ = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(directory),
            "PORT": str(self.port),
            # Two of them that start at the same moment would both find the usual one free.
            "SANDBOX_PORT": str(free_port()),
            **environ,
        }
        super().__init__([str(BIN / "legwork"), "up", *options], self.environ, directory, name)

    def records(self):
        path = self.directory / "records.jsonl"
        return path.read_text().splitlines() if path.exists() else []

    def is_up(self):
        return listens(self.port) and "worker.ready" in self.text

    def family(self):
        """The processes that it started, and theirs."""
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = {int(pid): int(parent) for pid, parent in (line.split() for line in listed.splitlines())}
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family - {self.process.pid}


@pytest.fixture
def up_of(tmp_path):
    running = []

    def start(directory=tmp_path, *options, **environ):
        running.append(Up(directory, *options, **environ))
        return running[-1]

    yield start
    for up in running:
        up.signal(signal.SIGKILL)
        up.process.wait()


def none_of(family):
    def exists(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    return not any(map(exists, family))


def legwork(up, *arguments):
    return subprocess.run(
        [BIN / "legwork", *arguments],
        env=up.environ,
        cwd=up.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_newcomer_watches_records_arrive_and_nothing_stays_behind(up_of, tmp_path):
    began = time.monotonic()
    up = up_of()
    wait_until(up.records, "the first record", RECORDS_WITHIN_SECONDS)
    first = time.monotonic() - began
    print(f"the first record came after {first:.1f} s")
    wait_until(lambda: len(up.records()) >= 5, "a handful of records", RECORDS_WITHIN_SECONDS)

    token = re.search(rf"http://localhost:{up.port}/callbacks/([^/]+)/passthru", up.text)[1]
    assert f"http://localhost:{up.port}/callbacks/{token}/status" in up.text
    assert f"http://localhost:{up.port}/\n" in up.text
    assert "file:records.jsonl" in up.text
    assert up.text.count(token) == 2
    wait_until(lambda: len(re.findall(r"records +\| completed", up.text)) >= 5, "the records on the screen")

    status = json.loads(legwork(up, "status", "--json").stdout)
    assert status["calls"]["settled"] >= 5
    assert status["workers"]["running"] == 1
    sid = json.loads(up.records()[0])["subject"]
    assert sid in legwork(up, "calls", "show", sid).stdout
    checked = legwork(up, "check")
    assert checked.returncode == 0, checked.stdout
    assert token not in checked.stdout

    other = up_of(tmp_path, name="other")
    assert other.ended() == 2
    assert "another `legwork up`" in other.text

    family = up.family()
    assert len(family) >= 4
    up.signal()
    assert up.ended(STOPPED_WITHIN_SECONDS) == 0
    assert none_of(family)
    assert not listens(up.port)
    assert not (tmp_path / ".legwork/environment").exists()
    assert legwork(up, "status").returncode != 0


def test_with_an_account_of_the_users_calls_are_kept_over_a_restart(up_of, tmp_path):
    account = {
        "EXOTEL_ACCOUNT_SID": "acme1m",
        "EXOTEL_API_KEY": "k",
        "EXOTEL_API_TOKEN": "t",
        "CALLBACK_TOKEN": "callback-token-of-the-tests",
        "EXOTEL_BASE_URL": "http://127.0.0.1:1",
    }
    up = up_of(**account)
    wait_until(up.is_up, "all of it")
    assert "sandbox" not in up.text
    url = f"http://127.0.0.1:{up.port}/callbacks/{account['CALLBACK_TOKEN']}/status"
    assert requests.post(url, data={"CallSid": "3f9a1c7e5b2d4806"}, timeout=15).json()["accepted"] is True
    up.signal(signal.SIGINT)
    assert up.ended(STOPPED_WITHIN_SECONDS) == 0
    again = up_of(name="again", **account)
    wait_until(again.is_up, "all of it again")
    listed = json.loads(legwork(again, "calls", "list", "--json").stdout)
    assert [(call["call_sid"], call["state"]) for call in listed] == [("3f9a1c7e5b2d4806", "waiting")]
    assert account["CALLBACK_TOKEN"] not in legwork(again, "calls", "list").stdout


def test_a_process_that_dies_takes_all_of_it_along_and_is_named(up_of):
    up = up_of()
    wait_until(up.is_up, "all of it")
    family = up.family()
    commands = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    (worker,) = [
        int(line.split()[0])
        for line in commands.splitlines()
        if "webhook.cli worker" in line and int(line.split()[0]) in family
    ]
    os.kill(worker, signal.SIGKILL)
    assert up.ended(STOPPED_WITHIN_SECONDS) == 1
    assert "worker ended by itself (SIGKILL)" in up.text
    assert none_of(family)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_when_it_is_killed_its_processes_end_too(up_of):
    up = up_of()
    wait_until(lambda: len(up.family()) >= 4, "its processes")
    family = up.family()
    up.signal(signal.SIGKILL)
    wait_until(lambda: none_of(family), "the end of all its processes")


def test_for_programs_every_line_is_json_and_the_first_says_where_things_are(up_of, tmp_path):
    up = up_of(tmp_path, "--json")
    wait_until(up.is_up, "all of it")
    up.signal()
    assert up.ended(STOPPED_WITHIN_SECONDS) == 0
    first, *others = map(json.loads, up.text.splitlines())
    assert first["console"] == f"http://localhost:{up.port}/"
    assert {"web", "worker", "sandbox"} <= {line["process"] for line in others}


@pytest.mark.parametrize(
    ("environ", "code", "said"),
    [
        ({"EXOTEL_API_KEY": "k"}, 2, "EXOTEL_API_TOKEN: "),
        ({"SINKS": "file:/nonexistent/records.jsonl"}, 2, "sink file"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, 1, "redis://127.0.0.1:1/0"),
        ({"PORT": "0"}, 2, "PORT: "),
    ],
)
def test_what_cannot_work_is_told_at_the_start_and_nothing_is_left_running(up_of, environ, code, said):
    up = up_of(**environ)
    assert up.ended() == code
    assert said in up.text
    assert "Traceback" not in up.text
    assert not up.family()

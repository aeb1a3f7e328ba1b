"""Backup and restore as docs/operations.md has them: typed into a shell, beside a server that goes on taking calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from factories import ACCOUNT, make_callback, make_settings
from manifests import ROOT
from processes import until

from worker.connections import connect
from worker.ledger import Ledger
from worker.process import embedded_redis

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition("## Backup and restore")[2]
(BACKUP, *_) = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PASSWORD = "password"
CALLS = [f"call{number:04}" for number in range(50)]


@pytest.fixture
def cli():
    """Type commands with a redis-cli that speaks to a server. Without one a laptop skips, and CI, which installs it, fails."""
    if shutil.which("redis-cli") is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-cli on PATH: .ci/run installs it")
        pytest.skip("no redis-cli on PATH")

    def typed(commands, server):
        port = server.url.rpartition(":")[2].partition("/")[0]
        commands = commands.replace("redis-cli", f"redis-cli -e -p {port}")
        return subprocess.run(
            ["/bin/sh", "-e", "-c", commands],
            env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": PASSWORD},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    return typed


@pytest.fixture
def begin(tmp_path):
    servers = []

    def start(name, **options):
        servers.append(embedded_redis.start(tmp_path / name, password=PASSWORD, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def admit(server, sids):
    with connect(make_settings(server.url)) as client:
        ledger = Ledger(client, make_settings(server.url))
        ledger.open()
        return [ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=60) for sid in sids]


def test_a_copy_of_the_append_only_file_holds_every_call_that_was_there(begin, cli, tmp_path):
    server = begin("before")
    admit(server, CALLS)
    backup, there = tmp_path / "backup", tmp_path / "before/appendonlydir"
    backup.mkdir()
    done = cli(BACKUP.replace("/var/lib/redis/appendonlydir", str(there)).replace("/backup/", f"{backup}/"), server)
    assert "aof_rewrite_in_progress:0" in done
    admit(server, ["after0001"])
    server.stop()
    (tmp_path / "restored").mkdir()
    shutil.copytree(backup / "appendonlydir", tmp_path / "restored/appendonlydir")
    again = begin("restored")
    # Those of the backup are known; what came since is not.
    assert admit(again, [*CALLS, "after0001"]) == [*[False] * len(CALLS), True]


def test_from_a_dump_it_begins_empty_unless_the_dump_is_read_first(begin, cli, tmp_path):
    server = begin("before")
    admit(server, CALLS)
    cli("redis-cli SAVE", server)
    server.stop()
    for name in ("wrong", "right"):
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "before/dump.rdb", tmp_path / name)
    assert admit(begin("wrong"), CALLS[:1]) == [True], "the trap that the page tells of"
    reading = begin("right", settings='appendonly no\nsave ""\n')
    cli("redis-cli CONFIG SET appendonly yes", reading)
    until(lambda: "aof_rewrite_in_progress:0" in cli("redis-cli INFO persistence", reading))
    until(lambda: "aof_rewrite_scheduled:0" in cli("redis-cli INFO persistence", reading))
    reading.stop()
    assert admit(begin("right"), CALLS) == [False] * len(CALLS)

"""The embedded Redis: a real server, whose data survives and whose password does not show."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from processes import until
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.process import embedded_redis
from worker.process.embedded_redis import NoServer, free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def begin(tmp_path):
    servers = []

    def start(**options):
        servers.append(embedded_redis.start(tmp_path / "redis", **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def client_of(server):
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_what_was_acknowledged_survives_a_sigkill(begin):
    server = begin()
    with client_of(server) as client:
        for number in range(100):
            client.set(f"key{number}", number)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with client_of(begin()) as client:
        assert client.dbsize() == 100


def test_it_is_set_up_to_lose_nothing(begin):
    with client_of(begin()) as client:
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_it_needs_the_password_and_listens_on_loopback_only(begin):
    server = begin()
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with client_of(server) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_the_password_stands_in_no_process_list_and_no_file(begin, tmp_path):
    server = begin(password="a-password-to-look-for")
    files = [path for path in (tmp_path / "redis").rglob("*") if path.is_file()]
    files += [*Path("/proc").glob("[0-9]*/cmdline"), Path(f"/proc/{server.process.pid}/environ")]
    for path in files:
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            assert b"a-password-to-look-for" not in path.read_bytes()


def test_each_server_has_a_password_of_its_own(begin):
    assert begin().url != begin().url


def test_nobody_else_can_read_its_folder(begin, tmp_path):
    begin()
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


def test_it_stops_when_told_and_a_second_time_is_no_error(begin):
    server = begin()
    server.stop()
    assert server.process.returncode is not None
    server.stop()


def test_a_port_that_is_taken_is_told_in_the_servers_own_words(begin):
    port = free_port()
    begin(port=port)
    with pytest.raises(NoServer, match=r"(?i)in use|bind"):
        begin(port=port)


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from worker.process import embedded_redis\n"
        "server = embedded_redis.start(Path(sys.argv[1])); print(server.process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "redis")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as starter:
        pid = int(starter.stdout.readline())
        starter.kill()
    until(lambda: has_ended(pid))


def has_ended(pid):
    """Is the process gone, or waited for by nobody?"""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True

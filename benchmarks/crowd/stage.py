"""Run Legwork's processes in a separate folder: Redis, a mock Exotel, a web and two workers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
import requests

from worker.process import embedded_redis

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent
SETTLE_SECONDS = 0.5
WORKERS = 2


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait until `condition()` is true, and return its result."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise RuntimeError(f"waited {seconds} s for {what}")


class Stage:
    """`quotas` maps each account to its number of requests and the window in seconds."""

    def __init__(self, folder: Path, quotas: dict[str, tuple[int, int]]) -> None:
        self.folder = folder
        self._stack = ExitStack()
        store = embedded_redis.start(folder / "redis")
        self._stack.callback(store.stop)
        self.redis = redis.Redis.from_url(store.url)
        port = embedded_redis.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environ = {
            **{name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "TMPDIR"}},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PORT": str(port),
            "REDIS_URL": store.url,
            "SETTLE_SECONDS": str(SETTLE_SECONDS),
            "CONFIRM_SECONDS": "0",
            "SUSPENSION_PROBE_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
            "SANDBOX_ACCOUNTS": " ".join(f"{account}:key-of-{account}:token-of-{account}" for account in quotas),
        }
        # The sandbox has one quota for all accounts. Each account's quota is checked from the arrivals.
        self._start("sandbox", sys.executable, "-m", "sandbox", "--port", "0", "--quota", "1000000")
        found = wait_until(lambda: re.search(r"listening on (\S+)", self._log("sandbox")), "the sandbox")
        self.exotel = found[1]
        (folder / "legwork.toml").write_text(_document(quotas, self.exotel))
        self._start("web", "legwork", "web")
        for number in range(WORKERS):
            self._start(f"worker-{number}", "legwork", "worker")
        wait_until(self._is_ready, f"web and workers: {self._log('web')}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if kind is not None:
            for log in sorted(self.folder.glob("*.log")):
                print(f"{log.name}:", *log.read_text(errors="replace").splitlines()[-10:], sep="\n  ", file=sys.stderr)

    def callback_path(self, account: str) -> str:
        return f"/callbacks/callback-token-of-{account}/status"

    def place(self, account: str, count: int) -> list[str]:
        """Place ended calls without callbacks, which the benchmark posts itself; return their SIDs."""
        order = {"scenario": "answered", "account": account, "count": count, "ended_ago": 5, "callbacks": False}
        return requests.post(f"{self.exotel}/calls", json=order, timeout=60).json()["call_sids"]

    def refuse(self, account: str) -> None:
        """Make Exotel refuse an account's credentials, so that it is suspended until they are accepted again.

        Not by 429s: after those an account is throttled for ten minutes (decision 8), which would affect the result.
        """
        order = {"fault": "revoked", "status": 401, "account": account}
        requests.post(f"{self.exotel}/faults", json=order, timeout=5).raise_for_status()

    def accept(self) -> None:
        """Make Exotel accept all accounts again."""
        requests.delete(f"{self.exotel}/faults", timeout=5).raise_for_status()

    def status(self) -> dict[str, Any]:
        """Return the output of `legwork status --json`. Raises ValueError if it printed none."""
        command = [BIN / "legwork", "status", "--json"]
        # It exits with 1 for problems, of which these benchmarks make some.
        output = subprocess.run(
            command, env=self.environ, cwd=self.folder, capture_output=True, check=False, timeout=60
        )
        return json.loads(output.stdout)

    def memory(self) -> int:
        """Return the bytes of memory that Redis uses."""
        return self.redis.info("memory")["used_memory"]

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)

        def stop() -> None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

        self._stack.callback(stop)

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _is_ready(self) -> bool:
        try:
            parts = requests.get(f"{self.url}/readyz", timeout=5).json()["parts"]
        except requests.RequestException:
            return False
        return parts["workers"].get("running") == WORKERS


def _document(quotas: dict[str, tuple[int, int]], exotel: str) -> str:
    accounts = [
        f'[[accounts]]\nsid = "{account}"\napi_key = "key-of-{account}"\napi_token = "token-of-{account}"\n'
        f'callback_token = "callback-token-of-{account}"\nbase_url = "{exotel}"\n'
        f"quota = {quota}\nquota_seconds = {seconds}\n"
        for account, (quota, seconds) in quotas.items()
    ]
    return "\n".join([*accounts, '[[sinks]]\nname = "records"\nurl = "file:records.jsonl"\n'])

"""Run a Redis, a ledger, and a worker as `legwork worker` starts it; new for each measurement."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from delivering.records import ACCOUNT
from schemas.settings import load_settings
from worker.connections import connect
from worker.ledger import Ledger
from worker.process import embedded_redis

ROOT = Path(__file__).parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # used only by the benchmark
WORKER = (
    "import os, sys; from schemas.settings import load_settings; from worker.run import run_worker; "
    "sys.exit(run_worker(load_settings(os.environ), threads=int(sys.argv[1])))"
)
START_SECONDS, PATIENCE_SECONDS = 30.0, 180.0


class Stage:
    """`exotel` is the server that returns the legs."""

    def __init__(self, sinks: list[str], *, exotel: str, threads: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        # Durable, as in production: every write is on disk before the reply.
        self._store = embedded_redis.start(folder / "redis")
        self._variables = {
            "REDIS_URL": self._store.url,
            "EXOTEL_ACCOUNT_SID": ACCOUNT,
            "EXOTEL_API_KEY": "key",
            "EXOTEL_API_TOKEN": "token",
            "CALLBACK_TOKEN": "a-token-of-the-benchmark",
            "EXOTEL_BASE_URL": exotel.rstrip("/"),
            # No waits for tokens, and no confirmations.
            "EXOTEL_QUOTA": "100000",
            "CONFIRM_SECONDS": "0",
            "SINKS": " ".join(sinks),
            "SINK_SECRET": SECRET,
            "LOG_LEVEL": "WARNING",
        }
        self.settings = load_settings(self._variables, directory=folder)
        self._client = connect(self.settings)
        self.ledger = Ledger(self._client, self.settings)
        self.ledger.open()
        self._threads, self._log = threads, (folder / "worker.log").open("ab")
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            # Otherwise the shutdown would wait for a thread at a hanging sink.
            self._worker.send_signal(signal.SIGKILL)
            self._worker.wait()
        self._log.close()
        self._client.close()
        self._store.stop()
        self._folder.cleanup()

    def start_worker(self) -> None:
        """Start the worker, and wait until it has registered."""
        self._worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(self._threads)],
            cwd=self._folder.name,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self._variables},
            stdin=subprocess.DEVNULL,
            stderr=self._log,
        )
        wait_until(self.ledger.workers, START_SECONDS)


def wait_until(condition: Any, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until a condition is true, and return its result."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {condition}")
        time.sleep(0.05)
    return found

"""Real processes of Legwork: a worker and a web, started as they are in production, and ended before the test is over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from factories import ACCOUNT, TOKEN

ROOT = Path(__file__).parents[1]
READ_SETTINGS = "import os, sys; from schemas.settings import load_settings; settings = load_settings(os.environ)\n"
WORKER = READ_SETTINGS + "from worker.run import run_worker; sys.exit(run_worker(settings, threads=2))"
WEB = READ_SETTINGS + "from webhook.server import serve; serve(settings)"


# Long enough for a busy machine; whatever takes so long is broken.
PATIENCE_SECONDS = 60.0


def until(condition, seconds=PATIENCE_SECONDS, *, every=0.02):
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(every)
    return found


class Process:
    """A program in Python, with its settings in its environment, and its output in files."""

    def __init__(self, program, folder, **variables):
        usual = {
            "EXOTEL_ACCOUNT_SID": ACCOUNT,
            "EXOTEL_API_KEY": "the-api-key",
            "EXOTEL_API_TOKEN": "the-api-token",
            "CALLBACK_TOKEN": TOKEN,
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "DEBUG",
        }
        given = {name.upper(): str(value) for name, value in variables.items()}
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **usual, **given},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def logged(self, event):
        """The lines of the log about an event."""
        lines = [json.loads(line) for line in self.err.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == event]

    @property
    def runs(self):
        return self._process.poll() is None

    def wait_for(self, event):
        """Wait until the process has logged an event."""
        until(lambda: self.logged(event) or not self.runs)
        assert self.runs, self.err.read_text()

    def ask_to_stop(self):
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds=PATIENCE_SECONDS):
        return self._process.wait(seconds)

    def stop(self):
        """End it, and whatever it started."""
        if self.runs:
            self.ask_to_stop()
            try:
                self.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

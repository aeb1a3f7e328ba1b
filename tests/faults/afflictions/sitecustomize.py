"""Faults inside a worker with this folder on its PYTHONPATH: a wrong clock, or a call that kills it.

Python imports this before anything else. None of Legwork's code is changed: the clock is the whole process's, and the call
kills the worker when its request is sent by the standard library's HTTP client.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

if hours := float(os.environ.get("FAULTS_CLOCK_HOURS", "0")):
    import datetime as dt

    import time_machine

    there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    time_machine.travel(there, tick=True).start()

if poison := os.environ.get("FAULTS_POISON"):

    def _sip(event: str, arguments: tuple[object, ...]) -> None:
        if event == "http.client.send" and isinstance(arguments[1], bytes):
            head = arguments[1][:300].decode("latin-1")
            if any(f"/Calls/{sid}/Legs" in head for sid in Path(poison).read_text(encoding="ascii").split()):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(_sip)

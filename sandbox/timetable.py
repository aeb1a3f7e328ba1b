"""Places the sandbox's own calls: some at the start, then a number per minute."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.settings import Settings

log = logging.getLogger("sandbox")

# A receiver that starts together with the sandbox should not miss the first Passthru.
RECEIVER_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class Timetable:
    """One thread that places the calls of the settings."""

    def __init__(self, settings: Settings, place: Callable[[], None]) -> None:
        self._settings = settings
        self._place = place
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        if self._settings.calls_at_start or self._settings.calls_per_minute:
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        url = self._settings.status_url or self._settings.passthru_url
        if url and not self._receiver_listens(url):
            log.warning("callbacks.receiver_absent waited_seconds=%g", RECEIVER_WAIT_SECONDS)
        for _ in range(self._settings.calls_at_start):
            self._place()
        if not self._settings.calls_per_minute:
            return
        begin, spacing = time.monotonic(), 60 / self._settings.calls_per_minute
        for turn in itertools.count(1):
            # Scheduled by the clock: a late call does not delay the following ones.
            if self._stopped.wait(begin + turn * spacing - time.monotonic()):
                return
            self._place()

    def _receiver_listens(self, url: str) -> bool:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        deadline = time.monotonic() + RECEIVER_WAIT_SECONDS
        while time.monotonic() < deadline and not self._stopped.is_set():
            try:
                socket.create_connection(address, timeout=1).close()
            except OSError:
                self._stopped.wait(_LOOK_SECONDS)
            else:
                return True
        return False

"""A file that a worker touches as long as it goes round: for whoever has to tell a worker that works from one that hangs."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The dispatcher goes round four times a second; a probe looks every few seconds at most.
BEAT_SECONDS = 5.0


class Heartbeat:
    """Touches `file` every BEAT_SECONDS, however often it is asked to; without a file it does nothing.

    It says that the process goes round, not that Redis or the broker is there: to restart workers because one is away
    helps nobody.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._last = float("-inf")

    def begin(self) -> None:
        """Touch the file at once. Raises OSError where that cannot be done."""
        if self._file is not None:
            self._file.touch()

    def beat(self) -> None:
        """Touch the file if that is due. A disk in trouble is left for the probe to tell of: work goes on."""
        now = time.monotonic()
        if self._file is not None and now - self._last >= BEAT_SECONDS:
            self._last = now
            with suppress(OSError):
                self._file.touch()

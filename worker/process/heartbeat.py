"""Touch a file while the worker's main loop runs, so that a probe can detect a worker that hangs."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# In seconds. The dispatcher loops four times a second; a probe checks every few seconds at most.
BEAT_SECONDS = 5.0


class Heartbeat:
    """Touches `file` every BEAT_SECONDS, however often it is called; without a file it does nothing.

    It shows that the process loops, not that Redis or the broker is reachable: restarting workers because one is down would
    not help.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._last = float("-inf")

    def begin(self) -> None:
        """Touch the file at once. Raises OSError if that fails."""
        if self._file is not None:
            self._file.touch()

    def beat(self) -> None:
        """Touch the file if that is due. Disk errors are ignored, so that work goes on; the probe then reports them."""
        now = time.monotonic()
        if self._file is not None and now - self._last >= BEAT_SECONDS:
            self._last = now
            with suppress(OSError):
                self._file.touch()

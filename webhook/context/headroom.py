"""An eye on the ledger, once a second at most: is it the one we know, and is there still room in it?"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from worker.ledger.capacity import FULL_AT, read_capacity
from worker.ledger.opening import open_aloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.ledger import Ledger

log = structlog.get_logger(__name__)

# How stale the look may be. At a thousand callbacks a second of a kilobyte each, a second is a megabyte.
LOOK_SECONDS = 1.0


class Headroom:
    """Looks at the ledger for the door. Safe to share between threads."""

    def __init__(self, ledger: Ledger, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._is_nearly_full = False

    def is_nearly_full(self) -> bool:
        """Should callbacks be turned away, while there is room enough to finish what was accepted?

        Raises redis.RedisError when the server is out of reach, LedgerUnusable when it will never do.
        """
        with self._lock:
            if self._monotonic() - self._looked < LOOK_SECONDS:
                return self._is_nearly_full
            # Said before looking: while one thread waits for a server that is away, the others find out for themselves.
            self._looked = self._monotonic()
        open_aloud(self._ledger)
        was, self._is_nearly_full = self._is_nearly_full, read_capacity(self._ledger).committed >= FULL_AT
        if self._is_nearly_full and not was:
            log.error("ledger.nearly_full", hint="callbacks are answered with 503 until there is room: raise maxmemory")
        elif was and not self._is_nearly_full:
            log.info("ledger.has_room")
        return self._is_nearly_full

"""Keep the writes that failed while the ledger was unreachable, and make them when it is back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Callable

# Each thread of a worker defers a write or two, and gets no new work before the ledger is back. Beyond this number the
# oldest are dropped, and their leases expire.
MOST_NOTES = 1000


class DeferredWrites:
    """Writes to the ledger, each a callable that raises redis.RedisError while it cannot be made. Thread-safe.

    Every write is fenced: it changes nothing that the ledger has decided meanwhile. If the process dies, its deferred
    writes are lost, and the leases expire.
    """

    def __init__(self) -> None:
        self._notes: deque[Callable[[], object]] = deque(maxlen=MOST_NOTES)

    def add(self, note: Callable[[], object]) -> None:
        """Keep a write for later."""
        self._notes.append(note)

    def settle(self) -> int:
        """Make the writes, oldest first, until one fails, which is then kept as the last. Returns how many were made."""
        made = 0
        while self._notes:
            note = self._notes.popleft()
            try:
                note()
            except redis.RedisError:
                self._notes.append(note)
                break
            made += 1
        return made

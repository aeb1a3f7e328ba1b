"""What could not be noted while the ledger was out of reach; it is noted as soon as the ledger is back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Callable

# Each thread of a worker leaves a note or two, and gets no new work before the ledger is back; should somebody leave more,
# the oldest are dropped, and their leases run their course.
MOST_NOTES = 1000


class DeferredWrites:
    """Notes to the ledger, each a call that raises redis.RedisError where it cannot be made yet. Safe between threads.

    Every note is fenced: what the ledger has decided in the meantime stands. With a process that dies its notes are lost,
    and the leases run their course.
    """

    def __init__(self) -> None:
        self._notes: deque[Callable[[], object]] = deque(maxlen=MOST_NOTES)

    def add(self, note: Callable[[], object]) -> None:
        """Keep a note for later."""
        self._notes.append(note)

    def settle(self) -> int:
        """Make the notes, oldest first, until one fails; it is kept, and comes last then. Returns how many were made."""
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

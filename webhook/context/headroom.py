"""Checks the ledger, at most once a second: is it still ours, and does Redis have memory left?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from worker.ledger.capacity import is_full, read_capacity
from worker.ledger.opening import LOOK_SECONDS, Lookout

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.ledger import Ledger

__all__ = ["LOOK_SECONDS", "Headroom"]

log = structlog.get_logger(__name__)


class Headroom:
    """Checks the ledger for the views. Safe to share between threads."""

    def __init__(self, ledger: Ledger, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        #: Sees also how full the ledger is, whoever has it look.
        self.lookout = Lookout(ledger, also=self._look_at_capacity, monotonic=monotonic)
        self._is_nearly_full = False

    def is_nearly_full(self) -> bool:
        """Must callbacks be refused, so that enough memory is left to finish the accepted calls?

        Raises redis.RedisError when the server is unreachable, LedgerUnusable while its data is not a ledger of this version.
        """
        self.lookout.see()
        return self._is_nearly_full

    def _look_at_capacity(self) -> None:
        was, self._is_nearly_full = self._is_nearly_full, is_full(read_capacity(self._ledger))
        if self._is_nearly_full and not was:
            log.error(
                "ledger.nearly_full", hint="callbacks are answered with 503 until memory is free: raise maxmemory"
            )
        elif was and not self._is_nearly_full:
            log.info("ledger.has_room")

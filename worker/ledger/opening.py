"""Open the ledger and check it repeatedly: Redis may lose its data, or another Legwork's may take its place."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from worker.errors import LedgerUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.ledger import Ledger

log = structlog.get_logger(__name__)

# Seconds for which a check is valid. A thousand callbacks a second of a kilobyte each store a megabyte in that time.
LOOK_SECONDS = 1.0


def open_aloud(ledger: Ledger) -> None:
    """Open the ledger, and log a warning if it is not the one that was there before.

    Raises redis.RedisError if it is unreachable, LedgerUnusable if this Redis cannot hold it.
    """
    if not ledger.open():
        return
    created_at_ms = ledger.created_at_ms()
    since = None if created_at_ms is None else datetime.fromtimestamp(created_at_ms / 1000, UTC).isoformat()
    log.warning("ledger.new", since=since, hint="nothing was stored in this Redis before: did it lose its data?")


class Lookout:
    """Ensures that the ledger has been checked within the last second. Safe to share between threads.

    Only a successful check counts: after a failed one the next caller checks again, so that nothing is written to a ledger
    before it is known to be usable. There is one check at a time; other callers wait for its result.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        also: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check `ledger`; `also` is called with each check, and `see` raises what it raises."""
        self._ledger, self._also, self._monotonic = ledger, also, monotonic
        self._lock = threading.Lock()
        self._seen_at = float("-inf")
        self._look: Future[None] | None = None
        self._is_unusable = False

    def see(self) -> None:
        """Return if the ledger is usable.

        Raises redis.RedisError if it is unreachable, LedgerUnusable while its data cannot be used.
        """
        with self._lock:
            began = self._monotonic()
            if began - self._seen_at < LOOK_SECONDS:
                return
            look, is_mine = self._look, self._look is None
            if look is None:
                look = self._look = Future()
        if is_mine:
            self._look_now(look, began)
        look.result()

    def _look_now(self, look: Future[None], began: float) -> None:
        error: BaseException | None = None
        try:
            open_aloud(self._ledger)
            self._also()
        except BaseException as found:  # noqa: BLE001  `result` raises it, here and in all waiting callers
            error = found
        self._tell(error)
        with self._lock:
            self._look = None
            if error is None:
                self._seen_at = began
        if error is None:
            look.set_result(None)
        else:
            look.set_exception(error)

    def _tell(self, error: BaseException | None) -> None:
        if isinstance(error, LedgerUnusable):
            if not self._is_unusable:
                log.error("ledger.unusable", error=str(error), hint="nothing is written until it is usable again")
            self._is_unusable = True
        elif error is None and self._is_unusable:
            log.info("ledger.usable_again")
            self._is_unusable = False

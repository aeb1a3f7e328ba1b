"""Opens the ledger, again and again: it may lose its data, or become another Legwork's, under a running process."""

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

# How stale a look may be. At a thousand callbacks a second of a kilobyte each, a second is a megabyte.
LOOK_SECONDS = 1.0


def open_aloud(ledger: Ledger) -> None:
    """Open the ledger, and say so in the log when it is not the one that was there before.

    Raises redis.RedisError when it is out of reach, LedgerUnusable where it will never do.
    """
    if not ledger.open():
        return
    created_at_ms = ledger.created_at_ms()
    since = None if created_at_ms is None else datetime.fromtimestamp(created_at_ms / 1000, UTC).isoformat()
    log.warning("ledger.new", since=since, hint="nothing was stored in this Redis before: did it lose its data?")


class Lookout:
    """Sees to it that the ledger has been looked at within the last second. Safe to share between threads.

    Only a look that succeeded counts: after one that failed whoever comes next looks again, so that nothing is done in a
    ledger before it is known to be ours. There is one look at a time; who comes meanwhile waits for what it finds.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        also: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look at `ledger`; `also` is looked at with it, and raises what `see` is to raise."""
        self._ledger, self._also, self._monotonic = ledger, also, monotonic
        self._lock = threading.Lock()
        self._seen_at = float("-inf")
        self._look: Future[None] | None = None
        self._is_unusable = False

    def see(self) -> None:
        """Return if the ledger can be worked with.

        Raises redis.RedisError when it is out of reach, LedgerUnusable while what lies there is not ours.
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
        except BaseException as found:  # noqa: BLE001  it is raised by `result`, here and to all who wait
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
                log.error("ledger.unusable", error=str(error), hint="nothing is done in it until it is ours again")
            self._is_unusable = True
        elif error is None and self._is_unusable:
            log.info("ledger.usable_again")
            self._is_unusable = False

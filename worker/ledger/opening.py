"""Opens the ledger, and says so in the log when it is not the one that was there before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from worker.ledger import Ledger

log = structlog.get_logger(__name__)


def open_aloud(ledger: Ledger) -> None:
    """Open the ledger; to be done again and again, for a Redis may lose its data at any time.

    Raises redis.RedisError when it is out of reach, LedgerUnusable where it will never do.
    """
    if not ledger.open():
        return
    created_at_ms = ledger.created_at_ms()
    since = None if created_at_ms is None else datetime.fromtimestamp(created_at_ms / 1000, UTC).isoformat()
    log.warning("ledger.new", since=since, hint="nothing was stored in this Redis before: did it lose its data?")

"""The state of the whole system at one moment: accounts, sinks, workers, memory in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

    from schemas.settings import Account
    from worker.ledger.capacity import Capacity
    from worker.ledger.queries.totals import AccountTotals, SinkTotals

COUNTS = ("received", "waiting", "fetching", "settled", "dead")


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the whole system."""

    accounts: list[tuple[Account, AccountTotals]]
    sinks: list[SinkTotals]
    workers: dict[str, int]
    capacity: Capacity | None
    #: Redis's error if it refuses writes.
    unwritable: redis.ResponseError | None
    created_at_ms: int | None
    is_new: bool

    def totals(self) -> dict[str, int]:
        """Return the counts of calls over all accounts."""
        return {name: sum(getattr(totals, name) for _, totals in self.accounts) for name in COUNTS}

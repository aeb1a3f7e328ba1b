"""How all of it stood at one moment: accounts, sinks, workers, the room in Redis."""

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
    """How all of it stands."""

    accounts: list[tuple[Account, AccountTotals]]
    sinks: list[SinkTotals]
    workers: dict[str, int]
    capacity: Capacity | None
    #: What Redis answers to a write that it does not take.
    unwritable: redis.ResponseError | None
    created_at_ms: int | None
    is_new: bool

    def totals(self) -> dict[str, int]:
        """The calls of all accounts."""
        return {name: sum(getattr(totals, name) for _, totals in self.accounts) for name in COUNTS}

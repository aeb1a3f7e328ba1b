"""Measure Redis's memory: what is used, and what the accepted calls will still need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.backlog import Lane
from worker.ledger.server import about_server

if TYPE_CHECKING:
    from worker.ledger import Ledger

# A call that waits takes some 300 bytes; settled and delivered, with its record of three legs, 2,200. Twice that, for
# longer ones and for those with stored incomplete answers.
BYTES_UNTIL_SETTLED = 4096
#: The part of maxmemory from which delivered calls are forgotten early, before callbacks are refused.
SHORT_AT = 0.7
#: The part, including committed memory, from which callbacks are refused. The rest is for connections, and for what is
#: stored before the next check.
FULL_AT = 0.9
_UNSETTLED = (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


class Capacity(NamedTuple):
    """Parts of `maxmemory`, 0 where there is no limit."""

    #: In use now.
    used: float
    #: In use or committed: every accepted call has to be settled, whether or not more are accepted.
    committed: float


def read_capacity(ledger: Ledger) -> Capacity | None:
    """Return the memory in use; None if the server does not answer INFO. Two round trips. Raises redis.RedisError."""
    memory = about_server(ledger.client, "memory")
    limit, in_use = memory.get("maxmemory"), memory.get("used_memory")
    if limit is None or in_use is None:
        return None
    if not limit:
        return Capacity(0.0, 0.0)
    pipeline = ledger.client.pipeline(transaction=False)
    for book in ledger.calls.values():
        for lane in _UNSETTLED:
            pipeline.zcard(book.fetches.due_key(lane))
        pipeline.zcard(book.fetches.leases_key)
    unsettled = sum(pipeline.execute())
    return Capacity(in_use / limit, (in_use + unsettled * BYTES_UNTIL_SETTLED) / limit)


def is_full(capacity: Capacity | None) -> bool:
    """Return whether to refuse callbacks; False if unknown, since Redis itself raises an error once it is full."""
    return capacity is not None and capacity.committed >= FULL_AT


def is_short(capacity: Capacity | None) -> bool:
    """Return whether to forget delivered calls early."""
    return capacity is not None and capacity.used >= SHORT_AT

"""How much room there is in Redis: what is used, and what the calls that were accepted are going to need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.backlog import Lane
from worker.ledger.server import about_server

if TYPE_CHECKING:
    from worker.ledger import Ledger

# A call that waits takes some 300 bytes; settled and delivered, with its record of three legs, 2,200. Twice that, for
# longer ones and for those whose first answers are incomplete and kept.
BYTES_UNTIL_SETTLED = 4096
#: The part of maxmemory from which delivered calls are forgotten early: before callbacks are turned away.
SHORT_AT = 0.7
#: The part, what is sure to come included, from which callbacks are turned away. What is left serves the connections, and
#: what is noted before the next look.
FULL_AT = 0.9
_UNSETTLED = (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


class Capacity(NamedTuple):
    """Parts of `maxmemory`, 0 where there is no limit."""

    #: In use now.
    used: float
    #: In use, or sure to be: every accepted call has to be settled, whether more are accepted or not.
    committed: float


def read_capacity(ledger: Ledger) -> Capacity | None:
    """Look at the server's memory; None where it does not tell (INFO). Two round trips. Raises redis.RedisError."""
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
    """Are callbacks to be turned away? Where nobody can tell, Redis itself says so once it is full."""
    return capacity is not None and capacity.committed >= FULL_AT


def is_short(capacity: Capacity | None) -> bool:
    """Are delivered calls to be forgotten early?"""
    return capacity is not None and capacity.used >= SHORT_AT

"""Drop the pending deliveries of a removed sink, so that its calls can be forgotten."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from worker.ledger.backlog import Clock, Lane, server_clock
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.deliveries import DeliveryBook

# Seconds after its removal for which a sink's backlogs are cleared repeatedly. Workers learn of it within seconds.
CLEARED_SECONDS = 600.0
# Seconds that are left to the operator's command, which reports how many it dropped: a worker's share would be missing.
LEFT_TO_THE_COMMAND_SECONDS = 5.0
_AT_ONCE = 200
_SCANNED_AT_ONCE = 5000


def waiting_for(ledger: Ledger, sink: str) -> int:
    """Return the number of a sink's pending deliveries and dead letters; the sink may be gone from the settings."""
    return sum(len(_items(ledger, book, most=None)) for book in ledger.books_of(sink))


def purge(ledger: Ledger, sink: str, *, clock: Clock = server_clock) -> int:
    """Drop a sink's pending deliveries and dead letters; return how many."""
    scripts = Scripts(ledger.client)
    retention_ms = ledger.settings.retention_days * 86_400_000
    dropped = 0
    for book in ledger.books_of(sink):
        while items := _items(ledger, book, most=_AT_ONCE):
            pipeline = ledger.client.pipeline(transaction=False)
            for item in items:
                keys = [
                    *book.backlog.keys,
                    book.key("deliveries", item.partition("/")[0]),
                    book.dead_key,
                    book.key("forget"),
                ]
                scripts.run("backlog/let_go", keys, [item, sink, retention_ms, clock()], pipeline=pipeline)
            dropped += sum(pipeline.execute())
    return dropped


def clear_up(ledger: Ledger) -> None:
    """Drop what was still put on the backlogs of recently removed sinks."""
    for sink, at_ms in ledger.subscribers.removed().items():
        since_seconds = (ledger.now_ms() - at_ms) / 1000
        if since_seconds < LEFT_TO_THE_COMMAND_SECONDS:
            continue
        purge(ledger, sink)
        if since_seconds > CLEARED_SECONDS:
            ledger.subscribers.forget_removed(sink)


def left_behind(ledger: Ledger) -> set[str]:
    """Return the names of sinks with pending deliveries that are no longer in the settings.

    It scans all keys in Redis once, in small steps.
    """
    kinds = "|".join((*(f"due:{lane.name.lower()}" for lane in Lane), "dead"))
    # A sink's name contains no colon, an account's no brace.
    waits = re.compile(rf"lw:\{{([^}}]+)\}}:sink:([^:]+):(?:{kinds})")
    keys = ledger.client.scan_iter(match="lw:{*}:sink:*", count=_SCANNED_AT_ONCE)
    found = {name[2] for key in keys if (name := waits.fullmatch(key.decode())) and name[1] in ledger.calls}
    return found - ledger.sinks.keys() - ledger.register.unusable.keys()


def _items(ledger: Ledger, book: DeliveryBook, *, most: int | None) -> list[str]:
    last = -1 if most is None else most - 1
    keys = [*(book.backlog.due_key(lane) for lane in Lane), book.backlog.leases_key, book.dead_key]
    pipeline = ledger.client.pipeline(transaction=False)
    for key in keys:
        pipeline.zrange(key, 0, last)
    return [item.decode() for page in pipeline.execute() for item in page]

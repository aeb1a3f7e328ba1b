"""What was given up on last: the ends of the lists of the dead, however long those are."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from worker.ledger.mending import dead_call, dead_delivery

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.mending import DeadLetter


def given_up_lately(ledger: Ledger, *, limit: int, sink: str | None = None) -> list[DeadLetter]:
    """Return the last letters, the newest first; those of a sink alone, if it is named. Two round trips."""
    calls = list(ledger.calls.values()) if sink is None else []
    deliveries = [book for book in ledger.deliveries.values() if sink in {None, book.sink}]
    pipeline = ledger.client.pipeline(transaction=False)
    for key in [*(book.key("dead") for book in calls), *(book.dead_key for book in deliveries)]:
        pipeline.zrange(key, 0, limit - 1, desc=True, withscores=True)
    answers = pipeline.execute()
    of_calls = [(book, *row) for book, rows in zip(calls, answers, strict=False) for row in rows]
    of_sinks = [(book, *row) for book, rows in zip(deliveries, answers[len(calls) :], strict=True) for row in rows]
    pipeline = ledger.client.pipeline(transaction=False)
    for call_book, member, _ in of_calls:
        pipeline.lindex(call_book.key("call", member.decode()), 0)
    for book, member, _ in of_sinks:
        call_sid, _, event_key = member.decode().partition("/")
        pipeline.hget(book.key("deliveries", call_sid), f"{book.sink}/{event_key}")
    details = pipeline.execute() if of_calls or of_sinks else []
    letters = [
        dead_call(book, member.decode(), died, state)
        for (book, member, died), state in zip(of_calls, details, strict=False)
        if state is not None  # else it was dropped and forgotten since
    ]
    letters += [
        dead_delivery(book, member.decode(), died, stored)
        for (book, member, died), stored in zip(of_sinks, details[len(of_calls) :], strict=True)
        if stored is not None
    ]
    return nlargest(limit, letters, key=lambda letter: letter.at_ms)

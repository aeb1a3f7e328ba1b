"""List failed calls and dead letters, both as `DeadLetter`."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.ledger.call import CallState
from worker.ledger.queries.lookup import book_that_knows
from worker.ledger.queries.pages import in_pages, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook
    from worker.ledger.deliveries import DeliveryBook


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A call that failed at `at_ms` (of Redis's clock); or, if there is a `sink`, a delivery that became a dead letter."""

    account_sid: str
    call_sid: str
    at_ms: float
    reason: str
    sink: str | None = None
    #: For a delivery: the record as `<revision>/<kind>`, and the stored delivery with its last attempts.
    event_key: str = ""
    delivery: dict[str, Any] = field(default_factory=dict)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Return the last attempts of a delivery."""
        attempts: list[dict[str, Any]] = self.delivery.get("attempts", [])
        return attempts

    @property
    def last_answer(self) -> dict[str, Any] | None:
        """Return the sink's last answer (`status`, `body`, `at`), or None if it is unknown."""
        return self.delivery.get("last_answer")


def dead_letters(ledger: Ledger, *, account_sid: str | None = None, sink: str | None = None) -> Iterator[DeadLetter]:
    """Yield all failed calls and dead letters, or those of an account, or those of a sink; the oldest first."""
    lists: list[tuple[str, Iterator[DeadLetter]]] = [
        (book.key("dead"), _dead_calls(ledger, book))
        for book in ledger.calls.values()
        if sink is None and account_sid in {None, book.account.sid}
    ]
    lists += [
        (book.dead_key, _dead_deliveries(ledger, book))
        for book in ledger.deliveries.values()
        if sink in {None, book.sink} and account_sid in {None, book.account_sid}
    ]
    # Most lists are empty, and each would cost two commands.
    pipeline = ledger.client.pipeline(transaction=False)
    for key, _ in lists:
        pipeline.exists(key)
    there = pipeline.execute() if lists else []
    walks = [letters for (_, letters), exists in zip(lists, there, strict=True) if exists]
    return heapq.merge(*walks, key=lambda letter: letter.at_ms)


def dead_letters_of(ledger: Ledger, call_sid: str) -> list[DeadLetter] | None:
    """Return the failures of a call, or of an operator record, the call itself first; None if it is unknown."""
    book = book_that_knows(ledger, call_sid) or book_that_knows(ledger, call_sid, by="deliveries")
    if book is None:
        return None
    pipeline = ledger.client.pipeline(transaction=False)
    pipeline.lindex(book.key("call", call_sid), 0)
    pipeline.zscore(book.key("dead"), call_sid)
    pipeline.hgetall(book.key("deliveries", call_sid))
    state, died, deliveries = pipeline.execute()
    letters = [] if state is None or died is None else [dead_call(book, call_sid, died, state)]
    for name in sorted(raw.decode() for raw in deliveries):
        sink, _, event_key = name.partition("/")
        to_sink, item = ledger.deliveries.get((book.account.sid, sink)), f"{call_sid}/{event_key}"
        if to_sink is not None and (died := ledger.client.zscore(to_sink.dead_key, item)) is not None:
            letters.append(dead_delivery(to_sink, item, died, deliveries[name.encode()]))
    return letters


def _dead_calls(ledger: Ledger, book: CallBook) -> Iterator[DeadLetter]:
    for page in in_pages(walk(ledger.client, book.key("dead"))):
        pipeline = ledger.client.pipeline(transaction=False)
        for member, _ in page:
            pipeline.lindex(book.key("call", member.decode()), 0)
        for (member, died), state in zip(page, pipeline.execute(), strict=True):
            if state is not None:  # else it was dropped and forgotten since
                yield dead_call(book, member.decode(), died, state)


def _dead_deliveries(ledger: Ledger, book: DeliveryBook) -> Iterator[DeadLetter]:
    for page in in_pages(walk(ledger.client, book.dead_key)):
        pipeline = ledger.client.pipeline(transaction=False)
        for member, _ in page:
            call_sid, _, event_key = member.decode().partition("/")
            pipeline.hget(book.key("deliveries", call_sid), f"{book.sink}/{event_key}")
        for (member, died), delivery in zip(page, pipeline.execute(), strict=True):
            if delivery is not None:
                yield dead_delivery(book, member.decode(), died, delivery)


def dead_call(book: CallBook, call_sid: str, died: float, state: bytes) -> DeadLetter:
    """Return the `DeadLetter` of a failed call, made from its stored state."""
    return DeadLetter(book.account.sid, call_sid, died, CallState.parse(state).reason or "no reason stored")


def dead_delivery(book: DeliveryBook, item: str, died: float, stored: bytes) -> DeadLetter:
    """Return the `DeadLetter` of a delivery, made from its stored JSON."""
    call_sid, _, event_key = item.partition("/")
    delivery = json.loads(stored)
    attempts = delivery.get("attempts", [])
    reason = attempts[-1]["answer"] if attempts else "no reason stored"
    return DeadLetter(book.account_sid, call_sid, died, reason, book.sink, event_key, delivery)

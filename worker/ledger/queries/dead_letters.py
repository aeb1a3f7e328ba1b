"""What was given up on: the fetches of calls, and deliveries, as letters."""

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
    """Something given up on at `at_ms` (of Redis's clock): the fetch of a call, or where there is a `sink`, a delivery."""

    account_sid: str
    call_sid: str
    at_ms: float
    reason: str
    sink: str | None = None
    #: Of a delivery: the record as `<revision>/<kind>`, and what the ledger has noted, its last attempts for instance.
    event_key: str = ""
    delivery: dict[str, Any] = field(default_factory=dict)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The last attempts of a delivery."""
        attempts: list[dict[str, Any]] = self.delivery.get("attempts", [])
        return attempts

    @property
    def last_answer(self) -> dict[str, Any] | None:
        """What the sink said when it did not take the record (`status`, `body`, `at`), if it is known."""
        return self.delivery.get("last_answer")


def dead_letters(ledger: Ledger, *, account_sid: str | None = None, sink: str | None = None) -> Iterator[DeadLetter]:
    """Yield all that was given up on, or that of an account, or the deliveries to a sink; the oldest first."""
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
    # Nearly all of them are empty, and each would be asked for its end and its first page.
    pipeline = ledger.client.pipeline(transaction=False)
    for key, _ in lists:
        pipeline.exists(key)
    there = pipeline.execute() if lists else []
    walks = [letters for (_, letters), exists in zip(lists, there, strict=True) if exists]
    return heapq.merge(*walks, key=lambda letter: letter.at_ms)


def dead_letters_of(ledger: Ledger, call_sid: str) -> list[DeadLetter] | None:
    """Return what of a call, or of an operator record, was given up on, the call first; None if no account knows it."""
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
    """Return the letter of a call that was given up on, out of what the ledger holds of it."""
    return DeadLetter(book.account.sid, call_sid, died, CallState.parse(state).reason or "no reason noted")


def dead_delivery(book: DeliveryBook, item: str, died: float, stored: bytes) -> DeadLetter:
    """Return the letter of a delivery that was given up on, out of what the ledger holds of it."""
    call_sid, _, event_key = item.partition("/")
    delivery = json.loads(stored)
    attempts = delivery.get("attempts", [])
    reason = attempts[-1]["answer"] if attempts else "no reason noted"
    return DeadLetter(book.account_sid, call_sid, died, reason, book.sink, event_key, delivery)

"""List the deliveries that wait for a sink, in the order in which they are due. Reads only."""

from __future__ import annotations

import heapq
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.ledger.backlog import Lane

if TYPE_CHECKING:
    from collections.abc import Collection

    from worker.ledger import Ledger
    from worker.ledger.deliveries import DeliveryBook

#: The lane of deliveries that have failed, and all lanes in which deliveries wait.
FAILED_LANES, ALL_LANES = (Lane.RETRY,), (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


class WaitingDelivery(NamedTuple):
    """A delivery that waits: when it is due, in milliseconds of Redis's clock, and its attempts so far."""

    due_ms: float
    account_sid: str
    call_sid: str
    event_key: str
    attempts: list[dict[str, Any]]


def waiting_deliveries(
    ledger: Ledger, sink: str, *, lanes: Collection[Lane] = ALL_LANES, start: int = 0, limit: int
) -> list[WaitingDelivery]:
    """Return up to `limit` deliveries to a sink from the `start`-th on, those due first. Two round trips.

    Deliveries under way are left out. What comes and goes meanwhile may shift a later page.
    """
    books = {book.account_sid: book for (_, name), book in ledger.deliveries.items() if name == sink}
    lists = [(sid, book.backlog.due_key(lane)) for sid, book in books.items() for lane in lanes]
    pipeline = ledger.client.pipeline(transaction=False)
    for _, key in lists:
        pipeline.zrange(key, 0, start + limit - 1, withscores=True)
    answers = pipeline.execute() if lists else []
    rows = heapq.merge(
        *([(due, sid, raw.decode()) for raw, due in found] for (sid, _), found in zip(lists, answers, strict=True))
    )
    page = list(islice(rows, start, start + limit))
    for _, sid, item in page:
        _read_on(pipeline, books[sid], item)
    stored = pipeline.execute() if page else []
    return [_delivery(*row, delivery) for row, delivery in zip(page, stored, strict=True)]


def _read_on(pipeline: Any, book: DeliveryBook, item: str) -> None:
    call_sid, _, event_key = item.partition("/")
    pipeline.hget(book.key("deliveries", call_sid), f"{book.sink}/{event_key}")


def _delivery(due_ms: float, account_sid: str, item: str, stored: bytes | None) -> WaitingDelivery:
    call_sid, _, event_key = item.partition("/")
    return WaitingDelivery(due_ms, account_sid, call_sid, event_key, json.loads(stored or b"{}").get("attempts", []))

"""List recent failures and dead letters, the latest first, from the ends of lists of any length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.backlog import Lane
from worker.ledger.queries.dead_letters import dead_call, dead_delivery
from worker.ledger.queries.tails import latest_members

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.queries.dead_letters import DeadLetter


# Per account.
_LOOKED_AT = 50


class DeadLetterCursor(NamedTuple):
    """The end of a page: its last letter, and when that failed. The next page begins after it."""

    at_ms: float
    #: The CallSid; for a delivery, `<CallSid>/<revision>/<kind>`.
    item: str
    #: '' for a failed call.
    sink: str


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """A page of letters, the latest first; `next` is None on the last page."""

    letters: list[DeadLetter]
    next: DeadLetterCursor | None


class _List(NamedTuple):
    account_sid: str
    sink: str
    key: str


class _Row(NamedTuple):
    cursor: DeadLetterCursor
    account_sid: str


class Failure(NamedTuple):
    """A delivery that failed and will be retried: its last attempt, and when the next one is due."""

    failed_ms: float
    account_sid: str
    call_sid: str
    event_key: str
    attempts: int
    answer: str
    due_ms: float
    #: How long the attempt took, if it is known, and the start of the answer's body.
    seconds: float | None
    body: str


def recent_failures(ledger: Ledger, sink: str, *, limit: int) -> list[Failure]:
    """Return deliveries to a sink that will be retried, the latest failures first. Two round trips.

    They are searched among the deliveries that are due first.
    """
    books = [book for (_, name), book in ledger.deliveries.items() if name == sink]
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        pipeline.zrange(book.backlog.due_key(Lane.RETRY), 0, _LOOKED_AT - 1, withscores=True)
    answers = pipeline.execute() if books else []
    waiting = [(book, raw.decode(), due) for book, rows in zip(books, answers, strict=True) for raw, due in rows]
    for book, item, _ in waiting:
        call_sid, _, event_key = item.partition("/")
        pipeline.hget(book.key("deliveries", call_sid), f"{sink}/{event_key}")
    failures = []
    for (book, item, due), stored in zip(waiting, pipeline.execute() if waiting else (), strict=True):
        attempts = json.loads(stored or b"{}").get("attempts")
        if attempts:
            call_sid, _, event_key = item.partition("/")
            last = attempts[-1]
            failures.append(
                Failure(
                    failed_ms=last["at"],
                    account_sid=book.account_sid,
                    call_sid=call_sid,
                    event_key=event_key,
                    attempts=len(attempts),
                    answer=last["answer"],
                    due_ms=due,
                    seconds=last.get("seconds"),
                    body=last.get("body", ""),
                )
            )
    return nlargest(limit, failures)


def recent_dead_letters(ledger: Ledger, *, limit: int, sink: str | None = None) -> list[DeadLetter]:
    """Return the latest letters, the newest first; only those of `sink`, if it is given. Two round trips."""
    return page_of_dead_letters(ledger, limit=limit, sink=sink).letters


def page_of_dead_letters(
    ledger: Ledger,
    *,
    limit: int,
    account_sid: str | None = None,
    sink: str | None = None,
    after: DeadLetterCursor | None = None,
) -> DeadLetterPage:
    """Return up to `limit` letters after a cursor, the latest first; fewer if some were forgotten meanwhile."""
    lists = [_List(sid, "", book.key("dead")) for sid, book in ledger.calls.items() if sink is None]
    lists += [
        _List(sid, name, book.dead_key) for (sid, name), book in ledger.deliveries.items() if sink in {None, name}
    ]
    wanted = [each for each in lists if account_sid in {None, each.account_sid}]
    found = nlargest(limit + 1, _rows(ledger, wanted, after, limit + 1))
    page = found[:limit]
    return DeadLetterPage(_letters(ledger, page), page[-1].cursor if len(found) > limit else None)


def _rows(ledger: Ledger, lists: list[_List], after: DeadLetterCursor | None, limit: int) -> list[_Row]:
    def cursor(at: int, member: tuple[bytes, float]) -> DeadLetterCursor:
        return DeadLetterCursor(member[1], member[0].decode(), lists[at].sink)

    found = latest_members(
        ledger.client,
        [each.key for each in lists],
        limit=limit,
        highest="+inf" if after is None else after.at_ms,
        wanted=None if after is None else lambda at, member: cursor(at, member) < after,
    )
    return [_Row(cursor(at, member), lists[at].account_sid) for at, members in enumerate(found) for member in members]


def _letters(ledger: Ledger, page: list[_Row]) -> list[DeadLetter]:
    pipeline = ledger.client.pipeline(transaction=False)
    for (_, item, sink), account_sid in page:
        book, (call_sid, _, event_key) = ledger.calls[account_sid], item.partition("/")
        if sink:
            pipeline.hget(book.key("deliveries", call_sid), f"{sink}/{event_key}")
        else:
            pipeline.lindex(book.key("call", item), 0)
    return [
        dead_delivery(ledger.book(account_sid, sink), item, died, stored)
        if sink
        else dead_call(ledger.calls[account_sid], item, died, stored)
        for ((died, item, sink), account_sid), stored in zip(page, pipeline.execute() if page else (), strict=True)
        if stored is not None  # else it was dropped and forgotten since
    ]

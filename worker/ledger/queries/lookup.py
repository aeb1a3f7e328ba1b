"""Find calls: those in a state, and one call's whole history. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.ledger.backlog import Lane
from worker.ledger.call import CallState
from worker.ledger.codec import unpack_callback, unpack_event
from worker.ledger.index import began_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.callback import Callback
    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook

#: The states of a call. One that an operator has dropped is in no list of work.
STATES = ("waiting", "fetching", "settled", "dead", "dropped")
# How many members of an index one step of a search examines: some milliseconds of Redis's time.
_STEP = 10_000
#: The lanes of calls to be fetched; calls in the other lane are settled.
WAITING_LANES = (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call's state (one of STATES), the time at which that is due or was reached, and details."""

    account_sid: str
    call_sid: str
    state: str
    at_ms: float
    since_ms: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CallHistory:
    """All data of a call in the ledger."""

    summary: CallSummary
    details: CallState
    callbacks: tuple[Callback, ...]
    steps: tuple[dict[str, Any], ...]
    events: dict[str, dict[str, Any]]
    deliveries: dict[str, dict[str, Any]]
    #: When the confirming read of a settled call is due (or was, while it is under way), at lowest priority; None if it is not.
    confirm_at_ms: float | None


def index_keys(book: CallBook, state: str) -> list[str]:
    """Return the keys of the sorted sets that hold the calls in one of STATES; none for dropped ones."""
    if state == "waiting":
        return [book.fetches.due_key(lane) for lane in WAITING_LANES]
    if state == "fetching":
        return [book.fetches.leases_key]
    return [book.key(state)] if state in {"settled", "dead"} else []


def in_order(events: Iterable[bytes]) -> list[str]:
    """Return the keys of a call's records, `<revision>/<kind>`, the oldest first; other keys are left out.

    A call that failed and succeeded later has two records of the same revision.
    """
    keys = [key.decode() for key in events if key != b"partial"]
    return sorted(keys, key=lambda key: (int(key.partition("/")[0]), not key.endswith("/unavailable")))


def book_that_knows(ledger: Ledger, call_sid: str, *, by: str = "call") -> CallBook | None:
    """Return the book of the account that has a call (a CallSid belongs to one account), or None. One round trip.

    `by` is the key to look for: an operator record, whose name is used in place of a CallSid, has only `deliveries`.
    """
    books = list(ledger.calls.values())
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        pipeline.exists(book.key(by, call_sid))
    return next((book for book, known in zip(books, pipeline.execute(), strict=True) if known), None)


def sids_beginning(ledger: Ledger, account_sid: str, prefix: str, *, most: int) -> list[str]:
    """Return the CallSids of an account that begin with a text; some more than `most` if they are more."""
    found: set[str] = set()
    cursor = None
    while cursor != 0 and len(found) <= most:
        cursor, members = ledger.client.zscan(began_key(account_sid), cursor or 0, match=f"{prefix}*", count=_STEP)
        found |= {raw.decode() for raw, _ in members}
    return sorted(found)


def call_history(ledger: Ledger, call_sid: str) -> CallHistory | None:
    """Return all data of a call; None if it is unknown. Two round trips."""
    book = book_that_knows(ledger, call_sid)
    if book is None:
        return None
    pipeline = ledger.client.pipeline(transaction=False)
    book.states_on(pipeline, [call_sid])
    pipeline.lrange(book.key("call", call_sid), 0, -1)
    pipeline.lrange(book.key("story", call_sid), 0, -1)
    pipeline.hgetall(book.key("events", call_sid))
    pipeline.hgetall(book.key("deliveries", call_sid))
    (_, state, at, confirm_at), stored, steps, events, deliveries = pipeline.execute()
    if not stored:
        return None
    details, history = CallState.parse(stored[0]), tuple(json.loads(step) for step in steps)
    return CallHistory(
        summary=CallSummary(
            account_sid=book.account.sid,
            call_sid=call_sid,
            state=state.decode(),
            # A dropped call is in no list; the last step of its history tells when it was.
            at_ms=float(at or (history[-1]["at"] if history else 0)),
            since_ms=details.since,
            reason=details.reason,
        ),
        details=details,
        callbacks=tuple(unpack_callback(packed, call_sid) for packed in stored[1:]),
        steps=history,
        events={key: unpack_event(events[key.encode()]) for key in in_order(events)},
        deliveries={key.decode(): json.loads(value) for key, value in sorted(deliveries.items()) if key != b"pending"},
        confirm_at_ms=float(confirm_at) if confirm_at else None,
    )

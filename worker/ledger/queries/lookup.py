"""Where calls are: those in a state, and one call's whole story. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.ledger.backlog import Lane
from worker.ledger.call import CallState
from worker.ledger.codec import unpack_callback, unpack_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.callback import Callback
    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook

STATES = ("waiting", "fetching", "settled", "dead")
#: Those of calls that are to be fetched; who is in another one is settled.
WAITING_LANES = (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


@dataclass(frozen=True, slots=True)
class CallSummary:
    """Where a call is: its state, when that is due or was reached, and what is known of it."""

    account_sid: str
    call_sid: str
    state: str
    at_ms: float
    since_ms: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CallHistory:
    """All that the ledger holds of a call."""

    summary: CallSummary
    details: CallState
    callbacks: tuple[Callback, ...]
    steps: tuple[dict[str, Any], ...]
    events: dict[str, dict[str, Any]]
    deliveries: dict[str, dict[str, Any]]
    #: From when on a settled call is read once more, with quota that nobody else wants; None if it is not.
    confirm_at_ms: float | None


def list_calls(ledger: Ledger, sid: str, state: str, *, limit: int, newest_first: bool = True) -> list[CallSummary]:
    """Return up to `limit` calls of an account in one of STATES, by the time of that state (waiting: by when due)."""
    book = ledger.calls[sid]
    found: list[tuple[bytes, float]] = []
    for key in index_keys(book, state):
        found += ledger.client.zrange(key, 0, limit - 1, desc=newest_first, withscores=True)
    found.sort(key=lambda row: row[1], reverse=newest_first)
    found = found[:limit]
    pipeline = ledger.client.pipeline(transaction=False)
    for raw, _ in found:
        pipeline.lindex(book.key("call", raw.decode()), 0)
    details = pipeline.execute() if found else []
    return [summary_of(sid, raw.decode(), state, at, text) for (raw, at), text in zip(found, details, strict=True)]


def index_keys(book: CallBook, state: str) -> list[str]:
    """Return the sorted sets that hold the calls in one of STATES, by its time."""
    if state == "waiting":
        return [book.fetches.due_key(lane) for lane in WAITING_LANES]
    return [book.fetches.leases_key] if state == "fetching" else [book.key(state)]


def summary_of(account_sid: str, call_sid: str, state: str, at: float, text: bytes | None) -> CallSummary:
    """Return where a call is, out of the state that the ledger holds of it."""
    details = CallState.parse(text) if text is not None else None
    return CallSummary(
        account_sid,
        call_sid,
        state,
        at,
        details.since if details else None,
        details.reason if details else None,
    )


def _of_no_list(steps: list[bytes]) -> tuple[str, float]:
    """Tell a call that an operator has dropped from one that was on its way from a list to the next."""
    last = json.loads(steps[-1]) if steps else {}
    return ("dropped", float(last["at"])) if last.get("step") == "drop" else ("fetching", 0.0)


def in_order(events: Iterable[bytes]) -> list[str]:
    """Return the keys of a call's records, `<revision>/<kind>`, the oldest first; what is no record is left out.

    A call that was given up on and came back later has two records of the same revision.
    """
    keys = [key.decode() for key in events if key != b"partial"]
    return sorted(keys, key=lambda key: (int(key.partition("/")[0]), not key.endswith("/unavailable")))


def book_that_knows(ledger: Ledger, call_sid: str, *, by: str = "call") -> CallBook | None:
    """Return the book of the account that knows a call (a CallSid is one account's), or None. One round trip.

    `by` is what is kept of it: an operator record, whose name stands in the place of a CallSid, has `deliveries` alone.
    """
    books = list(ledger.calls.values())
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        pipeline.exists(book.key(by, call_sid))
    return next((book for book, known in zip(books, pipeline.execute(), strict=True) if known), None)


def call_history(ledger: Ledger, call_sid: str) -> CallHistory | None:
    """Return what is known of a call; None if no account knows it. Two round trips."""
    book = book_that_knows(ledger, call_sid)
    if book is None:
        return None
    where = [(state, key) for state in STATES for key in index_keys(book, state)]
    pipeline = ledger.client.pipeline(transaction=False)
    pipeline.lrange(book.key("call", call_sid), 0, -1)
    pipeline.lrange(book.key("story", call_sid), 0, -1)
    pipeline.hgetall(book.key("events", call_sid))
    pipeline.hgetall(book.key("deliveries", call_sid))
    pipeline.zscore(book.fetches.due_key(Lane.CONFIRM), call_sid)
    for _, key in where:
        pipeline.zscore(key, call_sid)
    stored, steps, events, deliveries, confirm_at, *scores = pipeline.execute()
    if not stored:
        return None
    state, at = next(
        ((name, score) for (name, _), score in zip(where, scores, strict=True) if score is not None),
        _of_no_list(steps),
    )
    return CallHistory(
        summary=summary_of(book.account.sid, call_sid, state, at, stored[0]),
        details=CallState.parse(stored[0]),
        callbacks=tuple(unpack_callback(packed, call_sid) for packed in stored[1:]),
        steps=tuple(json.loads(step) for step in steps),
        events={key: unpack_event(events[key.encode()]) for key in in_order(events)},
        deliveries={key.decode(): json.loads(value) for key, value in sorted(deliveries.items()) if key != b"pending"},
        confirm_at_ms=confirm_at,
    )

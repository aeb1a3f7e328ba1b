"""Find calls: those in a state, and one call's whole history. Reads only."""

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
#: The lanes of calls to be fetched; calls in the other lane are settled.
WAITING_LANES = (Lane.LIVE, Lane.RETRY, Lane.RECONCILE)


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call's state, the time at which that is due or was reached, and details."""

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
    #: When a settled call is due for its confirmation, at lowest priority; None if it is not.
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
    """Return the keys of the sorted sets that hold the calls in one of STATES."""
    if state == "waiting":
        return [book.fetches.due_key(lane) for lane in WAITING_LANES]
    return [book.fetches.leases_key] if state == "fetching" else [book.key(state)]


def summary_of(account_sid: str, call_sid: str, state: str, at: float, text: bytes | None) -> CallSummary:
    """Return a call's summary, made from its stored state."""
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
    """Return the state of a call that is in no list: dropped by an operator, or moving between two lists."""
    last = json.loads(steps[-1]) if steps else {}
    return ("dropped", float(last["at"])) if last.get("step") == "drop" else ("fetching", 0.0)


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


def call_history(ledger: Ledger, call_sid: str) -> CallHistory | None:
    """Return all data of a call; None if it is unknown. Two round trips."""
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

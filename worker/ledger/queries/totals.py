"""Count the work of accounts and sinks, for the status and the metrics. Reads only.

Scripts count within Redis: with hundreds of accounts and several sinks each, the number of commands is what costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.ledger.bucket import Gate, Look, read_look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook

# The oldest item of a lane is searched among this many that are due first: fresh calls are due in order of arrival, so it
# is nearly always the first.
_OLDEST_AMONG = 16


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """An account's totals. Durations are in seconds, times in milliseconds of Redis's clock.

    `overdue_seconds` is how long the most overdue call has been due; 0 if none is due yet.
    """

    sid: str
    state: str
    reason: str | None
    received: int
    waiting: int
    fetching: int
    settled: int
    dead: int
    oldest_waiting_seconds: float
    overdue_seconds: float
    #: None while nobody can tell: Exotel refuses the account.
    eta_seconds: float | None
    look: Look
    paused_until_ms: float | None
    refused: int


@dataclass(frozen=True, slots=True)
class SinkTotals:
    """A sink's totals, over all accounts. `overdue_seconds` as for an account, but of deliveries."""

    name: str
    state: str
    reason: str | None
    waiting: int
    delivered: int
    dead: int
    oldest_waiting_seconds: float
    overdue_seconds: float


def totals_of_accounts(ledger: Ledger, sids: Iterable[str]) -> list[AccountTotals]:
    """Return the totals of accounts' calls and buckets, in one round trip. Raises redis.RedisError."""
    books = [ledger.calls[sid] for sid in sids]
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        book.look_on(pipeline, among=_OLDEST_AMONG)
        book.bucket.look_on(pipeline)
    pipeline.time()
    *answers, time = pipeline.execute()
    now = time[0] * 1000 + time[1] / 1000
    return [
        _account(book, calls, read_look(look), now)
        for book, calls, look in zip(books, answers[::2], answers[1::2], strict=True)
    ]


def totals_of_account(ledger: Ledger, sid: str) -> AccountTotals:
    """Return the totals of an account's calls and bucket, in one round trip. Raises redis.RedisError."""
    return totals_of_accounts(ledger, [sid])[0]


def _account(book: CallBook, calls: list[Any], look: Look, now: float) -> AccountTotals:
    waiting, fetching, received, settled, dead, waited, overdue, last_due, suspension, paused_until, refused = calls
    return AccountTotals(
        sid=book.account.sid,
        state=_state(look, book),
        reason=suspension.decode() or None,
        received=received,
        waiting=waiting,
        fetching=fetching,
        settled=settled,
        dead=dead,
        oldest_waiting_seconds=float(waited) / 1000,
        overdue_seconds=float(overdue) / 1000,
        eta_seconds=_eta(book, waiting, look, float(last_due) / 1000),
        look=look,
        paused_until_ms=float(paused_until) if float(paused_until) > now else None,
        refused=refused,
    )


def _state(look: Look, book: CallBook) -> str:
    if look.gate in {Gate.SUSPENDED, Gate.PROBE}:
        return "suspended"
    if look.gate is Gate.PAUSED:
        return "paused"
    return "yielding" if look.limit < book.account.quota else "active"


def _eta(book: CallBook, waiting: int, look: Look, last_due_seconds: float) -> float | None:
    """Return in how many seconds the backlog will be done: limited by quota, and not before its last fresh call is due.

    None while the account is suspended: nobody knows until when.
    """
    if not waiting:
        return 0.0
    if look.gate in {Gate.SUSPENDED, Gate.PROBE}:
        return None
    by_quota = max(0, waiting - look.free) / look.limit * book.account.quota_seconds
    return round(look.gate_seconds + max(by_quota, last_due_seconds, 0.0), 3)


def totals_of_sinks(ledger: Ledger, names: Iterable[str], states: dict[str, dict[str, Any]]) -> list[SinkTotals]:
    """Return the totals of sinks over all accounts, in one round trip; `states` is what `Ledger.sink_states` returned.

    Raises redis.RedisError.
    """
    names = list(names)
    books = [book for (_, sink), book in ledger.deliveries.items() if sink in names]
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        book.look_on(pipeline, among=_OLDEST_AMONG)
    of_sink: dict[str, list[list[Any]]] = {name: [] for name in names}
    for book, answer in zip(books, pipeline.execute() if books else (), strict=True):
        of_sink[book.sink].append(answer)
    return [_sink(name, states.get(name, {}), of_sink[name]) for name in names]


def totals_of_sink(ledger: Ledger, name: str, states: dict[str, dict[str, Any]]) -> SinkTotals:
    """Return a sink's totals over all accounts, as `totals_of_sinks` does."""
    return totals_of_sinks(ledger, [name], states)[0]


def _sink(name: str, state: dict[str, Any], rows: list[list[Any]]) -> SinkTotals:
    return SinkTotals(
        name=name,
        state=state.get("state", "active"),
        reason=state.get("reason"),
        waiting=sum(row[0] for row in rows),
        delivered=sum(row[1] for row in rows),
        dead=sum(row[2] for row in rows),
        oldest_waiting_seconds=max((float(row[3]) for row in rows), default=0.0) / 1000,
        overdue_seconds=max((float(row[4]) for row in rows), default=0.0) / 1000,
    )

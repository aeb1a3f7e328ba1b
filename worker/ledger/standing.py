"""How accounts and sinks stand: the numbers of the status and of the metrics. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.ledger.backlog import Lane
from worker.ledger.bucket import Gate, Look, read_look
from worker.ledger.call import CallState
from worker.ledger.whereabouts import WAITING_LANES

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook
    from worker.ledger.deliveries import DeliveryBook

# The oldest of a lane is looked for among so many that are due first: fresh calls are due in the order in which they
# came, so it is nearly always the very first.
_OLDEST_AMONG = 16


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """How an account stands. Times are in seconds, moments in milliseconds of Redis's clock.

    `overdue_seconds` is for how long the call that is due first has been due; 0 while all wait on purpose.
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
    eta_seconds: float
    look: Look
    paused_until_ms: float | None
    refused: int


@dataclass(frozen=True, slots=True)
class SinkStanding:
    """How a sink stands, over all accounts. `overdue_seconds` as with an account, of its deliveries."""

    name: str
    state: str
    reason: str | None
    waiting: int
    delivered: int
    dead: int
    oldest_waiting_seconds: float
    overdue_seconds: float


def account_standing(ledger: Ledger, sid: str) -> AccountStanding:
    """Count an account's calls and look at its bucket. One round trip, and one more where calls wait."""
    book = ledger.calls[sid]
    client, keys = ledger.client, book.fetches.keys
    pipeline = client.pipeline(transaction=False)
    for lane in WAITING_LANES:
        pipeline.zcard(book.fetches.due_key(lane))
        pipeline.zrange(book.fetches.due_key(lane), 0, _OLDEST_AMONG - 1, withscores=True)
    pipeline.hvals(keys[5])
    pipeline.hgetall(book.key("totals"))
    pipeline.zcard(book.key("dead"))
    pipeline.hgetall(book.bucket.keys[2])
    pipeline.zrange(book.fetches.due_key(Lane.LIVE), -1, -1, withscores=True)
    pipeline.time()
    book.bucket.look_on(pipeline)
    *lanes, fences, totals, dead, gate, last_live, time, look_answer = pipeline.execute()
    now = time[0] * 1000 + time[1] / 1000
    look = read_look(look_answer)
    waiting = sum(lanes[::2])
    first = [row for rows in lanes[1::2] for row in rows]
    # A call that is only being confirmed is settled; its lease is not "fetching".
    fetching = sum(1 for fence in fences if int(fence.split()[1]) != Lane.CONFIRM)
    paused_until = float(gate[b"paused_until"]) if b"paused_until" in gate else 0.0
    return AccountStanding(
        sid=sid,
        state=_state(look, book),
        reason=gate[b"suspension"].decode() if b"suspension" in gate else None,
        received=int(totals.get(b"received", 0)),
        waiting=waiting,
        fetching=fetching,
        settled=int(totals.get(b"settled", 0)),
        dead=dead,
        oldest_waiting_seconds=_oldest(client, book, [raw for raw, _ in first], now),
        overdue_seconds=_overdue([due for _, due in first], now),
        eta_seconds=_eta(book, waiting, look, now, last_live),
        look=look,
        paused_until_ms=paused_until if paused_until > now else None,
        refused=int(gate.get(b"refused", 0)),
    )


def _state(look: Look, book: CallBook) -> str:
    if look.gate in {Gate.SUSPENDED, Gate.PROBE}:
        return "suspended"
    if look.gate is Gate.PAUSED:
        return "paused"
    return "yielding" if look.limit < book.account.quota else "active"


def _oldest(client: Any, book: CallBook, first: list[bytes], now: float) -> float:
    """Return the age in seconds of the call that has waited longest since its first callback."""
    pipeline = client.pipeline(transaction=False)
    for raw in first:
        pipeline.lindex(book.key("call", raw.decode()), 0)
    states = [CallState.parse(text) for text in pipeline.execute() if text is not None] if first else []
    return max((max(0.0, now - state.since) / 1000 for state in states), default=0.0)


def _overdue(dues: list[float], now: float) -> float:
    """Return for how many seconds the first of some items has been due."""
    return max(0.0, now - min(dues, default=now)) / 1000


def _eta(book: CallBook, waiting: int, look: Look, now: float, last_live: list[tuple[bytes, float]]) -> float:
    """Return in how many seconds the backlog will be done: by quota, and not before its last fresh call is due."""
    if not waiting:
        return 0.0
    by_quota = max(0, waiting - look.free) / look.limit * book.account.quota_seconds
    by_due = (last_live[0][1] - now) / 1000 if last_live else 0.0
    return round(look.gate_seconds + max(by_quota, by_due, 0.0), 3)


def sink_standing(ledger: Ledger, name: str, states: dict[str, dict[str, Any]]) -> SinkStanding:
    """Count a sink's deliveries over all accounts; `states` is what `Ledger.sink_states` returned."""
    books = [book for (_, sink), book in ledger.deliveries.items() if sink == name]
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        for lane in Lane:
            pipeline.zcard(book.backlog.due_key(lane))
        pipeline.zcard(book.backlog.leases_key)
        pipeline.hget(book.key("totals"), f"delivered:{name}")
        pipeline.zcard(book.dead_key)
    answers = pipeline.execute()
    rows = [answers[at : at + len(Lane) + 3] for at in range(0, len(answers), len(Lane) + 3)]
    state = states.get(name, {})
    oldest, overdue = _oldest_delivery(ledger, books)
    return SinkStanding(
        name=name,
        state=state.get("state", "active"),
        reason=state.get("reason"),
        waiting=sum(sum(row[: len(Lane) + 1]) for row in rows),
        delivered=sum(int(row[-2] or 0) for row in rows),
        dead=sum(row[-1] for row in rows),
        oldest_waiting_seconds=oldest,
        overdue_seconds=overdue,
    )


def _oldest_delivery(ledger: Ledger, books: list[DeliveryBook]) -> tuple[float, float]:
    """Return for how many seconds a delivery has waited at most, and for how many one has been due.

    The one that has waited longest, since it was due or since its first attempt, is looked for among those due first.
    """
    pipeline = ledger.client.pipeline(transaction=False)
    for book in books:
        for lane in Lane:
            pipeline.zrange(book.backlog.due_key(lane), 0, _OLDEST_AMONG - 1, withscores=True)
    pipeline.time()
    *lanes, time = pipeline.execute()
    found = [(books[at // len(Lane)], raw.decode(), due) for at, lane in enumerate(lanes) for raw, due in lane]
    pipeline = ledger.client.pipeline(transaction=False)
    for book, item, _ in found:
        call_sid, _, event_key = item.partition("/")
        pipeline.hget(book.key("deliveries", call_sid), f"{book.sink}/{event_key}")
    now: float = time[0] * 1000 + time[1] / 1000
    oldest = now
    for (_, _, due), stored in zip(found, pipeline.execute() if found else (), strict=True):
        attempts = json.loads(stored or b"{}").get("attempts")
        oldest = min(oldest, attempts[0]["at"] if attempts else due)
    return max(0.0, now - oldest) / 1000, _overdue([due for _, _, due in found], now)

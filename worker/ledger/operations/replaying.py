"""Redeliver or backfill the records that the ledger still has: count them, or queue them below live traffic."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.record_types import CALL_TYPES
from worker.ledger.backlog import Clock, server_clock
from worker.ledger.codec import unpack_event
from worker.ledger.operations import OPERATOR
from worker.ledger.queries.lookup import book_that_knows
from worker.ledger.queries.pages import in_pages, walk
from worker.ledger.scripts import Scripts
from worker.record.shape import is_wanted, sinks_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import redis

    from worker.ledger import Ledger
    from worker.ledger.deliveries import DeliveryBook
    from worker.ledger.scripts import Argument

# The kind in a record's key is the last word of its type.
_TYPE_OF = {name.rpartition(".")[2]: name for name in CALL_TYPES}
# The states of a delivery in which the call does not wait for it.
_NOT_PENDING = frozenset({"never", "delivered", "dropped"})


class KnownCall(NamedTuple):
    """A call that may have records, and when it was settled or failed (ms of Redis's clock; 0 if it was named)."""

    at_ms: float
    account_sid: str
    call_sid: str


class Fate(StrEnum):
    """The effect of a replay on a record."""

    QUEUED = "queued"
    #: It waited, and is due now.
    SOONER = "sooner"
    WAITING = "waiting"
    DELIVERED = "delivered"
    GONE = "gone"


# The number of records by sink and fate.
Tally = Counter[tuple[str, Fate]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the records that sinks take are to be replayed: to one sink, of one type, what a sink has not got before."""

    sink: str | None = None
    event_type: str | None = None
    only_missing: bool = False
    #: Whether what waits already is due now.
    sooner: bool = False


class _Copy(NamedTuple):
    """A record for a sink, and the delivery's state when it was read."""

    book: DeliveryBook
    call_sid: str
    event_key: str
    stored: bytes

    @property
    def delivery(self) -> dict[str, Any]:
        """Return the delivery as stored in the ledger."""
        noted: dict[str, Any] = json.loads(self.stored or b"{}")
        return noted

    @property
    def state(self) -> str:
        """Return its state: never (not sent to this sink), waiting, delivered, dead or dropped."""
        return str(self.delivery.get("state", "waiting")) if self.stored else "never"


def calls_between(ledger: Ledger, spans: Mapping[str, tuple[float, float]]) -> Iterator[KnownCall]:
    """Yield the calls that settled or failed in each account's span (ms of Redis's clock), the oldest first."""
    walks = [
        _walk_calls(ledger, sid, index, since, until)
        for sid, (since, until) in spans.items()
        for index in ("settled", "dead")
    ]
    return heapq.merge(*walks)


def _walk_calls(ledger: Ledger, account_sid: str, index: str, since: float, until: float) -> Iterator[KnownCall]:
    for member, score in walk(ledger.client, ledger.calls[account_sid].key(index), since=since, until=until):
        yield KnownCall(score, account_sid, member.decode())


def call_named(ledger: Ledger, call_sid: str) -> KnownCall | None:
    """Return the call with that SID; None if it is unknown."""
    book = book_that_knows(ledger, call_sid)
    return None if book is None else KnownCall(0.0, book.account.sid, call_sid)


class Replay:
    """Puts the records of calls on the backlogs of the wanted sinks, again or for the first time.

    It may be interrupted and started again at any time: a waiting delivery is not queued twice. `by` is who wants it, for
    the calls' histories.
    """

    def __init__(self, ledger: Ledger, wanted: Wanted, *, by: str = OPERATOR, clock: Clock = server_clock) -> None:
        self._by = by
        self._ledger = ledger
        self._wanted = wanted
        self._scripts = Scripts(ledger.client)
        self._clock = clock
        self._sinks: dict[tuple[str, str], list[DeliveryBook]] = {}

    def survey(self, calls: Iterable[KnownCall]) -> Tally:
        """Return the counts of what `run` would do; change nothing."""
        counts: Tally = Counter()
        for page in in_pages(calls):
            counts.update((copy.book.sink, self._fate(copy)) for copy in self._copies(page))
        return counts

    def run(self, calls: Iterable[KnownCall]) -> Iterator[tuple[KnownCall, Tally]]:
        """Queue the records; yield after each page its last call, and the actual counts."""
        for page in in_pages(calls):
            counts: Tally = Counter()
            copies = []
            for copy in self._copies(page):
                if self._fate(copy) is Fate.DELIVERED:
                    counts[copy.book.sink, Fate.DELIVERED] += 1
                else:
                    copies.append(copy)
            for some in in_pages(copies):
                pipeline = self._ledger.client.pipeline(transaction=False)
                for copy in some:
                    self._queue_on(pipeline, copy)
                fates = (Fate(raw.decode()) for raw in pipeline.execute())
                counts.update((copy.book.sink, fate) for copy, fate in zip(some, fates, strict=True))
            yield page[-1], counts

    def _copies(self, calls: Iterable[KnownCall]) -> Iterator[_Copy]:
        """Read the records of some calls, and the state of their deliveries."""
        calls = list(calls)
        pipeline = self._ledger.client.pipeline(transaction=False)
        for call in calls:
            of_account = self._ledger.calls[call.account_sid]
            pipeline.hkeys(of_account.key("events", call.call_sid))
            pipeline.hgetall(of_account.key("deliveries", call.call_sid))
        answers = pipeline.execute()
        copies = [
            _Copy(book, call.call_sid, event_key, deliveries.get(f"{book.sink}/{event_key}".encode(), b""))
            for call, records, deliveries in zip(calls, answers[::2], answers[1::2], strict=True)
            for event_key in sorted(raw.decode() for raw in records)
            for book in self._books(call.account_sid, event_key)
        ]
        return self._let_through(copies)

    def _let_through(self, copies: list[_Copy]) -> Iterator[_Copy]:
        """Leave out records that a sink's filter rejects. Records are read only for sinks with a filter."""
        sinks = self._ledger.sinks
        copies = [copy for copy in copies if copy.book.sink in sinks]  # else it was just removed
        filtered = [copy for copy in copies if sinks[copy.book.sink].filter is not None]
        pipeline = self._ledger.client.pipeline(transaction=False)
        for copy in filtered:
            pipeline.hget(copy.book.key("events", copy.call_sid), copy.event_key)
        packed = iter(pipeline.execute() if filtered else ())
        for copy in copies:
            spec = sinks[copy.book.sink]
            # One that is forgotten meanwhile is reported as gone when it is queued.
            event = next(packed) if spec.filter is not None else None
            if event is None or is_wanted(spec, unpack_event(event)):
                yield copy

    def _books(self, account_sid: str, event_key: str) -> list[DeliveryBook]:
        """Return the books of the sinks that should receive a record, by its key."""
        event_type = _TYPE_OF.get(event_key.rpartition("/")[2])
        if event_type is None or self._wanted.event_type not in {None, event_type}:
            return []
        if (account_sid, event_type) not in self._sinks:
            self._sinks[account_sid, event_type] = [
                self._ledger.book(account_sid, sink)
                for sink in sinks_for(self._ledger.sinks.values(), account_sid, event_type)
                if self._wanted.sink in {None, sink}
            ]
        return self._sinks[account_sid, event_type]

    def _fate(self, copy: _Copy) -> Fate:
        match copy.state:
            case "waiting":
                return Fate.WAITING
            case "delivered" if self._wanted.only_missing:
                return Fate.DELIVERED
            case _:
                return Fate.QUEUED

    def _queue_on(self, pipeline: redis.client.Pipeline, copy: _Copy) -> None:
        book = copy.book
        of_call = [book.key(part, copy.call_sid) for part in ("events", "deliveries")]
        args: list[Argument] = [
            f"{copy.call_sid}/{copy.event_key}",
            book.sink,
            copy.stored,
            json.dumps({**copy.delivery, "state": "waiting"}),
            int(copy.state in _NOT_PENDING),
            self._clock(),
            self._by,
            int(self._wanted.sooner),
        ]
        keys = [*book.backlog.keys, *of_call, book.dead_key, book.key("story", copy.call_sid)]
        self._scripts.run("backlog/replay", keys, args, pipeline=pipeline)

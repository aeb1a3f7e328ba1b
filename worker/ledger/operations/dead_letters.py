"""What an operator does about what was given up on: look at it, retry it, drop it."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

import structlog

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.call import CallState
from worker.ledger.queries.lookup import book_that_knows
from worker.ledger.queries.pages import in_pages, walk
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import redis

    from worker.ledger import Ledger
    from worker.ledger.calls import CallBook
    from worker.ledger.deliveries import DeliveryBook
    from worker.ledger.scripts import Argument

    # Queues a script about one dead letter on a pipeline.
    Mend = Callable[[redis.client.Pipeline, "DeadLetter"], None]


log = structlog.get_logger(__name__)

# Dropping what is old is housekeeping: small bites, often.
DROPPED_AT_ONCE = 300


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


@dataclass(slots=True)
class Mended:
    """How many dead letters something was really done to."""

    calls: int = 0
    deliveries: int = 0


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


def drop_old(ledger: Ledger, *, clock: Clock = server_clock) -> Mended:
    """Drop what was given up on more than DEAD_RETENTION_DAYS ago, and say so in the log; nothing where that is not set."""
    days = ledger.settings.dead_retention_days
    if days is None:
        return Mended()
    until_ms = float(clock() or ledger.now_ms()) - days * 86_400_000
    old = takewhile(lambda letter: letter.at_ms <= until_ms, dead_letters(ledger))
    dropped = Mending(ledger, clock=clock).drop(islice(old, DROPPED_AT_ONCE))
    if dropped.calls or dropped.deliveries:
        log.info(
            "dead.dropped", calls=dropped.calls, deliveries=dropped.deliveries, hint="DEAD_RETENTION_DAYS are over"
        )
    return dropped


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


class Mending:
    """Retries and drops dead letters, each in one script, while workers go on.

    A letter is a view of how things stood: where they have changed since, nothing is done, and it is not counted.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock = server_clock) -> None:
        self._ledger = ledger
        self._scripts = Scripts(ledger.client)
        self._clock = clock
        self._retention_ms = ledger.settings.retention_days * 86_400_000

    def retry(self, letters: Iterable[DeadLetter]) -> Mended:
        """Fetch the calls again, deliver the records again; each is due now, and its schedule begins anew."""
        return self._mend(letters, self._retry_call, self._retry_delivery)

    def drop(self, letters: Iterable[DeadLetter]) -> Mended:
        """Let go of them for good; a call is forgotten when nothing of it is owed any more, and its retention is over."""
        return self._mend(letters, self._drop_call, self._drop_delivery)

    def _mend(self, letters: Iterable[DeadLetter], of_call: Mend, of_delivery: Mend) -> Mended:
        mended = Mended()
        for page in in_pages(letters):
            pipeline = self._ledger.client.pipeline(transaction=False)
            for letter in page:
                (of_call if letter.sink is None else of_delivery)(pipeline, letter)
            for letter, done in zip(page, pipeline.execute(), strict=True):
                if letter.sink is None:
                    mended.calls += done
                else:
                    mended.deliveries += done
        return mended

    def _retry_call(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, sid = self._ledger.calls[letter.account_sid], letter.call_sid
        keys = [*book.fetches.keys, book.key("call", sid), book.key("story", sid), book.key("dead")]
        self._scripts.run("backlog/retry_call", keys, [sid, letter.at_ms, self._clock()], pipeline=pipeline)

    def _drop_call(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, sid = self._ledger.calls[letter.account_sid], letter.call_sid
        of_call = [book.key("story", sid), book.key("deliveries", sid)]
        keys = [*book.fetches.keys, *of_call, book.key("dead"), book.key("forget")]
        args: list[Argument] = [sid, letter.at_ms, self._retention_ms, self._clock()]
        self._scripts.run("backlog/drop_call", keys, args, pipeline=pipeline)

    def _retry_delivery(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, item, sink = self._delivery(letter)
        keys = [*book.backlog.keys, book.key("deliveries", letter.call_sid), book.dead_key]
        args: list[Argument] = [item, sink, letter.at_ms, _in_state(letter, "waiting"), self._clock()]
        self._scripts.run("backlog/retry_delivery", keys, args, pipeline=pipeline)

    def _drop_delivery(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, item, sink = self._delivery(letter)
        keys = [*book.backlog.keys, book.key("deliveries", letter.call_sid), book.dead_key, book.key("forget")]
        args: list[Argument] = [
            item,
            sink,
            letter.at_ms,
            _in_state(letter, "dropped"),
            self._retention_ms,
            self._clock(),
        ]
        self._scripts.run("backlog/drop_delivery", keys, args, pipeline=pipeline)

    def _delivery(self, letter: DeadLetter) -> tuple[DeliveryBook, str, str]:
        # The sink may have been removed since: then there is nothing any more to be done, and the scripts find that out.
        book = self._ledger.book(letter.account_sid, letter.sink or "")
        return book, f"{letter.call_sid}/{letter.event_key}", book.sink


def _in_state(letter: DeadLetter, state: str) -> str:
    # What the sink said last is for the dead alone.
    kept = {name: value for name, value in letter.delivery.items() if name != "last_answer"}
    return json.dumps({**kept, "state": state})

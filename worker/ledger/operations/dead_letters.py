"""Retry or drop failed calls and dead letters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from worker.lazy_logger import LazyLogger
from worker.ledger.backlog import Clock, server_clock
from worker.ledger.operations import OPERATOR
from worker.ledger.queries.dead_letters import dead_letters
from worker.ledger.queries.pages import in_pages
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import redis

    from worker.ledger import Ledger
    from worker.ledger.deliveries import DeliveryBook
    from worker.ledger.queries.dead_letters import DeadLetter
    from worker.ledger.scripts import Argument

    # Queues a script about one dead letter on a pipeline.
    Change = Callable[[redis.client.Pipeline, "DeadLetter"], None]


log = LazyLogger(__name__)

# Old ones are dropped in small, frequent rounds.
DROPPED_AT_ONCE = 300


@dataclass(slots=True)
class ChangedCounts:
    """How many failed calls and dead letters were really changed."""

    calls: int = 0
    deliveries: int = 0


def drop_old(ledger: Ledger, *, clock: Clock = server_clock) -> ChangedCounts:
    """Drop failed calls and dead letters older than DEAD_RETENTION_DAYS, and log it; do nothing if that is not set."""
    days = ledger.settings.dead_retention_days
    if days is None:
        return ChangedCounts()
    until_ms = float(clock() or ledger.now_ms()) - days * 86_400_000
    old = takewhile(lambda letter: letter.at_ms <= until_ms, dead_letters(ledger))
    dropped = DeadLetterOperations(ledger, by="DEAD_RETENTION_DAYS", clock=clock).drop(islice(old, DROPPED_AT_ONCE))
    if dropped.calls or dropped.deliveries:
        log.info(
            "dead.dropped", calls=dropped.calls, deliveries=dropped.deliveries, hint="DEAD_RETENTION_DAYS are over"
        )
    return dropped


class DeadLetterOperations:
    """Retries and drops dead letters, each in one script, while workers go on.

    A letter is a snapshot: if the state has changed since, nothing is done, and it is not counted. `by` is who does it, for
    the calls' histories.
    """

    def __init__(self, ledger: Ledger, *, by: str = OPERATOR, clock: Clock = server_clock) -> None:
        self._ledger = ledger
        self._by = by
        self._scripts = Scripts(ledger.client)
        self._clock = clock
        self._retention_ms = ledger.settings.retention_days * 86_400_000

    def retry(self, letters: Iterable[DeadLetter]) -> ChangedCounts:
        """Fetch the calls again, deliver the records again; each is due now, and its schedule begins anew."""
        return self._change(letters, self._retry_call, self._retry_delivery)

    def drop(self, letters: Iterable[DeadLetter]) -> ChangedCounts:
        """Drop them permanently; a call is forgotten when nothing of it is pending and its retention is over."""
        return self._change(letters, self._drop_call, self._drop_delivery)

    def _change(self, letters: Iterable[DeadLetter], of_call: Change, of_delivery: Change) -> ChangedCounts:
        changed = ChangedCounts()
        for page in in_pages(letters):
            pipeline = self._ledger.client.pipeline(transaction=False)
            for letter in page:
                (of_call if letter.sink is None else of_delivery)(pipeline, letter)
            for letter, done in zip(page, pipeline.execute(), strict=True):
                if letter.sink is None:
                    changed.calls += done
                else:
                    changed.deliveries += done
        return changed

    def _retry_call(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, sid = self._ledger.calls[letter.account_sid], letter.call_sid
        keys = [*book.fetches.keys, book.key("call", sid), book.key("story", sid), book.key("dead")]
        self._scripts.run("backlog/retry_call", keys, [sid, letter.at_ms, self._clock(), self._by], pipeline=pipeline)

    def _drop_call(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, sid = self._ledger.calls[letter.account_sid], letter.call_sid
        of_call = [book.key("story", sid), book.key("deliveries", sid)]
        keys = [*book.fetches.keys, *of_call, book.key("dead"), book.key("forget")]
        args: list[Argument] = [sid, letter.at_ms, self._retention_ms, self._clock(), self._by]
        self._scripts.run("backlog/drop_call", keys, args, pipeline=pipeline)

    def _retry_delivery(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, item, sink = self._delivery(letter)
        of_call = [book.key("deliveries", letter.call_sid), book.dead_key, book.key("story", letter.call_sid)]
        keys = [*book.backlog.keys, *of_call]
        args: list[Argument] = [item, sink, letter.at_ms, _in_state(letter, "waiting"), self._clock(), self._by]
        self._scripts.run("backlog/retry_delivery", keys, args, pipeline=pipeline)

    def _drop_delivery(self, pipeline: redis.client.Pipeline, letter: DeadLetter) -> None:
        book, item, sink = self._delivery(letter)
        of_call = [book.key("deliveries", letter.call_sid), book.dead_key, book.key("forget")]
        keys = [*book.backlog.keys, *of_call, book.key("story", letter.call_sid)]
        args: list[Argument] = [
            item,
            sink,
            letter.at_ms,
            _in_state(letter, "dropped"),
            self._retention_ms,
            self._clock(),
            self._by,
        ]
        self._scripts.run("backlog/drop_delivery", keys, args, pipeline=pipeline)

    def _delivery(self, letter: DeadLetter) -> tuple[DeliveryBook, str, str]:
        # The sink may have been removed since: then the scripts find nothing to do.
        book = self._ledger.book(letter.account_sid, letter.sink or "")
        return book, f"{letter.call_sid}/{letter.event_key}", book.sink


def _in_state(letter: DeadLetter, state: str) -> str:
    # Only dead letters keep the sink's last answer.
    kept = {name: value for name, value in letter.delivery.items() if name != "last_answer"}
    return json.dumps({**kept, "state": state})

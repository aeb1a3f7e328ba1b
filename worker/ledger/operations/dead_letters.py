"""What an operator does about what was given up on: retry it, drop it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import structlog

from worker.ledger.backlog import Clock, server_clock
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


log = structlog.get_logger(__name__)

# Dropping what is old is housekeeping: small bites, often.
DROPPED_AT_ONCE = 300


@dataclass(slots=True)
class ChangedCounts:
    """How many dead letters something was really done to."""

    calls: int = 0
    deliveries: int = 0


def drop_old(ledger: Ledger, *, clock: Clock = server_clock) -> ChangedCounts:
    """Drop what was given up on more than DEAD_RETENTION_DAYS ago, and say so in the log; nothing where that is not set."""
    days = ledger.settings.dead_retention_days
    if days is None:
        return ChangedCounts()
    until_ms = float(clock() or ledger.now_ms()) - days * 86_400_000
    old = takewhile(lambda letter: letter.at_ms <= until_ms, dead_letters(ledger))
    dropped = DeadLetterOperations(ledger, clock=clock).drop(islice(old, DROPPED_AT_ONCE))
    if dropped.calls or dropped.deliveries:
        log.info(
            "dead.dropped", calls=dropped.calls, deliveries=dropped.deliveries, hint="DEAD_RETENTION_DAYS are over"
        )
    return dropped


class DeadLetterOperations:
    """Retries and drops dead letters, each in one script, while workers go on.

    A letter is a view of how things stood: where they have changed since, nothing is done, and it is not counted.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock = server_clock) -> None:
        self._ledger = ledger
        self._scripts = Scripts(ledger.client)
        self._clock = clock
        self._retention_ms = ledger.settings.retention_days * 86_400_000

    def retry(self, letters: Iterable[DeadLetter]) -> ChangedCounts:
        """Fetch the calls again, deliver the records again; each is due now, and its schedule begins anew."""
        return self._change(letters, self._retry_call, self._retry_delivery)

    def drop(self, letters: Iterable[DeadLetter]) -> ChangedCounts:
        """Let go of them for good; a call is forgotten when nothing of it is owed any more, and its retention is over."""
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

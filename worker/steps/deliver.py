"""Deliver records to one sink, and note what comes of each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import structlog

from worker import metrics
from worker.errors import PermanentFailure, Refused, SinkGone, TemporaryFailure
from worker.record.shape import shaped
from worker.retry import wait_before
from worker.steps import sink_health

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from schemas.settings import SinkSpec
    from worker.context import Workshop
    from worker.errors import LastAnswer
    from worker.ledger.backlog import Lease
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery
    from worker.sinks import Sink
    from worker.sinks.base import Record
    from worker.tracing.spans import Span

log = structlog.get_logger(__name__)

# A thread that has delivered takes what is due next to the same sink in the same place, for so long. A message costs more
# than a delivery (published, taken, acknowledged: 3 ms against 2 ms); a turn that is longer than one tick would be unfair.
TURN_SECONDS = 0.25
# A thread may wait in place for a token of a sink's rate so long; with a longer wait the delivery goes back.
LONGEST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.05
# What finds no thread comes back so much later, to another process perhaps.
CROWDED_SECONDS = 5.0


class Way(NamedTuple):
    """How a record gets to a sink: the books, the sink, and what was asked for."""

    book: DeliveryBook
    sink: Sink
    spec: SinkSpec


@dataclass(slots=True)
class Turn:
    """What a thread does for a sink in one go: as long as all goes well, and for a moment only."""

    way: Way
    until: float
    next: list[OwedDelivery] = field(default_factory=list)
    went_well: bool = False
    in_trouble: bool = False

    def goes_on(self, now: float) -> bool:
        """May the next delivery be taken in the place of the one that is done?"""
        return self.went_well and not self.in_trouble and now < self.until


class Letter(NamedTuple):
    """A delivery, and its record in the shape that the sink gets."""

    delivery: OwedDelivery
    record: Record


def deliver(shop: Workshop, account_sid: str, sink_name: str, leases: Sequence[Lease]) -> None:
    """Deliver what is still owed of these leases, in batches of the size that the sink takes."""
    ledger = shop.ledger
    book, sink = ledger.deliveries.get((account_sid, sink_name)), shop.sinks.get(sink_name)
    spec = ledger.sinks.get(sink_name)
    if book is None or sink is None or spec is None:
        # While settings are being changed, a worker with the old ones may be handed what one with the new ones leased.
        log.warning(
            "delivery.not_ours", account=account_sid, sink=sink_name, hint="do all workers have the same SINKS?"
        )
        return
    turn = Turn(Way(book, sink, spec), until=shop.monotonic() + TURN_SECONDS)
    with structlog.contextvars.bound_contextvars(account=account_sid, sink=sink_name), shop.place_at(sink_name) as free:
        owed = book.claim_all(leases)
        if not free:
            _put_off(shop, book, owed)
            return
        while owed:
            letters = _wrapped(shop, turn.way, owed)
            turn.next = []
            for start in range(0, len(letters), sink.batch):
                _send(shop, turn, letters[start : start + sink.batch])
            owed = turn.next


def _put_off(shop: Workshop, book: DeliveryBook, owed: list[OwedDelivery]) -> None:
    """Put back what finds no thread: the sink's share of them has heard nothing for minutes."""
    if not owed:
        return
    silence = TemporaryFailure("deliveries to it have heard nothing for minutes, and hold its threads here")
    sink_health.failed(shop, book, silence)
    log.warning("sink.holds_threads")
    for delivery in owed:
        book.postpone(delivery, "", wait_seconds=CROWDED_SECONDS, attempt=False)


def bury(shop: Workshop, book: DeliveryBook, lease: Lease, reason: str) -> None:
    """Bury a delivery that no worker survives."""
    delivery = book.claim(lease)
    if delivery is not None:
        _bury(shop, book, delivery, reason)


def _wrapped(shop: Workshop, way: Way, owed: list[OwedDelivery]) -> list[Letter]:
    """Shape the records as the sink is to get them; what cannot be shaped it will never get."""
    letters = []
    for delivery in owed:
        try:
            letters.append(Letter(delivery, shaped(way.spec, delivery.event)))
        except Refused as refusal:
            _bury(shop, way.book, delivery, str(refusal))
    return letters


def _send(shop: Workshop, turn: Turn, letters: list[Letter]) -> None:
    way, book = turn.way, turn.way.book
    try:
        with _allowed(shop, way, letters) as wait_seconds:
            if wait_seconds:
                _put_back(book, letters, "", wait_seconds)
                turn.in_trouble = True
                return
            with _measured(shop, way, letters), _traced(shop, way, letters):
                answer = way.sink.send([letter.record for letter in letters])
    except PermanentFailure as refusal:
        # It took the trouble to refuse: it is there, and well.
        _is_well(shop, turn)
        if len(letters) == 1:
            _bury(shop, book, letters[0].delivery, str(refusal), refusal.answer)
            return
        # One bad record must not take its neighbours along: find it.
        for letter in letters:
            _send(shop, turn, [letter])
    except SinkGone as gone:
        # What waits for it is kept, and has lost no attempt.
        _count(shop, book, "gone", len(letters))
        _put_back(book, letters, str(gone), 0.0)
        sink_health.gone(shop, book, gone)
        turn.in_trouble = True
    except TemporaryFailure as failure:
        sink_health.failed(shop, book, failure)
        turn.in_trouble = True
        for letter in letters:
            _again(shop, book, letter.delivery, failure)
    else:
        _is_well(shop, turn)
        # Of a batch that was split, the first of its letters begins the next one for all.
        room = way.sink.batch if not turn.next and turn.goes_on(shop.monotonic()) else 0
        turn.next += book.delivered_all([letter.delivery for letter in letters], answer, room=room)
        _count(shop, book, "delivered", len(letters))


def _count(shop: Workshop, book: DeliveryBook, outcome: str, by: int = 1) -> None:
    minute = "delivered" if outcome == "delivered" else None
    shop.ledger.meters.count(metrics.DELIVERY_ATTEMPTS, book.sink, outcome, by=by, minute=minute)


@contextmanager
def _measured(shop: Workshop, way: Way, letters: list[Letter]) -> Iterator[None]:
    meters, name = shop.ledger.meters, way.spec.name
    for letter in letters:
        claim = letter.delivery.claim
        meters.observe(metrics.DELIVERY_WAIT_SECONDS, max(0.0, claim.now - claim.due) / 1000, name)
    began = shop.monotonic()
    try:
        yield
    finally:
        meters.observe(metrics.DELIVERY_SECONDS, shop.monotonic() - began, name, minute="attempted")


def _traced(shop: Workshop, way: Way, letters: list[Letter]) -> AbstractContextManager[Span]:
    deliveries = [letter.delivery for letter in letters]
    schedule = shop.settings.delivery_schedule
    return shop.tracing.deliver(way.book.account_sid, way.spec.name, deliveries, schedule=schedule)


@contextmanager
def _allowed(shop: Workshop, way: Way, letters: list[Letter]) -> Iterator[float]:
    """Hold a token of the sink's rate while a request is under way; otherwise yield in how many seconds to try again."""
    bucket = shop.ledger.rates.get(way.spec.name)
    if bucket is None:
        yield 0.0
        return
    first = letters[0].delivery.lease
    token = f"{first.item}:{first.id}:{len(letters)}"  # a batch that is split asks again for each
    grant = bucket.take(token, max_wait_seconds=LONGEST_WAIT_SECONDS)
    if not grant.taken:
        yield max(grant.wait_seconds, SHORTEST_WAIT_SECONDS)
        return
    if grant.wait_seconds > 0:
        shop.sleep(grant.wait_seconds)
    try:
        yield 0.0
    finally:
        bucket.give_back(token)


def _put_back(book: DeliveryBook, letters: list[Letter], answer: str, wait_seconds: float) -> None:
    """Put deliveries back through no fault of their own: it costs them no attempt."""
    for letter in letters:
        book.postpone(letter.delivery, answer, wait_seconds=wait_seconds, attempt=False)


def _is_well(shop: Workshop, turn: Turn) -> None:
    """Say so once a turn, which is over in a moment and with the first failure: it costs a round trip."""
    if turn.went_well and not turn.in_trouble:
        return
    turn.went_well = True
    sink_health.succeeded(shop, turn.way.book)


def _again(shop: Workshop, book: DeliveryBook, delivery: OwedDelivery, failure: TemporaryFailure) -> None:
    attempt = delivery.claim.attempts + 1
    wait = wait_before(attempt, shop.settings.delivery_schedule, at_least=failure.retry_after, dice=shop.dice)
    if wait is None:
        _bury(shop, book, delivery, str(failure), failure.answer)
        return
    _count(shop, book, "again")
    log.info(
        "delivery.retried",
        call_sid=delivery.call_sid,
        reason=str(failure),
        attempt=attempt,
        again_in=round(wait, 1),
    )
    book.postpone(delivery, str(failure), wait_seconds=wait, attempt=True)


def _bury(
    shop: Workshop, book: DeliveryBook, delivery: OwedDelivery, reason: str, last_answer: LastAnswer | None = None
) -> None:
    _count(shop, book, "dead")
    log.error("delivery.dead", call_sid=delivery.call_sid, reason=reason)
    book.bury(delivery, reason, last_answer=last_answer)

"""Deliver records to one sink, and store the result of each."""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from worker import metrics
from worker.errors import PermanentFailure, Refused, SinkGone, Surprise, TemporaryFailure
from worker.ledger.deliveries import Told
from worker.ledger.meters import TOOK
from worker.record.shape import shaped
from worker.sinks.boundary import send_to
from worker.steps import sink_health
from worker.steps.attempts import bury, count, told_by, try_again
from worker.steps.delivery_run import RUN_SECONDS, DeliveryRun, Message, Route
from worker.steps.sink_rate import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from worker.context import WorkerContext
    from worker.ledger.backlog import Lease
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery
    from worker.tracing.spans import Span

log = structlog.get_logger(__name__)

# After a batch with an unexpected error, records are sent one by one until this many in a row have failed.
FAILURES_APART = 2
# Seconds until a delivery without a free thread, or without an open sink, is due again, possibly in another process.
CROWDED_SECONDS = 5.0


def deliver(context: WorkerContext, account_sid: str, sink_name: str, leases: Sequence[Lease]) -> None:
    """Deliver the records of the leases that are still valid, in batches of the sink's size."""
    route = _route(context, account_sid, sink_name)
    if route is None:
        # During a change of settings, a worker with the old ones may get work leased by one with the new ones.
        log.warning(
            "delivery.not_ours", account=account_sid, sink=sink_name, hint="do all workers have the same SINKS?"
        )
        return
    with (
        structlog.contextvars.bound_contextvars(account=account_sid, sink=sink_name),
        context.place_at(sink_name) as free,
    ):
        book = route.book
        owed, sinks_version = book.claim_all(leases)
        if not free:
            _put_off(context, book, owed)
            return
        if sinks_version != context.sinks_version:
            # What begins after a change was answered is sent as it says: to the new URL, signed with the new secret.
            context.keep_sinks_open()
            route = _route(context, account_sid, sink_name)
            if route is None:  # it was removed, or cannot be opened
                _put_back(book, owed, "", CROWDED_SECONDS)
                return
        run = DeliveryRun(route, until=context.monotonic() + RUN_SECONDS)
        while owed:
            messages = _wrapped(context, route, owed)
            run.next = []
            for start in range(0, len(messages), route.sink.batch):
                _send(context, run, messages[start : start + route.sink.batch])
            owed = run.next


def _route(context: WorkerContext, account_sid: str, sink_name: str) -> Route | None:
    ledger = context.ledger
    book, spec = ledger.deliveries.get((account_sid, sink_name)), ledger.sinks.get(sink_name)
    sink = context.sinks.get(sink_name)
    return None if book is None or sink is None or spec is None else Route(book, sink, spec)


def _put_off(context: WorkerContext, book: DeliveryBook, owed: list[OwedDelivery]) -> None:
    """Put back deliveries without a free thread: the sink's share of threads has been stuck for minutes."""
    if not owed:
        return
    silence = TemporaryFailure("its deliveries have been without an answer for minutes, and occupy its threads here")
    sink_health.failed(context, book, silence)
    log.warning("sink.holds_threads")
    _put_back(book, owed, "", CROWDED_SECONDS)


def bury_lease(context: WorkerContext, book: DeliveryBook, lease: Lease, reason: str) -> None:
    """Make a delivery that kills its workers a dead letter."""
    delivery = book.claim(lease)
    if delivery is not None:
        bury(context, book, delivery, reason)


def _wrapped(context: WorkerContext, route: Route, owed: list[OwedDelivery]) -> list[Message]:
    """Return the records in the sink's form; one whose projection fails becomes a dead letter."""
    messages = []
    for delivery in owed:
        try:
            messages.append(Message(delivery, shaped(route.spec, delivery.event)))
        except Refused as refusal:
            bury(context, route.book, delivery, str(refusal))
    return messages


class _Outcome(Enum):
    """What an attempt shows about the sink."""

    #: The sink was reachable, and accepted or refused the records.
    HEARD = auto()
    FAILED = auto()
    #: The records were put back without an attempt: there was no token, or the sink wants no more.
    PUT_BACK = auto()


def _send(context: WorkerContext, run: DeliveryRun, messages: list[Message]) -> _Outcome:
    """Send messages and store the results."""
    route, book, began = run.route, run.route.book, context.monotonic()
    if run.gone is not None:
        _put_back(book, _deliveries(messages), str(run.gone), 0.0)
        return _Outcome.PUT_BACK
    try:
        first = messages[0].delivery.lease
        # A split batch takes a token for each message.
        with allowed(context, route.spec.name, f"{first.item}:{first.id}:{len(messages)}") as wait_seconds:
            if wait_seconds:
                _put_back(book, _deliveries(messages), "", wait_seconds)
                run.in_trouble = True
                return _Outcome.PUT_BACK
            with _measured(context, route, messages), _traced(context, route, messages):
                answer = send_to(route.sink, [message.record for message in messages])
    except PermanentFailure as refusal:
        _refused(context, run, messages, refusal, context.monotonic() - began)
        return _Outcome.HEARD
    except SinkGone as gone:
        # Its pending deliveries are kept, and lose no attempt.
        count(context, book, "gone", len(messages))
        # First, or another worker would send it again before.
        sink_health.gone(context, book, gone)
        _put_back(book, _deliveries(messages), str(gone), 0.0)
        run.gone, run.in_trouble = gone, True
        return _Outcome.PUT_BACK
    except TemporaryFailure as failure:
        run.in_trouble = True
        if isinstance(failure, Surprise) and len(messages) > 1:
            _send_apart(context, run, messages, failure)
        else:
            _failed(context, run.route, messages, failure, context.monotonic() - began)
        return _Outcome.FAILED
    _is_well(context, run)
    # In a split batch, the first message also begins the next batch.
    room = route.sink.batch if not run.next and run.goes_on(context.monotonic()) else 0
    told = Told(context.monotonic() - began)
    run.next += book.delivered_all(_deliveries(messages), answer, room=room, told=told)
    count(context, book, "delivered", len(messages))
    return _Outcome.HEARD


def _refused(
    context: WorkerContext, run: DeliveryRun, messages: list[Message], refusal: PermanentFailure, seconds: float
) -> None:
    """Bury a record; of several, find the bad one, which must not fail the others."""
    # A refusal shows that the sink is reachable and healthy.
    _is_well(context, run)
    if len(messages) == 1:
        told = told_by(context.settings, run.route.spec, refusal.answer, seconds)
        bury(context, run.route.book, messages[0].delivery, str(refusal), refusal.answer, told)
        return
    for message in messages:
        _send(context, run, [message])


def _send_apart(context: WorkerContext, run: DeliveryRun, messages: list[Message], surprise: Surprise) -> None:
    """Send each record separately: an unexpected error may be about one record, and must not use up the others' attempts.

    If two in a row fail, the cause is the sink, and the rest is put back to free this thread. The batch itself was not an
    attempt: each record has one, by itself or with the rest.
    """
    in_a_row = 0
    for number, message in enumerate(messages):
        if in_a_row == FAILURES_APART:
            _failed(context, run.route, messages[number:], surprise, 0.0)
            return
        match _send(context, run, [message]):
            case _Outcome.HEARD:
                in_a_row = 0
            case _Outcome.FAILED:
                in_a_row += 1


def _failed(
    context: WorkerContext, route: Route, messages: list[Message], failure: TemporaryFailure, seconds: float
) -> None:
    """Note an attempt of each that failed for now."""
    sink_health.failed(context, route.book, failure, attempts=len(messages))
    told = told_by(context.settings, route.spec, failure.answer, seconds)
    for message in messages:
        try_again(context, route.book, message.delivery, failure, told)


@contextmanager
def _measured(context: WorkerContext, route: Route, messages: list[Message]) -> Iterator[None]:
    meters, name = context.ledger.meters, route.spec.name
    for message in messages:
        claim = message.delivery.claim
        meters.observe(metrics.DELIVERY_WAIT_SECONDS, max(0.0, claim.now - claim.due) / 1000, name)
    began = context.monotonic()
    try:
        yield
    finally:
        meters.observe(metrics.DELIVERY_SECONDS, context.monotonic() - began, name, over=TOOK)


def _traced(context: WorkerContext, route: Route, messages: list[Message]) -> AbstractContextManager[Span]:
    schedule = context.settings.delivery_schedule
    return context.tracing.deliver(route.book.account_sid, route.spec.name, _deliveries(messages), schedule=schedule)


def _deliveries(messages: list[Message]) -> list[OwedDelivery]:
    return [message.delivery for message in messages]


def _put_back(book: DeliveryBook, deliveries: list[OwedDelivery], answer: str, wait_seconds: float) -> None:
    """Put deliveries back without using up an attempt: the cause is not in them."""
    for delivery in deliveries:
        book.postpone(delivery, answer, wait_seconds=wait_seconds, attempt=False)


def _is_well(context: WorkerContext, run: DeliveryRun) -> None:
    """Record the sink's success, only once per run because it costs a round trip; a run is short and ends with a failure."""
    if run.went_well and not run.in_trouble:
        return
    run.went_well = True
    sink_health.succeeded(context, run.route.book)

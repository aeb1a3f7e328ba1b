"""Deliver records to one sink, and note what comes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker.errors import PermanentFailure, SinkGone, TemporaryFailure
from worker.retry import wait_before
from worker.steps.announce import announce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.ledger.backlog import Lease
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery
    from worker.sinks import Sink
    from worker.workshop import Workshop

log = structlog.get_logger(__name__)


def deliver(shop: Workshop, account_sid: str, sink_name: str, leases: Sequence[Lease]) -> None:
    """Deliver what is still owed of these leases, in batches of the size that the sink takes."""
    book, sink = shop.ledger.deliveries.get((account_sid, sink_name)), shop.sinks.get(sink_name)
    if book is None or sink is None:
        # While settings are being changed, a worker with the old ones may be handed what one with the new ones leased.
        log.warning(
            "delivery.not_ours", account=account_sid, sink=sink_name, hint="do all workers have the same SINKS?"
        )
        return
    owed = [delivery for delivery in map(book.claim, leases) if delivery is not None]
    with structlog.contextvars.bound_contextvars(account=account_sid, sink=sink_name):
        for start in range(0, len(owed), sink.batch):
            _send(shop, book, sink, owed[start : start + sink.batch])


def bury(book: DeliveryBook, lease: Lease, reason: str) -> None:
    """Bury a delivery that no worker survives."""
    delivery = book.claim(lease)
    if delivery is not None:
        _bury(book, delivery, reason)


def _send(shop: Workshop, book: DeliveryBook, sink: Sink, batch: list[OwedDelivery]) -> None:
    try:
        answer = sink.send([delivery.event for delivery in batch])
    except PermanentFailure as refusal:
        # It took the trouble to refuse: it is there, and well.
        _is_well(shop, book)
        if len(batch) == 1:
            _bury(book, batch[0], str(refusal))
            return
        # One bad record must not take its neighbours along: find it.
        for delivery in batch:
            _send(shop, book, sink, [delivery])
    except SinkGone as gone:
        _disable(shop, book, batch, gone)
    except TemporaryFailure as failure:
        _is_in_trouble(shop, book, failure)
        for delivery in batch:
            _again(shop, book, delivery, failure)
    else:
        _is_well(shop, book)
        for delivery in batch:
            book.delivered(delivery, answer)


def _is_well(shop: Workshop, book: DeliveryBook) -> None:
    if shop.ledger.health.succeeded(book.sink):
        log.warning("sink.recovered")
        announce(shop, book.account_sid, "sink_recovered", sink=book.sink)


def _is_in_trouble(shop: Workshop, book: DeliveryBook, failure: TemporaryFailure) -> None:
    become = shop.ledger.health.failed(book.sink, str(failure))
    if become == "failing":
        log.error("sink.failing", reason=str(failure), hint="it is tried with one delivery at a time until it is back")
    elif become == "disabled":
        log.error("sink.disabled", reason=str(failure), hint="nothing but failures for days; what waits for it is kept")
    if become:
        announce(shop, book.account_sid, f"sink_{become}", sink=book.sink, reason=str(failure))


def _disable(shop: Workshop, book: DeliveryBook, batch: list[OwedDelivery], gone: SinkGone) -> None:
    """Stop delivering to a sink that wants no more; what waits for it is kept, and has lost no attempt."""
    for delivery in batch:
        book.postpone(delivery, str(gone), wait_seconds=0.0, attempt=False)
    if shop.ledger.disable_sink(book.sink, str(gone)):
        log.error("sink.disabled", reason=str(gone))
        announce(shop, book.account_sid, "sink_disabled", sink=book.sink, reason=str(gone))


def _again(shop: Workshop, book: DeliveryBook, delivery: OwedDelivery, failure: TemporaryFailure) -> None:
    attempt = delivery.claim.attempts + 1
    wait = wait_before(attempt, shop.settings.delivery_schedule, at_least=failure.retry_after, dice=shop.dice)
    if wait is None:
        _bury(book, delivery, str(failure))
        return
    log.info(
        "delivery.retried",
        call_sid=delivery.call_sid,
        reason=str(failure),
        attempt=attempt,
        again_in=round(wait, 1),
    )
    book.postpone(delivery, str(failure), wait_seconds=wait, attempt=True)


def _bury(book: DeliveryBook, delivery: OwedDelivery, reason: str) -> None:
    log.error("delivery.dead", call_sid=delivery.call_sid, reason=reason)
    book.bury(delivery, reason)

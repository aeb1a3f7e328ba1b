"""Update a sink's health after an attempt, and alert the operator if its state changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker.ledger.operations.bringing_forward import bring_forward
from worker.steps.announce import announce

if TYPE_CHECKING:
    from worker.context import WorkerContext
    from worker.errors import SinkGone, TemporaryFailure
    from worker.ledger.deliveries import DeliveryBook

log = structlog.get_logger(__name__)


def succeeded(context: WorkerContext, book: DeliveryBook) -> None:
    """Record that a sink accepted or refused a record. Costs a round trip.

    If the sink was failing, all that waits for it is due now: the reason for the wait is gone.
    """
    ledger = context.ledger
    if not ledger.health.succeeded(book.sink):
        return
    brought_forward = bring_forward(ledger, book.sink)
    if ledger.health.recovered(book.sink):
        log.warning("sink.recovered", brought_forward=brought_forward)
        announce(context, book.account_sid, "sink_recovered", sink=book.sink)
    context.nudge()


def failed(context: WorkerContext, book: DeliveryBook, failure: TemporaryFailure, *, attempts: int = 1) -> None:
    """Record that `attempts` deliveries failed temporarily at once."""
    become = context.ledger.health.failed(book.sink, str(failure), attempts=attempts)
    if become == "failing":
        log.error("sink.failing", reason=str(failure), hint="it is tried with one delivery at a time until it is back")
    elif become == "disabled":
        log.error(
            "sink.disabled", reason=str(failure), hint="nothing but failures for days; its pending deliveries are kept"
        )
    if become:
        announce(context, book.account_sid, f"sink_{become}", sink=book.sink, reason=str(failure))


def gone(context: WorkerContext, book: DeliveryBook, said: SinkGone) -> None:
    """Disable a sink that answered 410."""
    if context.ledger.disable_sink(book.sink, str(said)):
        log.error("sink.disabled", reason=str(said))
        announce(context, book.account_sid, "sink_disabled", sink=book.sink, reason=str(said))

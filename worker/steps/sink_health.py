"""Notes what an attempt says about its sink, and tells whoever runs it when that changes its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker.steps.announce import announce

if TYPE_CHECKING:
    from worker.context import Workshop
    from worker.errors import SinkGone, TemporaryFailure
    from worker.ledger.deliveries import DeliveryBook

log = structlog.get_logger(__name__)


def succeeded(shop: Workshop, book: DeliveryBook) -> None:
    """It took a record, or the trouble to refuse one. Costs a round trip."""
    if shop.ledger.health.succeeded(book.sink):
        log.warning("sink.recovered")
        announce(shop, book.account_sid, "sink_recovered", sink=book.sink)


def failed(shop: Workshop, book: DeliveryBook, failure: TemporaryFailure) -> None:
    """It did not take one, for now."""
    become = shop.ledger.health.failed(book.sink, str(failure))
    if become == "failing":
        log.error("sink.failing", reason=str(failure), hint="it is tried with one delivery at a time until it is back")
    elif become == "disabled":
        log.error("sink.disabled", reason=str(failure), hint="nothing but failures for days; what waits for it is kept")
    if become:
        announce(shop, book.account_sid, f"sink_{become}", sink=book.sink, reason=str(failure))


def gone(shop: Workshop, book: DeliveryBook, said: SinkGone) -> None:
    """It wants no more of this: it is disabled."""
    if shop.ledger.disable_sink(book.sink, str(said)):
        log.error("sink.disabled", reason=str(said))
        announce(shop, book.account_sid, "sink_disabled", sink=book.sink, reason=str(said))

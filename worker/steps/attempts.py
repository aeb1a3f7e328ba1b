"""What comes of an attempt of a delivery: it is counted, and a failed one is put back or buried with what the sink answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker import metrics
from worker.ledger.deliveries import Told
from worker.ledger.meters import DELIVERED, FAILED
from worker.numbers.masking import Mask
from worker.retry import wait_before
from worker.secret_masking import secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import Settings, SinkSpec
    from worker.context import WorkerContext
    from worker.errors import LastAnswer, TemporaryFailure
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery

log = structlog.get_logger(__name__)

# Contract section 14.
_KEPT_BYTES = 512


def told_by(settings: Settings, spec: SinkSpec, answer: LastAnswer | None, seconds: float) -> Told:
    """Return what is kept of a failed attempt that took so long: the status, and the start of the body.

    Secrets and numbers are masked before the body is cut, for a part of a secret would no longer be known as one.
    """
    if answer is None:
        return Told(seconds)
    masked = Mask(secrets_of(settings) | secrets_of_sink(spec)).text(answer.body)
    plain = "".join(character if character.isprintable() or character in "\n\t" else " " for character in masked)
    return Told(seconds, answer.status, plain.encode()[:_KEPT_BYTES].decode(errors="ignore"))


def count(context: WorkerContext, book: DeliveryBook, outcome: str, by: int = 1) -> None:
    """Count attempts by their outcome."""
    over = DELIVERED if outcome == "delivered" else FAILED
    context.ledger.meters.count(metrics.DELIVERY_ATTEMPTS, book.sink, outcome, by=by, over=over)


def try_again(
    context: WorkerContext, book: DeliveryBook, delivery: OwedDelivery, failure: TemporaryFailure, told: Told
) -> None:
    """Put a delivery back by the schedule, or bury it after the last attempt."""
    attempt = delivery.claim.attempts + 1
    wait = wait_before(attempt, context.settings.delivery_schedule, at_least=failure.retry_after, dice=context.dice)
    if wait is None:
        # A recovery makes deliveries due before their time, and so may use up their attempts early. They are kept for as long
        # as the schedule is all the same: a sink that recovers and fails by turns must not cost a record.
        left = delivery.seconds_left(context.settings.delivery_schedule)
        if left >= 1:
            book.postpone(delivery, str(failure), wait_seconds=left, attempt=False)
        else:
            bury(context, book, delivery, str(failure), failure.answer, told)
        return
    count(context, book, "again")
    details = {"reason": str(failure), "attempt": attempt, "again_in": round(wait, 1)}
    log.info("delivery.retried", call_sid=delivery.call_sid, **details)
    book.postpone(delivery, str(failure), wait_seconds=wait, attempt=True, told=told)


def bury(
    context: WorkerContext,
    book: DeliveryBook,
    delivery: OwedDelivery,
    reason: str,
    last_answer: LastAnswer | None = None,
    told: Told | None = None,
) -> None:
    """Make a delivery a dead letter; `last_answer` is kept whole, `told` with the attempt."""
    count(context, book, "dead")
    log.error("delivery.dead", call_sid=delivery.call_sid, reason=reason)
    book.bury(delivery, reason, told=told, last_answer=last_answer)

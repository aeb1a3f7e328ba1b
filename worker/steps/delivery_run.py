"""A run: the consecutive deliveries of one thread to one sink, and its time limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.errors import SinkGone
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery
    from worker.sinks import Sink
    from worker.sinks.base import Record

# Seconds for which a thread goes on with the next due delivery to the same sink. A Celery message costs more than a delivery
# (publish, take, acknowledge: 3 ms against 2 ms); a run longer than one tick would be unfair.
RUN_SECONDS = 0.25


class Route(NamedTuple):
    """How a record gets to a sink: the books, the sink, and its spec."""

    book: DeliveryBook
    sink: Sink
    spec: SinkSpec


@dataclass(slots=True)
class DeliveryRun:
    """Consecutive deliveries of a thread to a sink, for a short time and until the first failure."""

    route: Route
    until: float
    next: list[OwedDelivery] = field(default_factory=list)
    went_well: bool = False
    in_trouble: bool = False
    #: What the sink said when it wanted no more: nothing is sent to it after that.
    gone: SinkGone | None = None

    def goes_on(self, now: float) -> bool:
        """Return whether the thread may take the next delivery."""
        return self.went_well and not self.in_trouble and now < self.until


class Message(NamedTuple):
    """A delivery, and its record in the sink's form."""

    delivery: OwedDelivery
    record: Record

"""What one thread does for one sink in one go: its route, its records, and how long it may last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.errors import SinkGone
    from worker.ledger.deliveries import DeliveryBook, OwedDelivery
    from worker.sinks import Sink
    from worker.sinks.base import Record

# A thread that has delivered takes what is due next to the same sink in the same place, for so long. A message costs more
# than a delivery (published, taken, acknowledged: 3 ms against 2 ms); a run that is longer than one tick would be unfair.
RUN_SECONDS = 0.25


class Route(NamedTuple):
    """How a record gets to a sink: the books, the sink, and what was asked for."""

    book: DeliveryBook
    sink: Sink
    spec: SinkSpec


@dataclass(slots=True)
class DeliveryRun:
    """What a thread does for a sink in one go: as long as all goes well, and for a moment only."""

    route: Route
    until: float
    next: list[OwedDelivery] = field(default_factory=list)
    went_well: bool = False
    in_trouble: bool = False
    #: What the sink said when it wanted no more: nothing is sent to it after that.
    gone: SinkGone | None = None

    def goes_on(self, now: float) -> bool:
        """May the next delivery be taken in the place of the one that is done?"""
        return self.went_well and not self.in_trouble and now < self.until


class Message(NamedTuple):
    """A delivery, and its record in the shape that the sink gets."""

    delivery: OwedDelivery
    record: Record

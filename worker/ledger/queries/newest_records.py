"""Read the newest record of each call in a span of time, and nothing else of it: what reports need, fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.ledger.codec import unpack_event
from worker.ledger.queries.listing import places_of
from worker.record.reported import reported_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from worker.ledger import Ledger
    from worker.ledger.queries.filters import CallFilter
    from worker.ledger.queries.rows import Place
    from worker.record.reported import ReportedCall

# Calls read in one round trip: some milliseconds of Redis's time, a megabyte of answers.
_AT_ONCE = 1000


@dataclass(slots=True)
class NewestRecords:
    """The newest record of each call of a filter's accounts that began in its span of time, the latest first.

    Iterate once. The calls are read page by page; `most` is how many at most. `advance` is called with numbers of calls
    read.
    """

    ledger: Ledger
    wanted: CallFilter
    most: int | None = None
    advance: Callable[[int], None] = lambda _count: None
    #: Of the calls read so far, how many have no record yet.
    without: int = 0
    #: When the last one read began, in milliseconds, if `most` kept others from being read.
    stopped_ms: float | None = None

    def __iter__(self) -> Iterator[ReportedCall]:
        """Yield the calls. Raises redis.RedisError."""
        left = self.most
        for places in places_of(self.ledger, self.wanted, _AT_ONCE):
            read = places if left is None else places[:left]
            yield from self._read(read)
            self.advance(len(read))
            if left is None:
                continue
            left -= len(read)
            if len(read) < len(places):
                self.stopped_ms = read[-1].began_ms if read else places[0].began_ms
                return

    def _read(self, places: Sequence[Place]) -> Iterator[ReportedCall]:
        by_account: dict[str, list[str]] = {}
        for place in places:
            by_account.setdefault(place.account_sid, []).append(place.call_sid)
        for account_sid, call_sids in by_account.items():
            for packed in self.ledger.newest_records(account_sid, call_sids):
                if packed is None:
                    self.without += 1
                else:
                    yield reported_call(unpack_event(packed)["data"])

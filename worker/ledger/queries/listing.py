"""List the calls that somebody wants to see, the latest first, page by page; a page costs the same at any position.

Calls stand in the order in which they began. Where an index tells which few may be wanted, only these are read; otherwise
the calls are read in their order until a page is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.index import began_key
from worker.ledger.queries.candidates import FEW, few_candidates
from worker.ledger.queries.filters import CallFilter
from worker.ledger.queries.rows import Place, rows_of, standings
from worker.ledger.queries.tails import latest_members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger
    from worker.ledger.queries.rows import CallRow

# How many calls one page looks through: at most half a second in one web process. Redis serves others in between.
LOOKED_THROUGH = 5000
# How many are read at a time, at most: three milliseconds of Redis's time.
_AT_ONCE = 400
# The first page of an iteration: a command shows twenty calls.
_FIRST = 20


class ListCursor(NamedTuple):
    """The end of a page: when its last call began, and that call. The next page begins after it."""

    at_ms: float
    call_sid: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, the latest first; `next` is None on the last page. A page may be short, or empty, and not the last."""

    calls: list[CallRow]
    next: ListCursor | None
    #: How many calls were looked at for it.
    looked_through: int


def page_of_calls(
    ledger: Ledger, *, limit: int, wanted: CallFilter | None = None, after: ListCursor | None = None, few: int = FEW
) -> Page:
    """Return up to `limit` of the wanted calls after a cursor. Calls that come meanwhile are on an earlier page.

    An index is used where it names at most `few` calls.
    """
    wanted = wanted or CallFilter()
    found: list[CallRow] = []
    looked = 0
    for places in places_of(ledger, wanted, limit + 1, after=after, few=few):
        looked += len(places)
        may_be = [call for call in standings(ledger, places) if wanted.may_take(call)]
        rows = rows_of(ledger, may_be, searched=wanted.search is not None)
        found += (row for row in rows if wanted.takes(row, ledger.account(row.account_sid).region))
        if len(found) > limit:
            last = found[limit - 1]
            return Page(found[:limit], ListCursor(last.began_ms, last.call_sid), looked)
        if looked >= LOOKED_THROUGH:
            return Page(found, ListCursor(places[-1].began_ms, places[-1].call_sid), looked)
    return Page(found, None, looked)


def all_calls(ledger: Ledger, wanted: CallFilter) -> Iterator[CallRow]:
    """Yield all wanted calls, the latest first."""
    after, size = None, _FIRST
    while True:
        page = page_of_calls(ledger, limit=size, wanted=wanted, after=after)
        yield from page.calls
        after, size = page.next, _AT_ONCE
        if after is None:
            return


def calls_between(ledger: Ledger, wanted: CallFilter) -> int:
    """Return how many calls of the filter's accounts began in its span of time; its other parts do not matter."""
    pipeline = ledger.client.pipeline(transaction=False)
    lowest = "-inf" if wanted.since_ms is None else wanted.since_ms
    highest = "+inf" if wanted.until_ms is None else f"({wanted.until_ms}"
    for sid in _accounts(ledger, wanted):
        pipeline.zcount(began_key(sid), lowest, highest)
    return sum(pipeline.execute())


def first_began_ms(ledger: Ledger, wanted: CallFilter) -> float | None:
    """Return when the first call of the filter's accounts began that is still kept; None without calls."""
    pipeline = ledger.client.pipeline(transaction=False)
    for sid in _accounts(ledger, wanted):
        pipeline.zrange(began_key(sid), 0, 0, withscores=True)
    return min((began for members in pipeline.execute() for _, began in members), default=None)


def calls_kept(ledger: Ledger) -> int:
    """Return how many calls the ledger knows."""
    pipeline = ledger.client.pipeline(transaction=False)
    for sid in ledger.calls:
        pipeline.zcard(began_key(sid))
    return sum(pipeline.execute())


def places_of(
    ledger: Ledger, wanted: CallFilter, size: int, *, after: ListCursor | None = None, few: int = FEW
) -> Iterator[list[Place]]:
    """Yield the places of calls that may be wanted, the latest first, in pages that grow from `size` to several hundred."""
    accounts = _accounts(ledger, wanted)
    candidates = few_candidates(ledger, accounts, wanted, most=few) if wanted.chooses else None
    span = _Span(wanted.since_ms, wanted.until_ms, after)
    known = None if candidates is None else sorted(filter(span.holds, candidates), reverse=True)
    while True:
        if known is not None:
            places, known = known[:size], known[size:]
        else:
            places = nlargest(size, _began(ledger, accounts, span, size))
        if not places:
            return
        yield places
        span = span._replace(after=ListCursor(places[-1].began_ms, places[-1].call_sid))
        size = min(2 * size, max(size, _AT_ONCE))


def _accounts(ledger: Ledger, wanted: CallFilter) -> list[str]:
    return [sid for sid in ledger.calls if wanted.accounts is None or sid in wanted.accounts]


class _Span(NamedTuple):
    """A span of time, and a cursor within it."""

    since_ms: float | None
    until_ms: float | None
    after: ListCursor | None

    def scores(self) -> tuple[float | str, float | str]:
        """Return the highest and the lowest score in Redis's syntax: `(` excludes the bound itself."""
        lowest = "-inf" if self.since_ms is None else self.since_ms
        if self.after is not None and (self.until_ms is None or self.after.at_ms < self.until_ms):
            return self.after.at_ms, lowest
        return "+inf" if self.until_ms is None else f"({self.until_ms}", lowest

    def holds(self, place: Place) -> bool:
        return (
            (self.since_ms is None or place.began_ms >= self.since_ms)
            and (self.until_ms is None or place.began_ms < self.until_ms)
            and (self.after is None or (place.began_ms, place.call_sid) < self.after)
        )


def _began(ledger: Ledger, accounts: list[str], span: _Span, limit: int) -> list[Place]:
    highest, lowest = span.scores()

    def is_after(_: int, member: tuple[bytes, float]) -> bool:
        return span.after is None or (member[1], member[0].decode()) < span.after

    keys = [began_key(sid) for sid in accounts]
    found = latest_members(ledger.client, keys, limit=limit, highest=highest, lowest=lowest, wanted=is_after)
    return [
        Place(began_ms, raw.decode(), sid)
        for sid, members in zip(accounts, found, strict=True)
        for raw, began_ms in members
    ]

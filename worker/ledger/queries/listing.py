"""List the calls page by page; a page costs the same at any position."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.backlog import Lane
from worker.ledger.queries.lookup import STATES, CallSummary, index_keys, summary_of
from worker.ledger.queries.tails import latest_members

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from worker.ledger import Ledger


class ListCursor(NamedTuple):
    """The end of a page: its last call and that call's time. The next page begins after it."""

    at_ms: float
    call_sid: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, the latest first; `next` is None on the last page."""

    calls: list[CallSummary]
    next: ListCursor | None


class _Row(NamedTuple):
    at_ms: float
    call_sid: str
    account_sid: str
    state: str


def page_of_calls(
    ledger: Ledger,
    *,
    limit: int,
    accounts: Collection[str] | None = None,
    states: Sequence[str] = STATES,
    since_ms: float | None = None,
    until_ms: float | None = None,
    after: ListCursor | None = None,
) -> Page:
    """Return up to `limit` calls after a cursor, the latest first, in a span of time that excludes `until_ms`.

    A call's time depends on its state: when it is due, or when its lease ends, both possibly in the future; or when it
    settled or failed. Calls can change state between pages.
    """
    span = _Span(since_ms, until_ms, after)
    lists = [
        _List(account_sid, state, key)
        for account_sid in (ledger.calls if accounts is None else accounts)
        for state in states
        for key in index_keys(ledger.calls[account_sid], state)
    ]
    latest = nlargest(limit + 1, _rows(ledger, lists, span, limit + 1))
    page = latest[:limit]
    pipeline = ledger.client.pipeline(transaction=False)
    for row in page:
        pipeline.lindex(ledger.calls[row.account_sid].key("call", row.call_sid), 0)
    details = pipeline.execute() if page else []
    calls = [
        summary_of(row.account_sid, row.call_sid, row.state, row.at_ms, text)
        for row, text in zip(page, details, strict=True)
    ]
    more = len(latest) > limit
    return Page(_without_confirmed(ledger, calls), ListCursor(page[-1].at_ms, page[-1].call_sid) if more else None)


class _Span(NamedTuple):
    """The wanted rows: a span of time, and a cursor."""

    since_ms: float | None
    until_ms: float | None
    after: ListCursor | None

    def scores(self) -> tuple[float | str, float | str]:
        """Return the highest and the lowest score in Redis's syntax: `(` excludes the bound itself."""
        lowest = "-inf" if self.since_ms is None else self.since_ms
        if self.after is not None and (self.until_ms is None or self.after.at_ms < self.until_ms):
            return self.after.at_ms, lowest
        return "+inf" if self.until_ms is None else f"({self.until_ms}", lowest


class _List(NamedTuple):
    """A sorted set of an account's calls in one state."""

    account_sid: str
    state: str
    key: str


def _rows(ledger: Ledger, lists: list[_List], span: _Span, limit: int) -> list[_Row]:
    highest, lowest = span.scores()

    def is_after(_: int, member: tuple[bytes, float]) -> bool:
        return span.after is None or (member[1], member[0].decode()) < span.after

    keys = [each.key for each in lists]
    found = latest_members(ledger.client, keys, limit=limit, highest=highest, lowest=lowest, wanted=is_after)
    return [
        _Row(at, raw.decode(), each.account_sid, each.state)
        for each, members in zip(lists, found, strict=True)
        for raw, at in members
    ]


def _without_confirmed(ledger: Ledger, calls: list[CallSummary]) -> list[CallSummary]:
    """Leave out calls that are fetched only to be confirmed: they are settled, and listed as such."""
    confirmed: set[str] = set()
    for account_sid in {call.account_sid for call in calls if call.state == "fetching"}:
        mine = [call.call_sid for call in calls if (call.account_sid, call.state) == (account_sid, "fetching")]
        fences = ledger.client.hmget(ledger.calls[account_sid].fetches.keys[5], mine)
        lanes = [fence and int(fence.split()[1]) for fence in fences]
        confirmed |= {sid for sid, lane in zip(mine, lanes, strict=True) if lane == Lane.CONFIRM}
    return [call for call in calls if call.state != "fetching" or call.call_sid not in confirmed]

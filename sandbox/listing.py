"""The calls list: Exotel's bulk details with its filters, its pages and its cursors."""

from __future__ import annotations

import base64
import binascii
import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from sandbox.calls import EXOPHONE, Call, Calls, start_order
from sandbox.times import exotel_time, parse_exotel_time

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PAGE_SIZE = 50
MOST_PAGE_SIZE = 100
MOST_SIDS = 100

# Without `DateCreated` the last 31 days are searched, and no query may span more: "one month".
LONGEST_SPAN = 31 * 24 * 3600.0

_KNOWN = {"Sid", "DateCreated", "PageSize", "SortBy", "Before", "After"}


@dataclass(frozen=True, slots=True)
class Page:
    """The query of a page. `before` and `after` are cursors."""

    sids: frozenset[str]
    earliest: float
    latest: float
    size: int
    descending: bool
    before: tuple[int, str] | None
    after: tuple[int, str] | None
    date_created: str


def read_query(query: Mapping[str, str], now: float) -> Page:
    """Read the query of a calls list.

    Raises ValueError with a reason, also for Exotel's filters that the sandbox does not have: ignoring a filter
    would give a wrong answer.
    """
    unknown = set(query) - _KNOWN
    if unknown:
        raise ValueError(f"the sandbox does not know {', '.join(sorted(unknown))}")
    earliest, latest = _read_dates(query.get("DateCreated", ""), now)
    size = query.get("PageSize", str(DEFAULT_PAGE_SIZE))
    if not size.isdecimal() or not 1 <= int(size) <= MOST_PAGE_SIZE:
        raise ValueError(f"PageSize must be a number from 1 to {MOST_PAGE_SIZE}")
    sort = query.get("SortBy", "DateCreated:desc")
    if sort not in ("DateCreated:asc", "DateCreated:desc"):
        raise ValueError("SortBy must be DateCreated:asc or DateCreated:desc")
    sids = frozenset(filter(None, query.get("Sid", "").split(",")))
    if len(sids) > MOST_SIDS:
        raise ValueError(f"Sid takes at most {MOST_SIDS} ids")
    if "Before" in query and "After" in query:
        raise ValueError("Before and After exclude each other")
    return Page(
        sids=sids,
        earliest=earliest,
        latest=latest,
        size=int(size),
        descending=sort.endswith("desc"),
        before=_read_cursor(query.get("Before")),
        after=_read_cursor(query.get("After")),
        date_created=query.get("DateCreated", ""),
    )


def _read_dates(text: str, now: float) -> tuple[float, float]:
    bounds: dict[str, float] = {}
    for part in filter(None, text.split(";")):
        bound, _, instant = part.partition(":")
        if bound not in ("gte", "lte") or bound in bounds:
            raise ValueError("DateCreated must be gte:YYYY-MM-DD HH:MM:SS;lte:YYYY-MM-DD HH:MM:SS")
        bounds[bound] = parse_exotel_time(instant)
    latest = bounds.get("lte", now)
    earliest = bounds.get("gte", latest - LONGEST_SPAN)
    if latest - earliest > LONGEST_SPAN:
        raise ValueError("DateCreated may span one month at most")
    return earliest, latest


def _read_cursor(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    try:
        epoch, _, sid = base64.b64decode(text, validate=True).decode("ascii").partition(",")
        return int(epoch), sid
    except (binascii.Error, ValueError) as reason:
        raise ValueError("not a cursor of this list") from reason


def _cursor(call: Call) -> str:
    epoch, sid = start_order(call)
    return base64.b64encode(f"{epoch},{sid}".encode()).decode("ascii")


def list_calls(calls: Calls, account_sid: str, page: Page, path: str) -> dict[str, Any]:
    """Return one page of ended calls, as the API answers at `path`."""
    found = calls.started_between(account_sid, page.earliest, page.latest)
    if page.sids:
        found = [call for call in found if call.sid in page.sids]
    shown, precedes, follows = _cut(found, page)
    # As in Exotel's example: a page link carries a cursor but no filter, so a client has to add the filter
    # again. Cursors of ASCII text never hold a character that a query would have to escape.
    sort = f"SortBy=DateCreated:{'desc' if page.descending else 'asc'}"
    link = f"{path}?PageSize={page.size}&{sort}"
    first = f"{path}?PageSize={page.size}"
    if page.date_created:
        first += f"&DateCreated={quote_plus(page.date_created)}"
    return {
        "Metadata": {
            "Total": len(found),
            "PageSize": page.size,
            "FirstPageUri": f"{first}&{sort}",
            "PrevPageUri": f"{link}&Before={_cursor(shown[0])}" if shown and precedes else "",
            "NextPageUri": f"{link}&After={_cursor(shown[-1])}" if shown and follows else "",
        },
        "Calls": [_item(call) for call in shown],
    }


def _cut(found: list[Call], page: Page) -> tuple[list[Call], bool, bool]:
    """Return the calls of the page, and whether others precede and follow. `found` has the oldest first."""
    ordered = found[::-1] if page.descending else found
    if page.before:
        stop = _position(found, page.before, page, past=False)
        start = max(0, stop - page.size)
    else:
        start = _position(found, page.after, page, past=True) if page.after else 0
        stop = start + page.size
    return ordered[start:stop], start > 0, stop < len(ordered)


def _position(found: list[Call], cursor: tuple[int, str], page: Page, *, past: bool) -> int:
    """Return the list position of the first call at the cursor, or past it."""
    if not page.descending:
        bisect_at = bisect.bisect_right if past else bisect.bisect_left
        return bisect_at(found, cursor, key=start_order)
    bisect_at = bisect.bisect_left if past else bisect.bisect_right
    return len(found) - bisect_at(found, cursor, key=start_order)


def _item(call: Call) -> dict[str, Any]:
    """Return a call of the list; the two directions differ in spelling and types, as in Exotel's example."""
    scenario = call.scenario
    parties: dict[str, Any] = {"To": call.callee, "From": call.caller}
    if scenario.inbound:
        parties |= {"PhoneNumber": EXOPHONE, "Duration": scenario.seconds, "Direction": "inbound"}
    else:
        parties |= {
            "PhoneNumberSid": EXOPHONE,
            "Duration": str(scenario.seconds),
            "Direction": "outbound-api",
        }
    return {
        "Sid": call.sid,
        "DateCreated": exotel_time(call.began),
        "DateUpdated": exotel_time(call.ended),
        "Status": scenario.status,
        "Price": "1.500" if call.recording_url else None,
        **parties,
        "StartTime": exotel_time(call.began),
        "EndTime": exotel_time(call.ended),
        "RecordingUrl": call.recording_url or None,
    }

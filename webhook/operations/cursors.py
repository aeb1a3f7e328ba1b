"""Cursors: where a page of calls ended, as URLs and the API write it: `<milliseconds>-<CallSid>`."""

from __future__ import annotations

import re

from worker.ledger.queries.listing import ListCursor

#: What a written cursor looks like; longer numbers cannot be a time in milliseconds.
PATTERN = r"[0-9]{1,16}(?:\.[0-9]{1,9})?-[0-9A-Za-z]{8,64}"
_WRITTEN = re.compile(PATTERN, re.ASCII)


def write_cursor(place: ListCursor | None) -> str | None:
    """Return a cursor as text, or None."""
    return None if place is None else f"{place.at_ms!r}-{place.call_sid}"


def read_cursor(written: str | None) -> ListCursor | None:
    """Read a cursor; None for None or ''. Raises ValueError if it is malformed."""
    if not written:
        return None
    if not _WRITTEN.fullmatch(written):
        raise ValueError(f"{written!r} is no cursor")
    at, _, call_sid = written.partition("-")
    return ListCursor(float(at), call_sid)

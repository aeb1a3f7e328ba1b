"""Parse the Retry-After header."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# In seconds. Exotel's windows are a minute. A Retry-After beyond a day is a mistake that would block an account or a sink.
LONGEST_PAUSE_SECONDS = 86_400.0
_WEEKDAY = re.compile(r"(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?", re.IGNORECASE)


def retry_after_seconds(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3); None without a usable one.

    A date is relative to the response's own Date, so no local clock is used. At most LONGEST_PAUSE_SECONDS. Of several
    values (a repeated header is joined with commas) the longest counts; one that is negative or no number counts as absent.
    """
    told = [moment for part in _parts(date or "") if (moment := _http_date(part))]
    now = min(told, default=None) or datetime.now(UTC)
    waits = [wait for part in _parts(value or "") if (wait := _seconds(part, now)) is not None]
    return min(max(waits), LONGEST_PAUSE_SECONDS) if waits else None


def _parts(value: str) -> list[str]:
    """Split a list at commas, except the comma in `Wed, 21 Oct 2026 07:28:00 GMT`."""
    parts: list[str] = []
    for part in (part.strip() for part in value.split(",")):
        if parts and _WEEKDAY.fullmatch(parts[-1]):
            parts[-1] = f"{parts[-1]}, {part}"
        else:
            parts.append(part)
    return parts


def _seconds(text: str, now: datetime) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        then = _http_date(text)
        return None if then is None else max(0.0, (then - now).total_seconds())
    return None if math.isnan(seconds) or seconds < 0 else seconds


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError):  # not a date, or a year of twenty digits
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

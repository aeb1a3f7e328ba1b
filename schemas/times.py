"""Parse Exotel's times and write Legwork's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# `fromisoformat` alone would also take week dates and bare digits, which are not times in Exotel's answers.
_ISO = re.compile(r"\d{4}-\d\d-\d\d[ Tt]\d\d:", re.ASCII)
# The standard library's parser accepts far more than this, and raises unexpected errors on some of it.
_RFC = re.compile(r"[A-Za-z]{3}, \d\d? [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d(?: (?:GMT|UTC|[+-]\d{4}))?", re.ASCII)


def parse_time(text: str) -> datetime:
    """
    Return the time in a text in any of Exotel's formats; naive if the text has no zone.

    `2026-09-16 11:12:39` (v1), with an offset (v3), ISO 8601 (campaigns, Integration Core) and
    `Wed, 16 Sep 2026 16:42:56` (passthru). Raises ValueError for anything else.
    """
    if _ISO.match(text):
        return datetime.fromisoformat(text)
    if _RFC.fullmatch(text):
        return parsedate_to_datetime(text)
    raise ValueError("not a time in any of Exotel's formats")


def in_utc(moment: datetime, zone: tzinfo) -> datetime | None:
    """
    Return the time in UTC; a naive time is local to `zone`.

    None for a time at or before the epoch: it is some program's zero, printed in an unknown zone.
    """
    try:
        instant = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, in another zone
        return None
    return instant if instant > EPOCH else None


def write_time(instant: datetime) -> str:
    """Return an aware datetime as `2026-09-16T05:43:08Z`, with a fraction of a second if there is one."""
    return instant.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def write_milliseconds(milliseconds: float) -> str:
    """Return a Redis time, in milliseconds since the epoch, as `2026-09-16T05:43:08.000Z`."""
    written = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return written.removesuffix("+00:00") + "Z"

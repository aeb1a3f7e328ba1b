"""Recognize Exotel's spellings of "no value"."""

from __future__ import annotations

from typing import Any

# Each has been seen in traffic (exotel.md section 7); in lower case. 05:30:00 is the epoch's zero on
# a clock in India, year 1 is the zero of the language that Integration Core is written in.
SPELLINGS = frozenset({"", "null", "1970-01-01 05:30:00", "0000-00-00 00:00:00", "0001-01-01t00:00:00z"})
_LONGEST = max(map(len, SPELLINGS))


def is_nothing(value: Any) -> bool:
    """Return whether a value is one of Exotel's spellings of "no value": None, or a text of `SPELLINGS`."""
    if not isinstance(value, str):
        return value is None
    text = value.strip()
    return len(text) <= _LONGEST and text.lower() in SPELLINGS

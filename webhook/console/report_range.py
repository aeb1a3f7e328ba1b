"""The span of time of a report's page: a preset such as today, or two times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from webhook.console.url_query import IN_A_FORM, check_choice, moment_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

#: Each preset, by its name in the URL, and its label.
PRESETS = {"today": "Today", "yesterday": "Yesterday", "7d": "7 days", "all": "All kept"}
_OTHERWISE = "today"


@dataclass(frozen=True, slots=True)
class Range:
    """A span of time in milliseconds; None is no bound. `preset` is '' where two times were given."""

    preset: str
    since_ms: float | None
    until_ms: float | None

    def words(self) -> str:
        """Return what the report is of, for the sentence above it."""
        return {"today": "today", "yesterday": "yesterday", "7d": "in the last 7 days", "all": "that are kept"}.get(
            self.preset, "in this span of time"
        )


def range_of(url: Mapping[str, str], zone: tzinfo) -> Range:
    """Return the range that a URL chooses by `range`, or by `since` and `until`, in a zone; without any of them, today.

    Raises ValueError with what would be right.
    """
    since, until = url.get("since", ""), url.get("until", "")
    preset = url.get("range", "")
    check_choice("range", preset, PRESETS)
    if since or until:
        since_ms, until_ms = moment_ms(since, zone), moment_ms(until, zone)
        if since_ms is not None and until_ms is not None and since_ms >= until_ms:
            raise ValueError("The span of time is empty: the first time must be before the second.")
        return Range("", since_ms, until_ms)
    preset = preset or _OTHERWISE
    today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begins: dict[str, datetime | None] = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "7d": today - timedelta(days=6),
        "all": None,
    }
    begin = begins[preset]
    until_ms = today.timestamp() * 1000 if preset == "yesterday" else None
    return Range(preset, None if begin is None else begin.timestamp() * 1000, until_ms)


def in_a_form(milliseconds: float | None, zone: tzinfo) -> str:
    """Return a time as the value of a datetime-local input; '' for None, and for what no calendar has in the zone."""
    if milliseconds is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, zone):{IN_A_FORM}}"
    except (ValueError, OverflowError):
        return ""

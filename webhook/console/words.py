"""How pages write lengths of time, moments and counts."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from markupsafe import Markup

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def length_of_time(seconds: float) -> str:
    """Write a length of time the way people say it: 12 s, 5 min, 3.2 h, 4.1 d."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < _DAY else f"{seconds / _DAY:.1f} d"


def moment(milliseconds: float, zone: tzinfo = UTC) -> Markup:
    """Write a moment of Redis's clock in a zone, for machines too."""
    at = datetime.fromtimestamp(milliseconds / 1000, zone)
    text = f"{at:%Y-%m-%d %H:%M:%S}{' UTC' if zone is UTC else ''}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), text)


def ago(milliseconds: float, now_ms: float) -> Markup:
    """Write how long ago a moment was, or in how long it comes; the moment itself shows on hovering."""
    seconds = (now_ms - milliseconds) / 1000
    text = f"{length_of_time(seconds)} ago" if seconds >= 0 else f"in {length_of_time(-seconds)}"
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), shown, text)


def count(number: int) -> str:
    """Write a count so that thousands are seen."""
    return f"{number:,}"


FILTERS = {"length_of_time": length_of_time, "moment": moment, "ago": ago, "count": count}

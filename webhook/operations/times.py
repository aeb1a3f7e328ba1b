"""Converts times and durations between the ledger's milliseconds, JSON, and text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.times import write_milliseconds

if TYPE_CHECKING:
    from datetime import datetime


def utc(milliseconds: float | None) -> str | None:
    """Return a time of Redis's clock in the records' format, or None."""
    return None if milliseconds is None else write_milliseconds(milliseconds)


def in_ms(moment: datetime) -> float:
    """Return a time in milliseconds since the epoch, as the ledger stores it."""
    return moment.timestamp() * 1000


def ago(milliseconds: float, now_ms: float) -> str:
    """Return how long ago a time of Redis's clock was, for people: `19 s ago`."""
    return f"{spoken(max(0.0, now_ms - milliseconds) / 1000)} ago"


def spoken(seconds: float) -> str:
    """Return a duration for people: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = round(seconds)
    if seconds < 100:  # noqa: PLR2004  below that, seconds are the handier unit
        return f"{seconds} s"
    minutes, hours, days = round(seconds / 60), round(seconds / 60) // 60, round(seconds / 3600) // 24
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {round(seconds / 3600) % 24} h"


def clock_time(seconds: float) -> str:
    """Return a call's duration: `27 s`, `4:05`, `1:02:03`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  a minute
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def took(seconds: float) -> str:
    """Return how long an attempt took: `< 1 ms`, `12 ms`, `1.4 s`."""
    if 0 < seconds < 0.001:  # noqa: PLR2004  a millisecond
        return "< 1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

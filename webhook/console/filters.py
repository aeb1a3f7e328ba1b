"""Template filters for durations, times and counts."""

from __future__ import annotations

from datetime import datetime
from math import floor

from markupsafe import Markup, escape

from webhook.console.zone import viewer_zone
from webhook.operations.times import clock_time, spoken, took

# An en dash, as in the cells of tables that have no value.
_NONE = "\N{EN DASH}"


def moment(milliseconds: float) -> Markup:
    """Return a time of Redis's clock in the viewer's zone, as a `<time>` element."""
    at = _local(milliseconds)
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="milliseconds"), f"{at:%Y-%m-%d %H:%M:%S}"
    )


def hms(milliseconds: float) -> Markup:
    """Return a time's time of day in the viewer's zone; the tooltip has all of it."""
    at = _local(milliseconds)
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(at.isoformat(timespec="milliseconds"), _in_full(at), f"{at:%H:%M:%S}")


def day(milliseconds: float) -> str:
    """Return a time's day in the viewer's zone: `Tue 1 Dec 2026`."""
    return f"{_local(milliseconds):%a %-d %b %Y}"


def iso_moment(text: str) -> Markup:
    """Return a time in ISO 8601, as operations describe it, in the viewer's zone."""
    return moment(datetime.fromisoformat(text).timestamp() * 1000)


def clock(milliseconds: float) -> Markup:
    """Return a time's day and time of day in the viewer's zone; the tooltip has all of it."""
    at = _local(milliseconds)
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(at.isoformat(timespec="seconds"), _in_full(at), f"{at:%d %b %H:%M:%S}")


def took_or_none(seconds: float | None) -> str:
    """Return how long an attempt took, or a dash."""
    return _NONE if seconds is None else took(seconds)


def share(part: float | None) -> str:
    """Return a share as a percentage, never rounded up to all of it: `99.9 %`; or a dash."""
    if part is None:
        return _NONE
    return "100 %" if part == 1 else f"{floor(part * 1000) / 10:g} %"


def ago(milliseconds: float, now_ms: float) -> Markup:
    """Return how long ago a time was, or in how long it comes; the tooltip shows the time itself."""
    seconds = (now_ms - milliseconds) / 1000
    text = f"{spoken(seconds)} ago" if seconds >= 0 else f"in {spoken(-seconds)}"
    at = _local(milliseconds)
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(at.isoformat(timespec="milliseconds"), _in_full(at), text)


def step(milliseconds: float) -> Markup:
    """Return the start of a chart's step as a `<time>` element, which the charts' script reads."""
    at = _local(milliseconds)
    text = f"{at:%H:%M}" if milliseconds >= _today_ms() else f"{at:%d %b %H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="minutes"), text)


def _local(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, viewer_zone())


def _today_ms() -> float:
    """Return when the viewer's day began."""
    return datetime.now(viewer_zone()).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000


def _in_full(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} {at.isoformat()[-6:]}"


def count(number: int) -> str:
    """Return a count with thousands separators."""
    return f"{number:,}"


def with_code(text: str) -> Markup:
    """Return a text with its parts between backticks as `<code>`; everything is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick
        return escape(text)
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if place % 2 else escape(part) for place, part in enumerate(parts))


FILTERS = {
    "spoken": spoken,
    "moment": moment,
    "iso_moment": iso_moment,
    "hms": hms,
    "day": day,
    "clock": clock,
    "duration": clock_time,
    "took": took,
    "took_or_none": took_or_none,
    "share": share,
    "ago": ago,
    "step": step,
    "count": count,
    "with_code": with_code,
}

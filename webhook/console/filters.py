"""Template filters for durations, times and counts."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from markupsafe import Markup, escape

from webhook.operations.times import spoken


def moment(milliseconds: float, zone: tzinfo = UTC) -> Markup:
    """Return a time of Redis's clock in a zone, as a `<time>` element."""
    at = datetime.fromtimestamp(milliseconds / 1000, zone)
    text = f"{at:%Y-%m-%d %H:%M:%S}{' UTC' if zone is UTC else ''}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), text)


def clock(milliseconds: float, zone: tzinfo) -> Markup:
    """Return a time's day and time of day in a zone that the page names; the tooltip has all of it."""
    at = datetime.fromtimestamp(milliseconds / 1000, zone)
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(
        at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M:%S} {at.isoformat()[-6:]}", f"{at:%d %b %H:%M:%S}"
    )


def duration(seconds: float) -> str:
    """Return a call's duration: `27 s`, `4:05`, `1:02:03`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  a minute
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def took(seconds: float) -> str:
    """Return how long an attempt took: `12 ms`, `1.4 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def ago(milliseconds: float, now_ms: float) -> Markup:
    """Return how long ago a time was, or in how long it comes; the tooltip shows the time itself."""
    seconds = (now_ms - milliseconds) / 1000
    text = f"{spoken(seconds)} ago" if seconds >= 0 else f"in {spoken(-seconds)}"
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), shown, text)


def minute(milliseconds: float) -> Markup:
    """Return a time's hour and minute as a `<time>` element, which the charts' script reads."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="minutes"), f"{at:%H:%M}")


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
    "clock": clock,
    "duration": duration,
    "took": took,
    "ago": ago,
    "minute": minute,
    "count": count,
    "with_code": with_code,
}

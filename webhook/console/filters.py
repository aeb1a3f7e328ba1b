"""How pages write lengths of time, moments and counts."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from markupsafe import Markup, escape

from webhook.operations.times import spoken


def moment(milliseconds: float, zone: tzinfo = UTC) -> Markup:
    """Write a moment of Redis's clock in a zone, for machines too."""
    at = datetime.fromtimestamp(milliseconds / 1000, zone)
    text = f"{at:%Y-%m-%d %H:%M:%S}{' UTC' if zone is UTC else ''}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), text)


def ago(milliseconds: float, now_ms: float) -> Markup:
    """Write how long ago a moment was, or in how long it comes; the moment itself shows on hovering."""
    seconds = (now_ms - milliseconds) / 1000
    text = f"{spoken(seconds)} ago" if seconds >= 0 else f"in {spoken(-seconds)}"
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="milliseconds"), shown, text)


def minute(milliseconds: float) -> Markup:
    """Write which minute of a day it was; charts take it from there."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="minutes"), f"{at:%H:%M}")


def count(number: int) -> str:
    """Write a count so that thousands are seen."""
    return f"{number:,}"


def with_code(text: str) -> Markup:
    """Show what stands between backticks as code; all of it is text, whoever wrote it."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them has no other
        return escape(text)
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if place % 2 else escape(part) for place, part in enumerate(parts))


FILTERS = {
    "spoken": spoken,
    "moment": moment,
    "ago": ago,
    "minute": minute,
    "count": count,
    "with_code": with_code,
}

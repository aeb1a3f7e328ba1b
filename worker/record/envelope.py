"""Wrap a record's data in its envelope: CloudEvents 1.0, structured mode (https://github.com/cloudevents/spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from datetime import datetime


def event_id(digest: str) -> str:
    """Return the id of a record from its hexadecimal digest: the same record always has the same id."""
    return f"evt_{digest[:40]}"


def envelope(
    event_type: str, account_sid: str, *, known_as: str, subject: str, time: str | datetime, data: dict[str, Any]
) -> dict[str, Any]:
    """Return `data` about an account in its envelope. `known_as` is from `event_id`; `time` is used unchanged."""
    return {
        "specversion": "1.0",
        "id": known_as,
        "source": f"/exotel/accounts/{quote(account_sid, safe='')}",
        "type": event_type,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }

"""What changed between two revisions of a call's record, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from webhook.operations.times import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from webhook.operations.masking import Shown

_NONE = "none"
# The fields that people know, and how each is shown: as a text, a party's number, a time in seconds, or yes and no.
_FIELDS = {
    "status": ("status", "text"),
    "direction": ("direction", "text"),
    "outcome": ("outcome", "text"),
    "scenario": ("scenario", "text"),
    "customer": ("customer", "number"),
    "agent": ("agent", "number"),
    "exophone": ("virtual number", "number"),
    "wait_seconds": ("wait", "seconds"),
    "talk_seconds": ("talk", "seconds"),
    "duration_seconds": ("duration", "seconds"),
    "monitored": ("monitored", "flag"),
    "recording_url": ("recording", "text"),
    "custom_field": ("custom field", "text"),
}


class Changed(NamedTuple):
    """A field that differs, before and after."""

    name: str
    before: str
    after: str


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], shown: Shown) -> list[Changed]:
    """Return what differs between two records' `data`, in the order in which people read a call; legs are counted."""
    ways: dict[str, Callable[[Any], str]] = {
        "text": lambda value: _NONE if value is None else shown.as_asked(str(value)),
        "number": shown.number,
        "seconds": lambda value: _NONE if value is None else clock_time(value),
        "flag": lambda value: "yes" if value else "no",
    }
    found = [
        Changed(name, ways[way](before.get(key)), ways[way](after.get(key)))
        for key, (name, way) in _FIELDS.items()
        if before.get(key) != after.get(key)
    ]
    legs = [len(data.get("legs") or ()) for data in (before, after)]
    if legs[0] != legs[1]:
        found.append(Changed("legs", *map(str, legs)))
    elif before.get("legs") != after.get("legs") and not found:
        found.append(Changed("legs", "as before", "details changed"))
    return found

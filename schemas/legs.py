"""Parse the responses of Exotel's Legs API, in JSON or XML (exotel.md section 1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import EXCLUDE, Schema, ValidationError

from schemas.fields import Count, ExotelTime, Seconds, Status, Text, Word
from schemas.no_value import is_nothing
from schemas.plain import plain
from schemas.text import UNKNOWN, text_of
from schemas.times import in_utc
from schemas.xml import load_xml

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

# The statuses of a leg that will still change (contract section 4). An unknown status counts as final, since it must
# not keep a call waiting for ever; a missing one, which Exotel sends until a leg is final, does not.
UNFINISHED = frozenset({"queued", "ringing", "in-progress", None})

# In characters: an error's text goes into logs and pages.
_LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's part in a call, as Exotel reports it; None for what it does not report."""

    sid: str
    call_sid: str | None
    account_sid: str | None
    number_raw: str | None
    status: str | None
    origin: str | None
    last_action: str | None
    created_at: datetime | None
    updated_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    on_call_seconds: int | float
    exophone: str | None
    backup_exophone: str | None
    uri: str | None
    extra: dict[str, Any]
    """Unknown keys, and known ones with unreadable values, unchanged."""


@dataclass(frozen=True, slots=True)
class LegsAnswer:
    """A whole response: the legs, and how many Exotel says there are."""

    total: int | None
    count: int | None
    legs: tuple[Leg, ...]

    def why_not_final(self, call_sid: str, *, account_sid: str | None = None) -> str | None:
        """
        Return why this response is not final, in words for an operator; None if it is final.

        If `account_sid` is given, the legs must be of that account.
        """
        if any(leg.call_sid not in (None, call_sid) for leg in self.legs):
            return "the answer is about another call"
        if account_sid and any(leg.account_sid not in (None, account_sid) for leg in self.legs):
            return "the answer is about another account"
        if not self.legs:
            return "no legs yet"
        if self.total is None or self.count is None:
            return "the answer does not say how many legs there are"
        if not self.total == self.count == len(self.legs):
            return _why_incomplete(len(self.legs), self.count, self.total)
        unfinished = [leg.status or "without a status" for leg in self.legs if leg.status in UNFINISHED]
        return f"a leg is still {unfinished[0]}" if unfinished else None


def _why_incomplete(legs: int, count: int, total: int) -> str:
    """Return how Exotel's numbers of legs differ: those in the response, its `Count` and its `Total`."""
    # `Count` may be that of the legs in the response, or of all.
    if legs < total and count in {legs, total}:
        return f"Incomplete: Exotel returned {legs} of {total} legs"
    legs_returned = f"{legs} leg{'' if legs == 1 else 's'}"
    return f"Inconsistent: Exotel returned {legs_returned}, but reports a count of {count} and a total of {total}"


class _ExotelLeg(Schema):
    """A leg as Exotel writes it; keys are lower-cased, since their case differs from API to API."""

    class Meta:
        unknown = EXCLUDE

    sid = Text(required=True)
    call_sid = Text(data_key="callsid")
    account_sid = Text(data_key="accountsid")
    number_raw = Text(data_key="phonenumber")
    status = Status()
    origin = Word()
    last_action = Text(data_key="lastaction")
    created_at = ExotelTime(data_key="datecreated")
    updated_at = ExotelTime(data_key="dateupdated")
    started_at = ExotelTime(data_key="starttime")
    ended_at = ExotelTime(data_key="endtime")
    on_call_seconds = Seconds(data_key="oncallduration")
    exophone = Text()
    backup_exophone = Text(data_key="backupexophone")
    uri = Text()


class _MetaData(Schema):
    """How many legs there are, and how many of them are in the response."""

    class Meta:
        unknown = EXCLUDE

    total = Count()
    count = Count()


_LEG = _ExotelLeg()
_META = _MetaData()
_LEG_KEYS = {field.data_key or name: name for name, field in _LEG.load_fields.items()}
_TIMES = [name for name, field in _LEG.load_fields.items() if isinstance(field, ExotelTime)]
# Exotel's published sample misspells this key, so both spellings are read.
_MISSPELT = {"backupecophone": "backupexophone"}


def load_legs(body: bytes, *, timezone: ZoneInfo, charset: str | None = None) -> LegsAnswer:
    """
    Return a parsed response. `timezone` applies to times without a zone; `charset` is the HTTP header's.

    Raises ValidationError for anything that is not a list of legs, each with its Sid. No other error is worth
    losing the call for: an unreadable value is None, and is kept unchanged in `extra`.
    """
    document = _load(body, charset)
    top = _folded(document)
    # `<Leg>` elements may be directly below the root, without a list around them.
    listed = [top[key] for key in ("legs", "leg") if key in top]
    if not listed:
        raise ValidationError({"legs": [_error_text(document) or "Missing."]})
    counts, _ = _readable(_META, _folded(top.get("metadata")))
    legs = tuple(_leg(item, timezone) for item in _items(listed[0]))
    return LegsAnswer(counts.get("total"), counts.get("count"), legs)


def load_error(body: bytes) -> str | None:
    """Return the message of a RestException in JSON or XML, at most 200 characters; None if there is none."""
    try:
        return _error_text(_load(body))
    except ValidationError:
        return None


def _load(body: bytes, charset: str | None = None) -> Any:
    # The first character decides; a byte order mark or UTF-16's zeros may precede it.
    if body.lstrip(b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n").startswith(b"<"):
        return load_xml(body, charset=charset)
    text = text_of(body, charset=charset)
    try:
        try:
            return plain(_json(text))
        except ValueError:
            # Between two tokens, an unreadable byte belongs to no value.
            return plain(_json(text.replace(UNKNOWN, "")))
    # Not JSON; a number of thousands of digits (ValueError); nested a thousand levels deep.
    except (ValueError, RecursionError) as error:
        raise ValidationError({"body": ["Neither JSON nor XML."]}) from error


def _json(text: str) -> Any:
    # A control character in a string is invalid JSON, but no reason to lose the string.
    return json.loads(text, strict=False)


def _folded(value: Any) -> dict[str, Any]:
    return {_fold(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _fold(key: str) -> str:
    folded = key.replace("_", "").lower()
    return _MISSPELT.get(folded, folded)


def _items(listed: Any) -> list[Any]:
    """Return the legs from any form of list: JSON's, XML's (one `<Leg>` or several), or none."""
    if is_nothing(listed):
        return []
    if isinstance(listed, dict) and "sid" not in _folded(listed):
        return [item for value in listed.values() for item in (value if isinstance(value, list) else [value])]
    return listed if isinstance(listed, list) else [listed]


def _leg(item: Any, zone: ZoneInfo) -> Leg:
    if isinstance(item, dict) and len(item) == 1:  # {"Leg": {...}}, as the Call details API wraps them
        (inner,) = item.values()
        item = inner if isinstance(inner, dict) else item
    if not isinstance(item, dict):
        raise ValidationError({"legs": ["A leg is not an object."]})
    known: dict[str, str] = {}  # our key to Exotel's spelling of it
    for key in item:
        if _fold(key) in _LEG_KEYS:
            known.setdefault(_fold(key), key)
    found, unreadable = _readable(_LEG, {key: item[spelling] for key, spelling in known.items()})
    if "sid" in unreadable:
        raise ValidationError({"legs": [{"Sid": unreadable["sid"]}]})
    understood = {spelling for key, spelling in known.items() if key not in unreadable}
    values: dict[str, Any] = dict.fromkeys(_LEG_KEYS.values()) | found
    for name in _TIMES:
        values[name] = values[name] and in_utc(values[name], zone)
    values["on_call_seconds"] = values["on_call_seconds"] or 0
    return Leg(**values, extra={key: value for key, value in item.items() if key not in understood})


def _readable(schema: Schema, data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what could be loaded, and the errors of the rest by key."""
    try:
        return dict(schema.load(data)), {}
    except ValidationError as error:
        return dict(error.valid_data or {}), dict(error.messages_dict)


def _error_text(document: Any) -> str | None:
    told = _folded(_folded(document).get("restexception"))
    texts = [told.get("message"), told.get("description")]
    messages = [" ".join(text.split()) for text in texts if isinstance(text, str) and not is_nothing(text)]
    return ": ".join(messages)[:_LONGEST_ERROR] or None

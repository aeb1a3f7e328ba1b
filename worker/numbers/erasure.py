"""Erase one person's number from data, in every form in which Exotel and people write it; no I/O."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from marshmallow import fields

from schemas.plain import encodable
from schemas.record import EventSchema
from worker.numbers.masking import ERASED, free_name
from worker.numbers.patterns import Spellings
from worker.numbers.phone import to_e164

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT = re.compile(r'"source":"/exotel/accounts/([^"/]+)"')
_SIP = re.compile(r"sips?:(?P<user>[^@;?\s]+)(?P<rest>\S*)", re.IGNORECASE)
# The fields that identify a record or a leg.
_IDS = frozenset({"source", "subject", "account_sid", "sid", "response_sha256", "legwork_version"})
_EVENT = EventSchema()


def known_as(given: str, region: str) -> str | None:
    """Return the number in E.164, read as people in `region` write it or from a `sip:` URI; a URI without a number unchanged.

    None if it is neither.
    """
    text = given.strip()
    uri = _SIP.fullmatch(text)
    return to_e164(uri["user"] if uri else text, region) or (text if uri else None)


class Eraser:
    """Erases one number (or `sip:` URI), as `known_as` returned it, from the data of several accounts.

    `regions` gives the region of each account's national numbers, `otherwise` the region for all other data.
    """

    def __init__(self, number: str, regions: Mapping[str, str], otherwise: str) -> None:
        self.number = number
        self._by_region = {region: Erasure(number, region) for region in {otherwise, *regions.values()}}
        self._regions, self._otherwise = regions, otherwise

    def of(self, account_sid: str) -> Erasure:
        """Return the erasure for an account's data."""
        return self._by_region[self._regions.get(account_sid, self._otherwise)]

    def of_record(self, event: Any) -> Erasure:
        """Return the erasure for a record, even one changed by a projection."""
        source = event.get("source") if isinstance(event, dict) else None
        return self.of(str(source).rpartition("/")[2])

    def may_be_in(self, data: bytes) -> bool:
        """Return whether the data may contain the number; a False is certain."""
        text = data.decode("utf-8", "replace")
        return any(erasure.may_be_in(text) for erasure in self._by_region.values())

    def line(self, line: bytes) -> bytes:
        """Return a line of a file without the number; the same line if it does not contain it."""
        if not self.may_be_in(line):
            return line
        text = line.decode("utf-8", "replace")
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            of_account = _ACCOUNT.search(text)
            without = self.of(of_account[1] if of_account else "").text(text)
            return line if without == text else without.encode()
        without = self.of_record(event).record(event)
        return line if without == event else orjson.dumps(without) + b"\n"


class Erasure:
    """Erases one number as it is written in a region.

    Ids and times stay, and a record stays valid: a field for a number in E.164 becomes null, in other texts `erased`
    replaces the number. Data without the number is returned unchanged.
    """

    def __init__(self, number: str, region: str) -> None:
        self._spellings = Spellings(number, region)

    def may_be_in(self, text: str) -> bool:
        """Return whether the text may contain the number, cheaply; a False is certain."""
        return self._spellings.may_be_in(text)

    def text(self, text: str) -> str:
        """Return a text without the number."""
        if text.lstrip()[:1] in {"{", "["}:  # JSON in a CustomField, for instance, stays JSON
            # Not orjson, which changes numbers beyond 64 bits. Text that is nested too deep, or repeats a name, of which
            # a parser keeps only one value, is treated as plain text.
            with suppress(ValueError, RecursionError):
                document = json.loads(text, object_pairs_hook=_each_once)
                without = self.document(document)
                if without == document:
                    return text
                written = json.dumps(without, ensure_ascii=text.isascii(), allow_nan=False, separators=(",", ":"))
                return encodable(written)
        if not self.may_be_in(text):
            return text
        if self._spellings.is_all_of(text):
            return ERASED
        parts, end = [], 0
        for first, last in self._spellings.found_in(text):
            parts += [text[end:first], ERASED]
            end = last
        return "".join([*parts, text[end:]])

    def document(self, value: Any, *, kept: frozenset[str] = frozenset()) -> Any:
        """Return plain data without the number, whether it is a text, part of a text, a JSON number or a key.

        `kept` are ids, which stay even if they contain the number.
        """
        if isinstance(value, str):
            return value if value in kept else self.text(value)
        if isinstance(value, dict):
            without: dict[str, Any] = {}
            for name, item in value.items():
                without[free_name(self.text(name), without)] = self.document(item, kept=kept)
            return without
        if isinstance(value, list):
            return [self.document(item, kept=kept) for item in value]
        if isinstance(value, bool) or value is None or (isinstance(value, float) and not value.is_integer()):
            return value
        return ERASED if self.text(str(int(value))) == ERASED else value

    def record(self, event: Any) -> Any:
        """Return a record without the number, valid by its schema if it was; ids and times as they are."""
        if not isinstance(event, dict):
            return self.document(event)
        if "dataschema" in event:
            return self._fields(_EVENT.fields, event)
        # Made by a projection, or about no call: any field outside the envelope may contain the number.
        data = event.get("data")
        kept = {data.get("account_sid"), data.get("call_sid")} if isinstance(data, dict) else set()
        ids = frozenset(str(sid) for sid in kept if sid)
        return {
            name: value if name in _EVENT.fields and name != "data" else self.document(value, kept=ids)
            for name, value in event.items()
        }

    def body(self, body: bytes) -> bytes:
        """Return a response of Exotel, JSON or XML, without the number."""
        text = body.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n")
        without = self.text(text)
        return body if without == text else without.encode("utf-8", "surrogateescape")

    def _fields(self, declared: Mapping[str, fields.Field[Any]], values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value if name in _IDS else self._field(declared.get(name), value) for name, value in values.items()
        }

    def _field(self, field: fields.Field[Any] | None, value: Any) -> Any:
        if isinstance(field, fields.Nested) and isinstance(value, dict):
            return self._fields(field.schema.fields, value)
        if isinstance(field, fields.List) and isinstance(value, list):
            return [self._field(field.inner, item) for item in value]
        if field is None or isinstance(field, fields.Dict):
            return self.document(value)
        if type(field) is not fields.String or not isinstance(value, str):
            return value  # a time, a duration, a count
        without = self.text(value)
        if without == value or not field.validators:
            return without
        # It has a fixed form, which `erased` would violate: a number in E.164, or an id.
        return None if field.allow_none else value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found

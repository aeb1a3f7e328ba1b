"""Marshmallow fields for Exotel's values: each knows the spellings of its values, and of "no value"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from schemas.no_value import is_nothing
from schemas.times import parse_time, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# A year. Exotel ends a call after four hours (14400 s), so a longer "duration" is something else.
MAX_SECONDS = 366 * 24 * 3600

_CALL_SID = re.compile(r"[0-9A-Za-z]{8,64}")
_DECIMAL = re.compile(r"\d{1,8}(?:\.\d{1,9})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


class NothingAware(fields.Field[Any]):
    """A field that reads every spelling of "no value" as None, or refuses it if a value is required."""

    default_error_messages = {"invalid": "Not readable."}  # noqa: RUF012  (marshmallow merges these itself)

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        if not required:
            options.setdefault("load_default", None)
        options.setdefault("allow_none", not required)
        super().__init__(required=required, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        del attr, data, kwargs
        if not is_nothing(value):
            return self.read(value)
        if self.required:
            raise self.make_error("required")
        return None

    def read(self, value: Any) -> Any:
        """Return what a present value means. Raises ValidationError if it cannot be read."""
        raise NotImplementedError


class Text(NothingAware):
    """Text without surrounding whitespace; an integer becomes the text of its digits."""

    def read(self, value: Any) -> str:
        """Accept text, and integers from senders that use a number where Exotel uses text."""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise self.make_error("invalid")


class CallSid(Text):
    """A CallSid: 8 to 64 letters and digits (32 in practice, exotel.md section 7), no whitespace around it."""

    default_error_messages = {"invalid": "Not a CallSid: 8 to 64 letters and digits."}  # noqa: RUF012

    def read(self, value: Any) -> str:
        """Accept the value unchanged; whitespace around it makes it invalid."""
        text = value if isinstance(value, str) else super().read(value)
        if not _CALL_SID.fullmatch(text):
            raise self.make_error("invalid")
        return text


class Word(Text):
    """A word of an open vocabulary, in lower case; unknown words are accepted."""

    def read(self, value: Any) -> str:
        """Return the word in lower case, since Exotel writes `Human`, `HUMAN`, `Outbound-dial` and `outbound-dial`."""
        return super().read(value).lower()


class Status(Word):
    """The status of a call or a leg, with one spelling of "canceled"."""

    def read(self, value: Any) -> str:
        """Turn the British spelling into the one of Exotel's own documentation."""
        word = super().read(value)
        return "canceled" if word == "cancelled" else word


class Seconds(NothingAware):
    """Seconds, which Exotel writes as a number or as text; never negative, at most MAX_SECONDS."""

    def read(self, value: Any) -> int | float:
        """Accept `25`, `"25"`, `2.5` and `"2.5"`; an integer stays an int."""
        if isinstance(value, str) and _DECIMAL.fullmatch(text := value.strip()):
            value = float(text) if "." in text else int(text)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
            raise self.make_error("invalid")
        return int(value) if isinstance(value, float) and value.is_integer() else value


class Count(NothingAware):
    """A count, written as a number or as text."""

    def read(self, value: Any) -> int:
        """Accept `3` and `"3"`."""
        if isinstance(value, str) and _WHOLE.fullmatch(text := value.strip()):
            return int(text)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.make_error("invalid")


class ExotelTime(NothingAware):
    """A time in any of Exotel's formats; naive if the text has no zone, which is then the account's."""

    def read(self, value: Any) -> datetime:
        """Parse the time with `schemas.times.parse_time`."""
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return parse_time(value.strip())
        except ValueError as error:
            raise self.make_error("invalid") from error


class Instant(fields.AwareDateTime):
    """An instant as Legwork writes it: in UTC with a `Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        del attr, obj, kwargs
        return None if value is None else write_time(value)

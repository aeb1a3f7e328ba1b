"""Fields that several shapes share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from webhook.operations.cursors import PATTERN

#: The largest page size; the console's pages have 50.
LONGEST_PAGE = 200


class TrueOrFalse(fields.Boolean):
    """A JSON boolean; marshmallow's own field also takes texts such as `off` and `yes`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TrueOrFalseInUrl(fields.Boolean):
    """A boolean in a query: `true` or `false`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **options)


class Whole(validate.Regexp):
    """The whole text matches a pattern; Python's `$` alone would allow a trailing line feed."""

    def __call__(self, value: Any) -> Any:
        """Return the text. Raises ValidationError."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


class Instant(fields.AwareDateTime):
    """A timestamp with a UTC offset."""

    def __init__(self, **options: Any) -> None:
        # In a URL an unescaped plus is a space, so that the offset is lost.
        right = "Give a timestamp with a UTC offset, such as 2026-09-16T05:30:00Z; in a URL, write + as %2B."
        super().__init__(error_messages={"invalid": right, "invalid_awareness": right}, **options)


class Cursor(fields.String):
    """A cursor: the `next` of the previous page."""

    def __init__(self, pattern: str = PATTERN, **options: Any) -> None:
        super().__init__(
            validate=Whole(f"^{pattern}$", error="Give the `next` of a previous response, unchanged."),
            metadata={"description": "The `next` of the previous page."},
            **options,
        )


def page_size(default: int = 50) -> fields.Integer:
    """The page size."""
    return fields.Integer(
        load_default=default,
        validate=validate.Range(1, LONGEST_PAGE),
        metadata={"description": "Maximum number of items per page."},
    )


def timestamp(description: str, **options: Any) -> fields.String:
    """Return the field of a response's timestamp, which is already text in UTC."""
    return fields.String(allow_none=True, metadata={"format": "date-time", "description": description}, **options)


def call_sids(most: int) -> fields.List[str]:
    """Return the field for a list of CallSids."""
    return fields.List(
        fields.String(validate=Whole(r"^[0-9A-Za-z]{8,64}$", error="Not a CallSid.")),
        validate=validate.Length(1, most),
        metadata={"description": "The calls, by their CallSids."},
    )


def check_span(since: datetime, until: datetime | None) -> None:
    """Raise ValidationError for an empty time span."""
    if (until or datetime.now(UTC)) <= since:
        raise ValidationError("Must be before `until`, which defaults to now.", "since")

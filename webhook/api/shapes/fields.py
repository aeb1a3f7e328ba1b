"""Fields that several shapes share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from webhook.operations.cursors import PATTERN

#: As many as the console shows on a page, twice over.
LONGEST_PAGE = 200


class TrueOrFalse(fields.Boolean):
    """One of the two, and not what else might stand for them: `off` would be false, and `none` an error."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TrueOrFalseInUrl(fields.Boolean):
    """The same as a parameter of a URL, where it can only be written out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **options)


class Whole(validate.Regexp):
    """All of the text fits a pattern: to Python's `$` alone, it may have a line end too many."""

    def __call__(self, value: Any) -> Any:
        """Return the text. Raises ValidationError."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


class Instant(fields.AwareDateTime):
    """A moment, in whichever zone."""

    def __init__(self, **options: Any) -> None:
        # In a URL a plus is a space, and what was meant for a zone is none.
        right = "Give a moment with its zone, such as 2026-09-16T05:30:00Z; in a URL, a + is written %2B."
        super().__init__(error_messages={"invalid": right, "invalid_awareness": right}, **options)


class Cursor(fields.String):
    """Where a page of calls ended, as `next` tells it."""

    def __init__(self, pattern: str = PATTERN, **options: Any) -> None:
        super().__init__(
            validate=Whole(f"^{pattern}$", error="Give what an answer called `next`, as it is."),
            metadata={"description": "The `next` of the page before."},
            **options,
        )


def page_size(default: int = 50) -> fields.Integer:
    """How many a page is to have."""
    return fields.Integer(
        load_default=default,
        validate=validate.Range(1, LONGEST_PAGE),
        metadata={"description": "So many at most on a page."},
    )


def moment(description: str, **options: Any) -> fields.String:
    """Describe a moment that is written in UTC already."""
    return fields.String(allow_none=True, metadata={"format": "date-time", "description": description}, **options)


def call_sids(most: int) -> fields.List[str]:
    """Some calls by their SIDs."""
    return fields.List(
        fields.String(validate=Whole(r"^[0-9A-Za-z]{8,64}$", error="Not a CallSid.")),
        validate=validate.Length(1, most),
        metadata={"description": "The calls, by their CallSids."},
    )


def check_span(since: datetime, until: datetime | None) -> None:
    """Raise ValidationError for a span of time that is empty."""
    if (until or datetime.now(UTC)) <= since:
        raise ValidationError("Has to be before `until`, which is now if it is not given.", "since")

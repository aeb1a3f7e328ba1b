"""Compute the day of a record or a file in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from schemas.settings.fields import Zone

if TYPE_CHECKING:
    from datetime import date, tzinfo

UTC_ZONE = ZoneInfo("UTC")


class DayZone(Zone):
    """The option `zone`: a time zone by its name."""

    def __init__(self, doc: str) -> None:
        """`doc` is the option's meaning."""
        super().__init__(load_default=UTC_ZONE, metadata={"doc": doc})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> ZoneInfo:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            raise ValidationError(f"{error.messages[0]}; {self.right}") from None


def day_of(instant: datetime, zone: tzinfo) -> str:
    """Return the day of an instant, as in `2026-09-16`."""
    try:
        return instant.astimezone(zone).date().isoformat()
    except OverflowError:  # the first or the last day of the calendar
        return instant.date().isoformat()


def today(zone: tzinfo) -> date:
    """Return the current day."""
    return datetime.now(UTC).astimezone(zone).date()

"""Reads what a page's URL chooses. Raises ValueError with what is wrong, and what would be right."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

#: How a datetime-local input writes a time.
IN_A_FORM = "%Y-%m-%dT%H:%M"


def moment_ms(text: str, zone: tzinfo) -> float | None:
    """Return the value of a datetime-local input, such as `2026-09-16T11:00`, as a time in the given zone, in milliseconds."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000
    except (ValueError, OverflowError):
        raise ValueError("That is no time: give 2026-09-16T11:00, or 2026-09-16T05:30Z.") from None


def check_choice(name: str, given: str, choices: Iterable[Any]) -> None:
    """Refuse a choice that there is not; '' is none."""
    if given and given not in choices:
        raise ValueError(f"There is no {name} {given!r}. {name.capitalize()}s: {', '.join(choices)}.")

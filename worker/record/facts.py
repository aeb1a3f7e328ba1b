"""Derive a call's status, scenario, times and durations from its legs alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from worker.record.roles import Part, with_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from schemas.legs import Leg

# The statuses of an unreached party, the most informative first.
_TELLING = ("busy", "no-answer", "failed", "canceled")


def facts_of(parts: Sequence[Part]) -> dict[str, Any]:
    """Return the fields that contract section 5 derives from the legs alone; times are timezone-aware datetimes."""
    callees = with_role(parts, "callee")
    started_at, ended_at = _span(part.leg for part in parts)
    return {
        "status": _status(with_role(parts, "caller"), callees),
        "started_at": started_at,
        "ended_at": ended_at,
        "duration_seconds": _duration(started_at, ended_at),
        "talk_seconds": total(part.leg.on_call_seconds for part in callees),
        "participant_count": len({part.party for part in parts if part.talked and part.role != "supervisor"}),
        "scenario": _scenario(callees),
        # A supervisor who was rung and did not answer did not monitor the call.
        "monitored": any(part.talked for part in with_role(parts, "supervisor")),
    }


def _status(callers: Sequence[Part], callees: Sequence[Part]) -> str | None:
    if any(part.talked for part in callers) and any(part.talked for part in callees):
        return "completed"
    return most_telling(callees) or most_telling(callers)


def most_telling(parts: Iterable[Part]) -> str | None:
    """Return the most informative status of parties that were not reached; None if no leg has one."""
    statuses = [part.leg.status for part in parts if part.leg.status]
    # Among equally informative ones `min` takes the first, in the order of the legs.
    return min(
        statuses,
        key=lambda status: _TELLING.index(status) if status in _TELLING else len(_TELLING),
        default=None,
    )


def _span(legs: Iterable[Leg]) -> tuple[datetime | None, datetime | None]:
    starts: list[datetime] = []
    ends: list[datetime] = []
    for leg in legs:
        starts += [moment for moment in (leg.created_at, leg.started_at) if moment]
        ends += [moment for moment in (leg.ended_at, leg.updated_at) if moment]
    return min(starts, default=None), max(ends, default=None)


def _duration(started_at: datetime | None, ended_at: datetime | None) -> int | None:
    # An end before the start gives no duration.
    if started_at is None or ended_at is None or ended_at < started_at:
        return None
    return int((ended_at - started_at).total_seconds())


def _scenario(callees: Sequence[Part]) -> str:
    if not callees:
        return "unknown"
    talked = {part.party for part in callees if part.talked}
    if not talked:
        return "unanswered"
    return "direct" if len(talked) == 1 else "multi_party"


def total(seconds: Iterable[float]) -> int | float:
    """Return a sum of seconds, whole where it is whole."""
    return whole(math.fsum(seconds))


def whole(seconds: float) -> int | float:
    """Return seconds as an int where they are whole, as Exotel writes most of them."""
    return int(seconds) if seconds.is_integer() else seconds

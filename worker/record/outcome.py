"""How a call went for the customer: answered or not, when, and after how long a wait (contract section 14)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.record.facts import most_telling, whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.record.roles import Part
    from worker.record.sides import Sides

# What an outbound call came to by the status of the customer's leg; any other status is a failure.
_NOT_REACHED = {"busy": "busy", "no-answer": "missed"}


def outcome_of(direction: str | None, sides: Sides) -> str | None:
    """Return `answered`, `missed`, `busy` or `failed`; None where there are no legs to tell it by.

    The agents answer an inbound call, the customer answers an outbound one.
    """
    if direction == "inbound":
        if any(part.talked for part in sides.agent_legs):
            return "answered"
        return "missed" if sides.customer_legs or sides.agent_legs else None
    if not sides.customer_legs:
        return None
    if any(part.talked for part in sides.customer_legs):
        return "answered"
    return _NOT_REACHED.get(most_telling(sides.customer_legs) or "", "failed")


def answer_times(callees: Sequence[Part], started_at: datetime | None) -> dict[str, Any]:
    """Return `answered_at`, an aware datetime, and `wait_seconds` since `started_at`; None where they are not known.

    Exotel does not tell when a party picked up. It tells when the leg ended and how long the party was on the call.
    """
    answered_at = _answered_at(callees)
    wait = (answered_at - started_at).total_seconds() if answered_at and started_at else None
    # An answer before the beginning measures nothing.
    return {"answered_at": answered_at, "wait_seconds": None if wait is None or wait < 0 else whole(wait)}


def _answered_at(callees: Sequence[Part]) -> datetime | None:
    first = next((part for part in callees if part.talked), None)
    if first is None:
        return None
    ended_at = first.leg.ended_at or first.leg.updated_at
    return ended_at - timedelta(seconds=first.leg.on_call_seconds) if ended_at else None

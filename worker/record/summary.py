"""What a list tells of a call: the facts of its newest record, or before there is one, of its callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.times import write_time
from worker.record.hints import Hints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from schemas.callback import Callback

_OF_DATA = (
    "direction",
    "outcome",
    "customer",
    "agent",
    "exophone",
    "started_at",
    "ended_at",
    "wait_seconds",
    "talk_seconds",
    "duration_seconds",
    "custom_field",
    "recording_url",
)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call in a line. Times are in ISO 8601, as in the record; None is what is not known, or not known yet."""

    direction: str | None = None
    outcome: str | None = None
    #: In E.164 where it has that form; an agent on a softphone by the SIP address.
    customer: str | None = None
    agent: str | None = None
    exophone: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    wait_seconds: float | None = None
    talk_seconds: float | None = None
    duration_seconds: float | None = None
    custom_field: str | None = None
    recording_url: str | None = None
    #: How many; None before any was seen.
    legs: int | None = None
    #: Each agent who was tried, as in the record.
    agents: Sequence[Mapping[str, Any]] = ()

    @property
    def is_whole(self) -> bool:
        """Return whether callbacks can add nothing."""
        return self.legs is not None and self.customer is not None and self.direction is not None


def facts_of_record(event: Mapping[str, Any]) -> CallFacts:
    """Return the facts that a record tells; records of an earlier version tell fewer."""
    data = event.get("data") or {}
    told = {name: data.get(name) for name in _OF_DATA}
    told["agent"] = told["agent"] or data.get("agent_raw")
    legs = data.get("legs")
    return CallFacts(**told, legs=len(legs) if legs else None, agents=data.get("agents") or ())


def facts_of_callbacks(callbacks: Sequence[Callback], *, region: str, timezone: tzinfo) -> CallFacts:
    """Return the facts that callbacks tell before there is a record. They are not signed, and may be wrong."""
    hints = Hints(callbacks, region=region, timezone=timezone)
    started_at = hints.started_at()
    return CallFacts(
        direction=hints.direction,
        customer=hints.customer_number(),
        exophone=hints.exophone,
        started_at=None if started_at is None else write_time(started_at),
        custom_field=hints.custom_field,
        recording_url=hints.recording_url,
    )


def filled(facts: CallFacts, hinted: CallFacts) -> CallFacts:
    """Return facts with those that are not known taken from what callbacks hinted."""
    return CallFacts(
        **{
            name: getattr(hinted, name) if getattr(facts, name) is None else getattr(facts, name)
            for name in CallFacts.__slots__
        }
    )

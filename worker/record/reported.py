"""What reports need of a call: a few fields of its newest record, checked, since a record may come from a file."""

from __future__ import annotations

from datetime import UTC, datetime
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.numbers.masking import ERASED

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = (int, float)
_TEXT = (str, type(None))


class TriedAgent(NamedTuple):
    """An agent who was tried: in E.164 where there is such a number, a softphone by its SIP address.

    None without either, and where it was erased: that may be any of several people.
    """

    name: str | None
    answered: bool
    talk_seconds: float


class ReportedCall(NamedTuple):
    """A call in a report. `wait_seconds` is the time from its beginning to the first answer, None where nobody answered."""

    account_sid: str
    #: In UTC; of a call whose beginning is not known, when its first callback arrived.
    began_at: datetime
    direction: str | None
    #: One of OUTCOMES; None where it is not known.
    outcome: str | None
    customer: str | None
    wait_seconds: float | None
    agents: tuple[TriedAgent, ...]


def reported_call(data: Mapping[str, Any]) -> ReportedCall:
    """Return the call of a record's `data`. Raises ValueError if that is not what a record has there."""
    try:
        began_at = datetime.fromisoformat(data["started_at"] or data["provenance"]["first_callback_at"])
        call = ReportedCall(
            account_sid=intern(data["account_sid"]),
            began_at=began_at if began_at.tzinfo is UTC else _in_utc(began_at),
            direction=_same(data["direction"]),
            # Records of an earlier version lack the last three.
            outcome=_same(data.get("outcome")),
            customer=data["customer"],
            wait_seconds=data.get("wait_seconds"),
            agents=tuple([_agent(agent) for agent in data.get("agents") or ()]),
        )
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"no data of a record: {error!r}") from error
    if not (
        isinstance(call.account_sid, str)
        and isinstance(call.direction, _TEXT)
        and isinstance(call.outcome, _TEXT)
        and isinstance(call.customer, _TEXT)
        and (call.wait_seconds is None or isinstance(call.wait_seconds, _NUMBER))
    ):
        raise ValueError("no data of a record: a value has another type")
    return call


def _agent(agent: Mapping[str, Any]) -> TriedAgent:
    name, seconds = agent["number"] or agent["number_raw"], agent["on_call_seconds"]
    if not isinstance(name, _TEXT) or not isinstance(seconds, _NUMBER):
        raise ValueError("no data of a record: an agent's value has another type")  # noqa: TRY004  as for all of the data
    return TriedAgent(None if name == ERASED else _same(name), agent["status"] == "completed", seconds)


def _same(text: str | None) -> str | None:
    """Return the one copy of a text that many calls have: of files, a report holds all calls at once."""
    return text and intern(text)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("no data of a record: a time without a zone")
    return moment.astimezone(UTC)

"""Build the record of a call from Exotel's answer and the callbacks; no I/O, no clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from schemas.plain import encodable
from schemas.record import DATASCHEMA, EVENT, TYPE_COMPLETED, TYPE_CORRECTED, TYPE_UNAVAILABLE
from worker.numbers.masking import ERASED
from worker.numbers.phone import to_e164
from worker.record.envelope import envelope, event_id
from worker.record.facts import facts_of
from worker.record.hints import Hints
from worker.record.outcome import answer_times, outcome_of
from worker.record.roles import Part, direction, parts_of, with_role
from worker.record.sides import agents_of, sides_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, tzinfo

    from schemas.callback import Callback
    from schemas.legs import LegsAnswer

_VERSION = version("legwork")

# The fields that depend on the legs alone. A late callback may also change direction, exophone, customer and agent, but
# only a later *fetch* makes a correction.
_FACTS = (
    "legs",
    "status",
    "started_at",
    "ended_at",
    "duration_seconds",
    "talk_seconds",
    "participant_count",
    "scenario",
    "monitored",
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The provenance of a record."""

    fetched_at: datetime | None
    fetches: int
    response_sha256: str | None
    first_callback_at: datetime
    waited_seconds: Mapping[str, float]
    """Seconds spent on `settle`, `quota` and `fetch`."""


def build_record(
    *,
    account_sid: str,
    call_sid: str,
    revision: int,
    settled: bool,
    callbacks: Sequence[Callback],
    answer: LegsAnswer | None,
    provenance: Provenance,
    timezone: tzinfo,
    region: str = "IN",
    reason: str | None = None,
) -> dict[str, Any]:
    """
    Return the complete CloudEvent of contract section 5, ready for JSON.

    Without legs it says that the call is unavailable, and `reason` why. `timezone` applies to times without a
    zone; `region` (such as `IN`) is the country whose phone number format applies.
    """
    parts = parts_of(answer.legs if answer else (), region)
    hints = Hints(callbacks, region=region, timezone=timezone)
    facts = facts_of(parts)
    event_type = _event_type(parts, revision)
    legs = [_leg(part, region) for part in parts]
    data = {
        "account_sid": account_sid,
        "call_sid": call_sid,
        "revision": revision,
        "settled": settled,
        **facts,
        **answer_times(with_role(parts, "callee"), facts["started_at"]),
        **_who(parts, hints),
        "exophone": next((leg["exophone"] for leg in legs if leg["exophone"]), None) or hints.exophone,
        "legs": legs,
        "callbacks": hints.callbacks,
        "custom_field": hints.custom_field,
        "recording_url": hints.recording_url,
        "digits": hints.digits,
        **({"reason": encodable(reason)} if reason else {}),
        "provenance": {
            "fetched_at": provenance.fetched_at,
            "fetches": provenance.fetches,
            "response_sha256": provenance.response_sha256,
            "first_callback_at": provenance.first_callback_at,
            "waited_seconds": provenance.waited_seconds,
            "legwork_version": _VERSION,
        },
    }
    return dict(
        EVENT.dump(
            envelope(
                event_type,
                account_sid,
                known_as=_event_id(account_sid, call_sid, revision, event_type),
                subject=call_sid,
                time=facts["ended_at"] or hints.ended_at() or provenance.first_callback_at,
                data=data,
            )
            | {"dataschema": DATASCHEMA}
        )
    )


def same_facts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two records agree in their legs and in what follows from them, so that no correction is needed.

    A number that was erased from `one` and is present in `other` is not a difference, and so is not sent again.
    """
    before, now = one["data"], other["data"]
    erased = {leg["sid"] for leg in before["legs"] if ERASED in (leg["number_raw"] or "")}
    if not all(before[name] == now[name] for name in _FACTS if name != "legs"):
        return False
    return _comparable(before["legs"], erased) == _comparable(now["legs"], erased)


def _comparable(legs: Sequence[dict[str, Any]], erased: Collection[str]) -> list[dict[str, Any]]:
    return [{**leg, "number": None, "number_raw": None, "extra": None} if leg["sid"] in erased else leg for leg in legs]


def _event_type(parts: Sequence[Part], revision: int) -> str:
    if not parts:
        return TYPE_UNAVAILABLE
    return TYPE_CORRECTED if revision > 1 else TYPE_COMPLETED


def _event_id(account_sid: str, call_sid: str, revision: int, event_type: str) -> str:
    # Standard Webhooks signs "id.timestamp.body", so an id must not contain a full stop; hexadecimal never does.
    name = "\n".join((account_sid, call_sid, str(revision), event_type))
    return event_id(hashlib.sha256(name.encode()).hexdigest())


def _who(parts: Sequence[Part], hints: Hints) -> dict[str, Any]:
    way = direction(parts) or hints.direction
    sides = sides_of(way, parts, hints)
    agent = sides.agent
    return {
        "direction": way,
        "outcome": outcome_of(way, sides),
        "customer": sides.customer.number if sides.customer else None,
        "agent": agent.number if agent else None,
        # Softphones have no number in E.164; who reads the record still wants to know which agent it was.
        "agent_raw": agent.leg.number_raw if agent and not agent.number else None,
        "agents": agents_of(sides),
    }


def _leg(part: Part, region: str) -> dict[str, Any]:
    leg = part.leg
    exophones = {"ExoPhone": leg.exophone, "BackupExoPhone": leg.backup_exophone}
    numbers = {name: to_e164(raw, region) if raw else None for name, raw in exophones.items()}
    return {
        "sid": leg.sid,
        "role": part.role,
        "number": part.number,
        "number_raw": leg.number_raw,
        "number_kind": part.number_kind,
        "status": leg.status,
        "origin": leg.origin,
        "last_action": leg.last_action,
        "created_at": leg.created_at,
        "updated_at": leg.updated_at,
        "started_at": leg.started_at,
        "ended_at": leg.ended_at,
        "on_call_seconds": leg.on_call_seconds,
        "exophone": numbers["ExoPhone"],
        "backup_exophone": numbers["BackupExoPhone"],
        "uri": leg.uri,
        # A number that has no E.164 form keeps its text here.
        "extra": leg.extra | {name: raw for name, raw in exophones.items() if raw and not numbers[name]},
    }

"""Create ordinary calls' callbacks, legs and records, and put them into the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from schemas.callback import load_callbacks
from schemas.legs import load_legs
from worker.record.build import Provenance, build_record

if TYPE_CHECKING:
    from schemas.callback import Callback
    from worker.ledger import Ledger

ACCOUNT = "acme1m"
_NOW = datetime(2026, 9, 16, 5, 50, tzinfo=UTC)
_CALLBACK = [("EventType", "terminal"), ("Status", "completed"), ("From", "09000000001"), ("To", "09000000002")]
_PARTIES = [("outbound", "09000000001", 25), ("outbound-dial", "09000000002", 9)]


def legs_of(call_sid: str) -> list[dict[str, Any]]:
    """Return two final legs, as the Legs API sends them."""
    return [
        {
            "Sid": f"{place}a1b2c3d4e5f60718293a4b5c6d71a9g",
            "CallSid": call_sid,
            "AccountSid": ACCOUNT,
            "DateCreated": "2026-09-16 11:12:39",
            "DateUpdated": "2026-09-16 11:13:08",
            "Status": "completed",
            "Origin": origin,
            "PhoneNumber": number,
            "OnCallDuration": seconds,
            "Uri": "/v1/Accounts/acme1m/Calls/legs",
        }
        for place, (origin, number, seconds) in enumerate(_PARTIES)
    ]


def callback_of(call_sid: str) -> Callback:
    """Return the StatusCallback of an ended call."""
    (callback,) = load_callbacks("status", [("CallSid", call_sid), *_CALLBACK], received_at=_NOW)
    return callback


def make_records(count: int) -> list[dict[str, Any]]:
    """Return the records of a number of calls, with two legs and one callback each."""
    provenance = Provenance(_NOW, 1, "0" * 64, _NOW, {"settle": 120.0, "quota": 0.3, "fetch": 0.2})
    records = []
    for number in range(count):
        call_sid = f"{number:032}"
        answer = load_legs(json.dumps({"legs": legs_of(call_sid)}).encode(), timezone=ZoneInfo("Asia/Kolkata"))
        records.append(
            build_record(
                account_sid=ACCOUNT,
                call_sid=call_sid,
                revision=1,
                settled=True,
                callbacks=[callback_of(call_sid)],
                answer=answer,
                provenance=provenance,
                timezone=ZoneInfo("Asia/Kolkata"),
            )
        )
    return records


def admit(ledger: Ledger, record: dict[str, Any]) -> None:
    """Store the callback of a record's call, as the web does; it is due at once."""
    ledger.calls[ACCOUNT].admit(callback_of(record["subject"]), wait_seconds=0.0)


def queue(ledger: Ledger, record: dict[str, Any]) -> None:
    """Put a record on the backlog of every sink, as after a final fetch."""
    ledger.calls[ACCOUNT].announce(record["subject"], record, [spec.name for spec in ledger.settings.sinks])

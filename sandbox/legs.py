"""The legs of a call: as the Legs API shows them, and as ground truth for test drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.calls import BACKUP_EXOPHONE, EXOPHONE, Call
from sandbox.times import exotel_time, utc_time

if TYPE_CHECKING:
    from sandbox.plans import LegPlan


def exotel_leg(call: Call, leg: LegPlan) -> dict[str, Any]:
    """Return a leg as the Legs API writes it.

    As in Exotel's own example only the last leg has `StartTime`, `EndTime` and the ExoPhones (the second one
    spelt as there), and `EndTime` is a second later than `DateUpdated`.
    """
    sid = call.leg_sid(leg)
    began, over = call.began + leg.after, call.began + leg.over_after
    shown: dict[str, Any] = {
        "Sid": sid,
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        "PhoneNumber": call.number(leg),
        "Status": leg.status,
        "Origin": leg.origin,
        "LastAction": leg.last_action,
        "DateCreated": exotel_time(began),
        "DateUpdated": exotel_time(over - 1),
    }
    if leg is call.scenario.legs[-1]:
        shown |= {
            "StartTime": exotel_time(began),
            "EndTime": exotel_time(over),
            "ExoPhone": EXOPHONE,
            "BackupEcoPhone": BACKUP_EXOPHONE,
        }
    return shown | {
        "OnCallDuration": leg.talks,
        "Uri": f"/v1/Accounts/{call.account_sid}/Calls/{call.sid}/Legs/{sid}",
    }


def exotel_legs(call: Call) -> dict[str, Any]:
    """Return the final answer of the Legs API."""
    return legs_answer([exotel_leg(call, leg) for leg in call.scenario.legs])


def legs_answer(legs: list[dict[str, Any]], *, total: int | None = None) -> dict[str, Any]:
    """Return legs in their envelope: `MetaData` with a capital D, `legs` in lower case."""
    return {"MetaData": {"Total": len(legs) if total is None else total, "Count": len(legs)}, "legs": legs}


def truth(call: Call) -> dict[str, Any]:
    """Return what really happened in a call, and what the Legs API should finally say; times in UTC."""
    scenario = call.scenario
    return {
        "sid": call.sid,
        "account_sid": call.account_sid,
        "scenario": scenario.name,
        "code": scenario.code,
        "direction": "inbound" if scenario.inbound else "outbound",
        "from": call.caller,
        "to": call.callee,
        "customer": call.customer,
        "exophone": EXOPHONE,
        "custom_field": call.custom_field,
        "placed_at": utc_time(call.placed),
        "started_at": utc_time(call.began),
        "ended_at": utc_time(call.ended),
        "legs": [
            {
                "sid": call.leg_sid(leg),
                "number": call.number(leg),
                "origin": leg.origin,
                "status": leg.status,
                "last_action": leg.last_action,
                "created_at": utc_time(int(call.began + leg.after)),
                "ended_at": utc_time(int(call.began + leg.over_after)),
                "on_call_seconds": leg.talks,
            }
            for leg in scenario.legs
        ],
        "reads": call.reads,
        "callbacks": list(call.posted),
    }

"""What Exotel posts about a call: the parameters of each callback at each stage of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.calls import BACKUP_EXOPHONE, EXOPHONE, Call
from sandbox.times import NO_END_YET, created_time, exotel_time

if TYPE_CHECKING:
    from sandbox.plans import LegPlan, Post

Parameters = dict[str, Any]

# The cause of a leg's end, in ISDN codes (Q.850) or in Exotel's own (1000 and above).
_CAUSES = {
    "completed": (16, "NORMAL_CLEARING"),
    "busy": (17, "USER_BUSY"),
    "failed": (1, "UNALLOCATED_NUMBER"),
}
_NO_ANSWER = (1003, "RING_TIMEOUT")

_CALL_TYPES = {"completed": "completed", "canceled": "client-hangup"}


def due_after(call: Call, post: Post) -> float:
    """Return when a callback is sent, in seconds of the call's own time."""
    callees = call.scenario.callees
    over = float(call.scenario.seconds)
    if post.moment == "call over" or not callees:
        # A second later: "asynchronously after the call".
        return over + 1 + post.delay
    callee = callees[min(post.callee, len(callees) - 1)]
    seconds = {
        "connect": callees[0].after - 2,
        "dialled": callee.after + 1,
        "answered": callee.answered_after,
        "hung up": callee.over_after,
        "connect over": max(leg.over_after for leg in callees),
    }[post.moment]
    return seconds + post.delay


def parameters(call: Call, post: Post) -> Parameters:
    """Return the parameters of a callback, nested where Exotel writes brackets."""
    if post.form == "ping":
        return {}
    if post.url == "status":
        return _status_event(call, post) if post.event else _four_fields(call)
    if post.event:
        return _popup(call, post)
    return _passthru(call, post)


def bracketed(parameters: Parameters) -> list[tuple[str, str]]:
    """Return the parameters as PHP writes them in queries and forms: `Legs[0][Status]`; None is an empty string."""
    pairs: list[tuple[str, str]] = []
    for key, value in parameters.items():
        if isinstance(value, list):
            for index, item in enumerate(value):
                pairs += [(f"{key}[{index}][{inner}]", _text(text)) for inner, text in item.items()]
        else:
            pairs.append((key, _text(value)))
    return pairs


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _passthru(call: Call, post: Post) -> Parameters:
    """Return a Passthru's parameters: before Connect nobody has been dialled, after it the fields hold the outcome."""
    scenario, at = call.scenario, call.began + due_after(call, post)
    digits = {"digits": '"215250"'} if scenario.inbound else {}
    common = _parties(call) | {
        "StartTime": exotel_time(call.began),
        "EndTime": NO_END_YET,
        "flow_id": "228000",
        "tenant_id": "67200",
        "CurrentTime": exotel_time(at),
    }
    if post.moment == "connect":
        return common | {"DialCallDuration": 0, "CallType": "call-attempt", "DialWhomNumber": ""} | digits
    last = scenario.callees[-1]
    recording = {}
    if call.recording_url:
        recording = {"RecordingUrl": call.recording_url, "RecordingAvailableBy": created_time(at + 300)}
    return (
        common
        | recording
        | {
            "ForwardedFrom": "null",
            # Includes ringing, as captured from Exotel: longer than the leg's own OnCallDuration.
            "DialCallDuration": last.rings + last.talks if last.talks else 0,
            "DialCallStatus": last.status,
            "CallType": _CALL_TYPES.get(last.status, "incomplete"),
            "DialWhomNumber": call.number(last),
            "ProcessStatus": "null",
            "OutgoingPhoneNumber": BACKUP_EXOPHONE,
            "Legs": [_passthru_leg(call, leg) for leg in scenario.callees],
        }
        | digits
    )


def _passthru_leg(call: Call, leg: LegPlan) -> Parameters:
    cause, code = _CAUSES.get(leg.status, _NO_ANSWER)
    return {
        "Number": call.number(leg),
        "Type": "single",
        "OnCallDuration": leg.talks,
        "CallerId": EXOPHONE,
        "CauseCode": code,
        "Cause": cause,
    }


def _parties(call: Call) -> Parameters:
    return {
        "CallSid": call.sid,
        "CallFrom": call.caller,
        "CallTo": call.callee,
        "Direction": "incoming" if call.scenario.inbound else "outbound-dial",
        "Created": created_time(call.began),
        "From": call.caller,
        "To": call.callee,
    }


def _popup(call: Call, post: Post) -> Parameters:
    """Return the state of an agent, not of the call: "busy" means that the agent's phone rings."""
    agent = call.scenario.callees[post.callee]
    return _parties(call) | {
        "CurrentTime": exotel_time(call.began + due_after(call, post)),
        "DialWhomNumber": call.number(agent),
        "Status": "free" if post.event == "Terminal" else "busy",
        "EventType": post.event,
        "AgentEmail": f"agent{post.callee + 1}@example.com",
    }


def _four_fields(call: Call) -> Parameters:
    return {
        "CallSid": call.sid,
        "Status": call.scenario.status,
        "RecordingUrl": call.recording_url,
        "DateUpdated": exotel_time(call.ended),
    }


def _status_event(call: Call, post: Post) -> Parameters:
    over = post.event == "terminal"
    at = call.ended if over else call.began + due_after(call, post) - post.delay
    talked = call.scenario.callees[0].talks if call.scenario.callees else 0
    event: Parameters = {
        "CallSid": call.sid,
        "EventType": post.event,
        "DateCreated": exotel_time(call.began),
        "DateUpdated": exotel_time(at),
        "Status": call.scenario.status if over else "in-progress",
        "To": call.callee,
        "From": call.caller,
        "PhoneNumberSid": EXOPHONE,
        "StartTime": exotel_time(call.began),
        "EndTime": exotel_time(call.ended) if over else "",
        "ConversationDuration": talked if over else 0,
        "Direction": "outbound-api",
        "CustomField": call.custom_field,
        "Legs": [_status_leg(leg, post, over=over) for leg in call.scenario.legs[:2]],
    }
    # Without a recording the key is missing from the last event and empty in those before it.
    if call.recording_url and over:
        event["RecordingUrl"] = call.recording_url
    elif not over:
        event["RecordingUrl"] = ""
    return event


def _status_leg(leg: LegPlan, post: Post, *, over: bool) -> Parameters:
    first = leg.origin == "outbound"
    if over:
        answered_by = "NA" if first or not leg.talks else "HUMAN"
        return {"OnCallDuration": leg.talks, "Status": leg.status, "AnsweredBy": answered_by}
    talking = first or post.moment == "answered"
    return {"OnCallDuration": 0, "Status": "in-progress" if talking else ""}
